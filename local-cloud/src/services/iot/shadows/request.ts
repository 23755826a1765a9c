import { badRequest, ShadowError } from './errors.js';
import { isObject, type Json, type JsonObject, member } from './json.js';
import { CLIENT_TOKEN_BYTES, NESTING } from './limits.js';
import type { StateUpdate } from './shadows.js';

/** What every request may carry; it comes back in the answer. */
export interface ShadowRequest {
  readonly clientToken?: string;
}

export interface UpdateRequest extends ShadowRequest {
  readonly state: StateUpdate;
  /** The version that the shadow is to have; any unless given. */
  readonly version?: number;
}

/**
 * Reads a request without a state: of get or delete. It may be empty.
 *
 * @throws ShadowError as AWS IoT words it.
 */
export function readRequest(payload: Uint8Array): ShadowRequest {
  return payload.length === 0 ? {} : clientTokenOf(parse(payload));
}

/**
 * Reads an update (AWS IoT developer guide, "Request state document").
 *
 * @throws ShadowError as AWS IoT words it.
 */
export function readUpdate(payload: Uint8Array): UpdateRequest {
  const body = parse(payload);
  const version = member(body, 'version');
  if (version !== undefined && version !== null) {
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) {
      throw badRequest('Invalid version');
    }
  }
  return {
    ...clientTokenOf(body),
    ...(typeof version === 'number' && { version }),
    state: readState(member(body, 'state')),
  };
}

/** The client token of a request that may be refused for anything else. */
export function clientTokenIfAny(payload: Uint8Array): ShadowRequest {
  try {
    return clientTokenOf(parse(payload));
  } catch {
    return {};
  }
}

/** @throws ShadowError when the sections of an update are not what a shadow can hold. */
export function checkState(state: StateUpdate): void {
  for (const section of [state.desired, state.reported]) if (section) checkMembers(section, 1);
}

function readState(state: Json | undefined): StateUpdate {
  if (state === undefined) throw badRequest('Missing required node: state');
  // Empties the shadow ("Interacting with shadows": setting the state to null does not delete the shadow).
  if (state === null) return { desired: null, reported: null };
  if (!isObject(state)) throw badRequest('State node must be an object');
  if (Object.keys(state).some((name) => name !== 'desired' && name !== 'reported')) {
    throw badRequest('State contains an invalid node');
  }
  const update = {
    ...sectionOf(state, 'desired', 'Desired'),
    ...sectionOf(state, 'reported', 'Reported'),
  };
  checkState(update);
  return update;
}

function sectionOf(state: JsonObject, name: string, word: string): Record<string, JsonObject | null> {
  const section = member(state, name);
  if (section === undefined) return {};
  if (section !== null && !isObject(section)) throw badRequest(`${word} node must be an object`);
  return { [name]: section };
}

function checkMembers(value: JsonObject | readonly Json[], level: number): void {
  if (level > NESTING) {
    throw badRequest(`JSON contains too many levels of nesting; maximum is ${NESTING}`);
  }
  for (const item of Object.values(value)) {
    // Lists have no nulls, as null removes what it stands for.
    if (item === null && Array.isArray(value)) throw badRequest('State contains an invalid node');
    if (typeof item === 'object' && item !== null) checkMembers(item, level + 1);
  }
}

function clientTokenOf(body: JsonObject): ShadowRequest {
  const clientToken = member(body, 'clientToken');
  if (clientToken === undefined || clientToken === null) return {};
  if (typeof clientToken !== 'string' || Buffer.byteLength(clientToken) > CLIENT_TOKEN_BYTES) {
    throw badRequest('Invalid clientToken');
  }
  return { clientToken };
}

function parse(payload: Uint8Array): JsonObject {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    throw new ShadowError(415, 'Unsupported documented encoding; supported encoding is UTF-8');
  }
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    throw badRequest('Invalid JSON');
  }
  if (!isObject(body)) throw badRequest('Invalid JSON');
  return body;
}

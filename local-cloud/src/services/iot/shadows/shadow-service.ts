import type { Clock } from '../../../clock.js';
import type { Broker } from '../../../mqtt/index.js';
import type { Store } from '../../../store/store.js';
import type { Peer } from '../devices/peer.js';
import { badRequest, noShadow, ShadowError } from './errors.js';
import type { JsonObject } from './json.js';
import { SHADOW_NAME, STATE_BYTES, THING_NAME } from './limits.js';
import { checkState, type ShadowRequest, type UpdateRequest } from './request.js';
import { difference, EMPTY_SECTION, isEmpty, mergeSection, metadataOf, type Section } from './section.js';
import { NEW_SHADOW, type Shadow, ShadowStore } from './shadow-store.js';
import type { ShadowDocument, Shadows, ShadowUpdate, StateUpdate } from './shadows.js';

/** Whose shadow: the classic one, or one of the thing's named ones. */
export interface ShadowId {
  readonly thingName: string;
  readonly shadowName: string | undefined;
}

/** What is told of an update that was accepted: the sections that it named, with the times of what it set. */
export interface UpdateAccepted extends ShadowRequest {
  readonly state: StateUpdate;
  readonly metadata: Readonly<Record<string, JsonObject>>;
  readonly version: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** What is told of a shadow that was deleted: the version that it had. */
export interface DeleteAccepted extends ShadowRequest {
  readonly version: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

const SECTIONS = ['desired', 'reported'] as const;

/** Topic of a shadow, without what is asked of it. */
export function shadowTopic({ thingName, shadowName }: ShadowId): string {
  return `$aws/things/${thingName}/shadow${shadowName === undefined ? '' : `/name/${shadowName}`}`;
}

/**
 * The shadows of things, whoever asks. What is changed is told on the shadow's topics to all who subscribe to
 * them, whichever way the change came (AWS IoT developer guide, "Device Shadow MQTT topics").
 */
export class ShadowService implements Shadows {
  readonly #store: ShadowStore;
  readonly #listeners = new Set<(update: ShadowUpdate) => void>();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly broker: Broker<Peer>,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#store = new ShadowStore(store);
  }

  /** @throws ShadowError 404 when there is no such shadow. */
  read(id: ShadowId, request: ShadowRequest = {}): ShadowDocument & ShadowRequest {
    return { ...this.#document(this.#existing(id)), ...request };
  }

  /**
   * Merges a request into the shadow, which is made when there is none; returns what the accepted topic tells.
   *
   * @throws ShadowError 409 when it has another version than the request names, 413 when it becomes too large.
   */
  change(id: ShadowId, { state, version, clientToken }: UpdateRequest): UpdateAccepted {
    checkNames(id);
    checkState(state);
    const timestamp = this.#seconds();
    const token = clientToken === undefined ? {} : { clientToken };
    const { before, after } = this.store.transaction(() => {
      const last = this.#store.withDeleted(id.thingName, id.shadowName);
      if (version !== undefined && version !== last.version) throw new ShadowError(409, 'Version conflict');
      const from = last.deleted ? { ...NEW_SHADOW, version: last.version } : last;
      const next: Shadow = {
        desired: changed(from.desired, state.desired, timestamp),
        reported: changed(from.reported, state.reported, timestamp),
        version: from.version + 1,
      };
      if (sizeOf(state) > STATE_BYTES || sizeOf(stateOf(next)) > STATE_BYTES) {
        throw new ShadowError(413, 'The payload exceeds the maximum size allowed');
      }
      this.#store.put(id.thingName, id.shadowName, next);
      const existed = !last.deleted && last.version > 0;
      return { before: existed ? last : undefined, after: next };
    });
    const accepted = {
      state: { ...state },
      metadata: Object.fromEntries(
        SECTIONS.flatMap((name) => {
          const section = state[name];
          return section ? [[name, metadataOf(section, after[name].metadata)]] : [];
        }),
      ),
      version: after.version,
      timestamp,
      ...token,
    };
    this.#tell(id, 'update/accepted', accepted);
    const delta = difference(after.desired, after.reported);
    if (!isEmpty(delta)) {
      this.#tell(id, 'update/delta', { version: after.version, timestamp, ...delta, ...token });
    }
    this.#tell(id, 'update/documents', {
      ...(before && { previous: snapshot(before) }),
      current: snapshot(after),
      timestamp,
      ...token,
    });
    const update = { ...id, document: this.#document(after) };
    for (const listener of this.#listeners) {
      try {
        listener(update);
      } catch (error) {
        this.failed(error);
      }
    }
    return accepted;
  }

  /**
   * Deletes a shadow; returns what the accepted topic tells.
   *
   * @throws ShadowError 404 when there is no such shadow.
   */
  remove(id: ShadowId, request: ShadowRequest = {}): DeleteAccepted {
    const version = this.store.transaction(() => {
      const last = this.#existing(id);
      this.#store.put(id.thingName, id.shadowName, { ...NEW_SHADOW, version: last.version, deleted: true });
      return last.version;
    });
    const accepted = { version, timestamp: this.#seconds(), ...request };
    this.#tell(id, 'delete/accepted', accepted);
    return accepted;
  }

  /** Names of a thing's named shadows behind `after`, in their order. */
  names(thingName: string, after?: string): Iterable<string> {
    return this.#store.names(thingName, after);
  }

  update(thingName: string, shadowName: string | undefined, state: StateUpdate): number {
    return this.change({ thingName, shadowName }, { state }).version;
  }

  get(thingName: string, shadowName: string | undefined): ShadowDocument | undefined {
    const shadow = this.#store.get(thingName, shadowName);
    return shadow && this.#document(shadow);
  }

  delete(thingName: string, shadowName: string | undefined): boolean {
    if (!this.#store.get(thingName, shadowName)) return false;
    this.remove({ thingName, shadowName });
    return true;
  }

  onUpdate(listener: (update: ShadowUpdate) => void): void {
    this.#listeners.add(listener);
  }

  #existing(id: ShadowId): Shadow {
    checkNames(id);
    const shadow = this.#store.get(id.thingName, id.shadowName);
    if (!shadow) throw noShadow(id.shadowName ?? id.thingName);
    return shadow;
  }

  #document(shadow: Shadow): ShadowDocument {
    const { state, metadata, version } = snapshot(shadow);
    const delta = difference(shadow.desired, shadow.reported);
    return {
      state: { ...state, ...(!isEmpty(delta) && { delta: delta.state }) },
      metadata,
      version,
      timestamp: this.#seconds(),
    };
  }

  #seconds(): number {
    return Math.floor(this.clock.now() / 1000);
  }

  #tell(id: ShadowId, suffix: string, body: object): void {
    const payload = Buffer.from(JSON.stringify(body));
    this.broker.publish({ topic: `${shadowTopic(id)}/${suffix}`, payload, qos: 1 }).catch(this.failed);
  }
}

function changed(section: Section, update: JsonObject | null | undefined, timestamp: number): Section {
  if (update === undefined) return section;
  return update === null ? EMPTY_SECTION : mergeSection(section, update, timestamp);
}

/** A section that holds nothing is not shown. */
function stateOf({ desired, reported }: Shadow): { desired?: JsonObject; reported?: JsonObject } {
  return {
    ...(!isEmpty(desired) && { desired: desired.state }),
    ...(!isEmpty(reported) && { reported: reported.state }),
  };
}

function snapshot(shadow: Shadow) {
  const { desired, reported, version } = shadow;
  const metadata = {
    ...(!isEmpty(desired) && { desired: desired.metadata }),
    ...(!isEmpty(reported) && { reported: reported.metadata }),
  };
  return { state: stateOf(shadow), metadata, version };
}

function sizeOf(state: StateUpdate): number {
  return Buffer.byteLength(JSON.stringify(state));
}

function checkNames({ thingName, shadowName }: ShadowId): void {
  if (!THING_NAME.test(thingName)) throw badRequest('Invalid thingName');
  if (shadowName !== undefined && !SHADOW_NAME.test(shadowName)) throw badRequest('Invalid shadowName');
}

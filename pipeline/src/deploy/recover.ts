import { MooringError } from '../errors.js';
import { type Cloud, CloudRefusal, isAlreadyExists, isNotFound } from './cloud.js';
import { type JsonObject, sameValue } from './json.js';
import { identifierOf } from './plan.js';
import type { ResourceSchema, Schemas } from './resource-schema.js';
import type { StoredResource } from './state.js';
import type { StateKeeper } from './state-keeper.js';

/** What became of an operation that an earlier run began and did not see the end of. */
export interface Recovery {
  readonly operation: 'create' | 'update' | 'delete';
  readonly name: string;
  readonly type: string;
  readonly outcome: 'done' | 'not done';
}

/**
 * Finds out what became of the operations that an earlier run began: each is sent again with its own client
 * token, to which the cloud gives the first request's result. Afterwards nothing in the state is pending.
 *
 * @throws what the cloud's client throws when the cloud cannot be asked; the state then keeps the operation.
 */
export async function recover(
  keeper: StateKeeper,
  cloud: Cloud,
  schemas: Schemas,
  onRecovered: (recovery: Recovery) => void,
): Promise<void> {
  for (const resource of [...keeper.state.resources]) {
    const { pending } = resource;
    if (pending === undefined) continue;
    const schema = await schemas(resource.type);
    const done = await settle(resource, keeper, cloud, schema);
    resource.pending = undefined;
    await keeper.save();
    const { name, type } = resource;
    onRecovered({ operation: pending.operation, name, type, outcome: done ? 'done' : 'not done' });
  }
}

/** @returns whether the operation took place. */
async function settle(
  resource: StoredResource,
  keeper: StateKeeper,
  cloud: Cloud,
  schema: ResourceSchema,
): Promise<boolean> {
  const { pending, identifier } = resource;
  if (pending === undefined) return false;
  if (pending.operation === 'create') return settleCreation(resource, pending.token, keeper, cloud, schema);
  if (identifier === undefined) {
    keeper.remove(resource);
    return false;
  }
  try {
    if (pending.operation === 'delete') {
      await cloud.delete(resource.type, identifier, pending.token);
      keeper.remove(resource);
      return true;
    }
    await cloud.update(resource.type, identifier, pending.patch, pending.token);
    resource.inputs = pending.inputs;
    resource.properties = (await cloud.read(resource.type, identifier)) ?? {};
    return true;
  } catch (error) {
    if (!(error instanceof CloudRefusal)) throw error;
    if (isNotFound(error)) keeper.remove(resource);
    else await takeStock(resource, identifier, keeper, cloud);
    return pending.operation === 'delete' && isNotFound(error);
  }
}

async function settleCreation(
  resource: StoredResource,
  token: string,
  keeper: StateKeeper,
  cloud: Cloud,
  schema: ResourceSchema,
): Promise<boolean> {
  try {
    const identifier = await cloud.create(resource.type, resource.inputs, token);
    const properties = await cloud.read(resource.type, identifier);
    if (properties === undefined) {
      // Created by the earlier run, and deleted by somebody since.
      keeper.removeUnborn(resource);
      return false;
    }
    resource.identifier = identifier;
    resource.properties = properties;
    return true;
  } catch (error) {
    if (!(error instanceof CloudRefusal)) throw error;
    // The cloud has forgotten the token, but not the resource: this stack was about to create it, nobody else.
    const identifier = isAlreadyExists(error) ? await find(resource, cloud, schema) : undefined;
    if (identifier === undefined) {
      keeper.removeUnborn(resource);
      return false;
    }
    resource.identifier = identifier;
    await takeStock(resource, identifier, keeper, cloud);
    return true;
  }
}

/** The identifier of the resource that stands in the way of creating this one. */
async function find(
  resource: StoredResource,
  cloud: Cloud,
  schema: ResourceSchema,
): Promise<string | undefined> {
  const told = identifierOf(resource.inputs, schema);
  if (told !== undefined) return told;
  const named = schema.createOnly.filter(([top]) => top !== undefined && Object.hasOwn(resource.inputs, top));
  if (named.length === 0) return undefined;
  for (const identifier of await cloud.list(resource.type)) {
    const properties = await cloud.read(resource.type, identifier);
    if (properties === undefined) continue;
    if (named.every(([top = '']) => sameValue(properties[top], resource.inputs[top]))) return identifier;
  }
  return undefined;
}

/**
 * Replaces what was asked for last by what is there: after a failed update nobody knows how far it went. What
 * cannot be read back counts as unset, so that the next plan writes it again.
 */
export async function takeStock(
  resource: StoredResource,
  identifier: string,
  keeper: StateKeeper,
  cloud: Cloud,
): Promise<void> {
  const properties = await cloud.read(resource.type, identifier);
  if (properties === undefined) {
    keeper.remove(resource);
    return;
  }
  const inputs: Record<string, JsonObject[string]> = {};
  for (const name of Object.keys(resource.inputs)) {
    const value = properties[name];
    if (value !== undefined) inputs[name] = value;
  }
  resource.inputs = inputs;
  resource.properties = properties;
}

/** The message for a resource that stands in the way and does not belong to the stack. */
export function alreadyExists(name: string, type: string, said: string): MooringError {
  return new MooringError(
    'ResourceExists',
    `${name} (${type}) exists in the cloud but not in this stack's state: delete it, or restore the state (the cloud said: ${said})`,
  );
}

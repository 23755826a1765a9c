import type { Cloud } from './cloud.js';
import { CloudRefusal, isAlreadyExists, isNotFound } from './cloud.js';
import { DeployError, type StepFailure } from './deploy-error.js';
import type { EnginePorts } from './engine-ports.js';
import { isKnown, type JsonObject } from './json.js';
import {
  type DesiredResource,
  deletionStep,
  patchOf,
  planDeletions,
  planResource,
  type Step,
} from './plan.js';
import { refuseProtected } from './protection.js';
import { alreadyExists, takeStock } from './recover.js';
import type { Register, RegisteredResource } from './stack-program.js';
import type { StoredResource } from './state.js';
import type { StateKeeper } from './state-keeper.js';

/**
 * Carries out one run of the program against the cloud. Resources that do not depend on each other are worked
 * on at once; after the first failure no further step begins, and those under way are brought to their end.
 */
export class Applier {
  readonly #keeper: StateKeeper;
  readonly #cloud: Cloud;
  readonly #ports: EnginePorts;
  readonly #registered = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #failures: StepFailure[] = [];
  readonly #done: Step[] = [];

  constructor(keeper: StateKeeper, ports: EnginePorts) {
    this.#keeper = keeper;
    this.#cloud = ports.cloud;
    this.#ports = ports;
  }

  /** The steps that were carried out, in the order in which they ended. */
  get done(): readonly Step[] {
    return this.#done;
  }

  /**
   * Runs the program, then deletes what it no longer has.
   *
   * @throws DeployError when a step failed.
   */
  async run<T>(program: (register: Register) => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await program((desired) => this.#register(desired));
    } catch (error) {
      await this.#settle();
      throw this.#failures.length > 0 ? new DeployError(this.#failures) : error;
    }
    await this.#settle();
    if (this.#failures.length > 0) throw new DeployError(this.#failures);
    await this.#deleteTheRest();
    return result;
  }

  /** Waits for the steps under way: they are not given up half done. */
  async #settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async #register(desired: DesiredResource): Promise<RegisteredResource> {
    if (this.#failures.length > 0) throw new DeployError(this.#failures);
    const work = this.#apply(desired);
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #apply(desired: DesiredResource): Promise<RegisteredResource> {
    this.#registered.add(desired.key);
    const last = this.#keeper.living(desired.key);
    let operation: StepFailure['operation'] = last === undefined ? 'create' : 'update';
    try {
      const schema = await this.#ports.schemas(desired.type);
      const step = planResource(desired, last, schema);
      operation = step.kind;
      refuseProtected(step, last);
      const inputs = known(desired);
      if (step.kind !== 'same') this.#ports.onProgress({ kind: 'started', step });
      let resource: StoredResource;
      if (last === undefined) resource = await this.#create(desired, inputs);
      else if (step.kind === 'replace') resource = await this.#replace(last, desired, inputs, step.order);
      else {
        if (step.kind === 'update') {
          await this.#update(last, inputs, JSON.stringify(patchOf(last.inputs, inputs, schema)));
        }
        resource = last;
      }
      if (remember(resource, desired) || step.kind !== 'same') await this.#keeper.save();
      this.#done.push(step);
      this.#ports.onProgress({ kind: 'finished', step });
      const { identifier } = resource;
      return {
        ...(identifier !== undefined && { identifier }),
        properties: { ...resource.properties, ...inputs },
      };
    } catch (error) {
      const { key, name, type } = desired;
      const identifier = last?.identifier;
      this.#failures.push({
        operation,
        resource: { key, name, type, ...(identifier !== undefined && { identifier }) },
        error,
      });
      throw error;
    }
  }

  async #create(desired: DesiredResource, inputs: JsonObject): Promise<StoredResource> {
    const { key, name, type } = desired;
    const resource: StoredResource = { key, name, type, inputs, properties: {}, dependencies: [] };
    remember(resource, desired);
    const token = this.#ports.newToken();
    this.#keeper.add(resource);
    await this.#keeper.intend(resource, { operation: 'create', token });
    try {
      const identifier = await this.#cloud.create(type, inputs, token);
      resource.properties = (await this.#cloud.read(type, identifier)) ?? {};
      resource.identifier = identifier;
    } catch (error) {
      if (!(error instanceof CloudRefusal)) throw error;
      this.#keeper.removeUnborn(resource);
      await this.#keeper.save();
      throw isAlreadyExists(error) ? alreadyExists(name, type, error.said) : error;
    }
    resource.pending = undefined;
    return resource;
  }

  async #update(resource: StoredResource, inputs: JsonObject, patch: string): Promise<void> {
    const { type, identifier = '' } = resource;
    const token = this.#ports.newToken();
    await this.#keeper.intend(resource, { operation: 'update', token, inputs, patch });
    try {
      await this.#cloud.update(type, identifier, patch, token);
      resource.properties = (await this.#cloud.read(type, identifier)) ?? {};
    } catch (error) {
      if (!(error instanceof CloudRefusal)) throw error;
      // Forgotten if it is gone: the next run creates it anew.
      await takeStock(resource, identifier, this.#keeper, this.#cloud);
      resource.pending = undefined;
      await this.#keeper.save();
      throw error;
    }
    resource.inputs = inputs;
    resource.pending = undefined;
  }

  async #replace(
    old: StoredResource,
    desired: DesiredResource,
    inputs: JsonObject,
    order: 'create-first' | 'delete-first',
  ): Promise<StoredResource> {
    if (order === 'delete-first') await this.#delete(old);
    else old.condemned = true;
    return this.#create(desired, inputs);
  }

  async #delete(resource: StoredResource): Promise<void> {
    const { type, identifier } = resource;
    if (identifier !== undefined && resource.retainOnDelete !== true) {
      const token = this.#ports.newToken();
      await this.#keeper.intend(resource, { operation: 'delete', token });
      try {
        await this.#cloud.delete(type, identifier, token);
      } catch (error) {
        if (!(error instanceof CloudRefusal)) throw error;
        if (!isNotFound(error)) {
          resource.pending = undefined;
          await this.#keeper.save();
          throw error;
        }
      }
    }
    this.#keeper.remove(resource);
    await this.#keeper.save();
  }

  async #deleteTheRest(): Promise<void> {
    for (const resource of planDeletions(this.#keeper.state, this.#registered)) {
      const step = deletionStep(resource);
      // The end of a replacement belongs to a step that is counted already.
      const counted = resource.condemned !== true;
      try {
        refuseProtected(step, resource);
        this.#ports.onProgress({ kind: 'started', step });
        await this.#delete(resource);
      } catch (error) {
        throw new DeployError([{ operation: 'delete', resource: step.resource, error }]);
      }
      if (counted) this.#done.push(step);
      this.#ports.onProgress({ kind: 'finished', step });
    }
  }
}

/** Notes what deletions will need. @returns whether anything is new. */
function remember(resource: StoredResource, desired: DesiredResource): boolean {
  const before = JSON.stringify([resource.dependencies, resource.retainOnDelete, resource.protect]);
  resource.dependencies = [...desired.dependencies].sort();
  resource.retainOnDelete = desired.options.retainOnDelete || undefined;
  resource.protect = desired.options.protect || undefined;
  return before !== JSON.stringify([resource.dependencies, resource.retainOnDelete, resource.protect]);
}

/** The desired properties of a run in which everything is known. */
function known(desired: DesiredResource): JsonObject {
  const { properties } = desired;
  if (!isKnown(properties)) throw new TypeError(`a property of ${desired.name} is still unknown`);
  return properties as JsonObject;
}

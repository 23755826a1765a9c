import { type Cloud, CloudRefusal } from '../../src/deploy/cloud.js';
import type { JsonObject } from '../../src/deploy/json.js';
import { parseResourceSchema, type ResourceSchema } from '../../src/deploy/resource-schema.js';
import { parseState, type StackState } from '../../src/deploy/state.js';
import type { StateStore } from '../../src/deploy/state-keeper.js';

/** A type with a property of each sort that matters to a deployment. */
export const BOX = 'AWS::Test::Box';
export const boxSchema: ResourceSchema = parseResourceSchema(
  BOX,
  JSON.stringify({
    typeName: BOX,
    properties: {
      Name: { type: 'string' },
      Kind: { type: 'string' },
      Size: { type: 'integer' },
      Secret: { type: 'string' },
      Link: { type: 'string' },
      Arn: { type: 'string' },
    },
    createOnlyProperties: ['/properties/Name', '/properties/Kind'],
    readOnlyProperties: ['/properties/Arn'],
    writeOnlyProperties: ['/properties/Secret'],
    primaryIdentifier: ['/properties/Name'],
  }),
);

/** The process was killed; nothing after it happens. */
export class Killed extends Error {}

/** An instant at which the process is killed: before or after the nth effect outside of it. */
export interface Kill {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** Everything outside of the process, which can be killed at any of its effects. */
export class World implements Cloud, StateStore {
  readonly boxes = new Map<string, { identity: number; properties: JsonObject }>();
  readonly calls: string[] = [];
  /** Names of boxes whose operations the cloud refuses. */
  readonly refused = new Set<string>();
  /** Whether the cloud remembers client tokens. */
  remembers = true;
  #state: string | undefined;
  #kill: Kill | undefined;
  #effects = 0;
  #identities = 0;
  readonly #tokens = new Map<string, { request: string; result: string | CloudRefusal }>();

  /** Starts a process, to be killed at `kill`. */
  boot(kill?: Kill): void {
    this.#kill = kill;
    this.#effects = 0;
    this.calls.length = 0;
  }

  /** How many effects the process has had. */
  get effects(): number {
    return this.#effects;
  }

  create(type: string, properties: JsonObject, token: string): Promise<string> {
    return this.#request(`create ${type} ${JSON.stringify(properties)}`, token, () => {
      const name = String(properties.Name);
      if (this.refused.has(name)) throw new CloudRefusal('InvalidRequest', `${name} is refused`);
      if (this.boxes.has(name)) throw new CloudRefusal('AlreadyExists', `${name} is there already`);
      this.#identities += 1;
      this.boxes.set(name, { identity: this.#identities, properties });
      return name;
    });
  }

  update(_type: string, identifier: string, patch: string, token: string): Promise<void> {
    return this.#request(`update ${identifier} ${patch}`, token, () => {
      const box = this.boxes.get(identifier);
      if (box === undefined) throw new CloudRefusal('NotFound', `there is no ${identifier}`);
      if (this.refused.has(identifier)) throw new CloudRefusal('InvalidRequest', `${identifier} is refused`);
      const properties: Record<string, JsonObject[string]> = { ...box.properties };
      // Write-only properties are unknown to the cloud's update handler unless the patch brings them.
      delete properties.Secret;
      const operations: { op: string; path: string; value: JsonObject[string] }[] = JSON.parse(patch);
      for (const { op, path, value } of operations) {
        const name = path.slice(1);
        if (name === 'Name' || name === 'Kind')
          throw new CloudRefusal('NotUpdatable', `${name} is create-only`);
        if (op === 'add') properties[name] = value;
        else if (!(name in properties)) throw new CloudRefusal('InvalidRequest', `${path} is not there`);
        else delete properties[name];
      }
      this.boxes.set(identifier, { ...box, properties });
      return '';
    }).then(() => undefined);
  }

  delete(_type: string, identifier: string, token: string): Promise<void> {
    return this.#request(`delete ${identifier}`, token, () => {
      if (!this.boxes.has(identifier)) throw new CloudRefusal('NotFound', `there is no ${identifier}`);
      for (const [name, other] of this.boxes) {
        if (String(other.properties.Link).startsWith(`arn:${identifier}:`) && name !== identifier) {
          throw new CloudRefusal('ResourceConflict', `${identifier} is used by ${name}`);
        }
      }
      this.boxes.delete(identifier);
      return '';
    }).then(() => undefined);
  }

  async read(_type: string, identifier: string): Promise<JsonObject | undefined> {
    return this.#effect(() => {
      const box = this.boxes.get(identifier);
      if (box === undefined) return undefined;
      const { Secret, ...readable } = box.properties;
      return { ...readable, Arn: `arn:${identifier}:${box.identity}` };
    });
  }

  async list(): Promise<string[]> {
    return this.#effect(() => [...this.boxes.keys()]);
  }

  async load(): Promise<StackState | undefined> {
    return this.#state === undefined ? undefined : parseState('test', this.#state);
  }

  async save(state: StackState): Promise<void> {
    const text = JSON.stringify(state);
    await this.#effect(() => {
      this.#state = text;
    });
  }

  async #request(request: string, token: string, act: () => string): Promise<string> {
    return this.#effect(() => {
      this.calls.push(request);
      const known = this.remembers ? this.#tokens.get(token) : undefined;
      if (known !== undefined && known.request !== request) {
        throw new CloudRefusal('ClientTokenConflictException', 'the token was used for another request');
      }
      const result = known?.result ?? attempt(act);
      this.#tokens.set(token, { request, result });
      if (result instanceof CloudRefusal) throw result;
      return result;
    });
  }

  async #effect<T>(act: () => T): Promise<T> {
    await Promise.resolve();
    this.#effects += 1;
    const kill = this.#kill;
    if (
      kill !== undefined &&
      (this.#effects > kill.at || (this.#effects === kill.at && kill.when === 'before'))
    ) {
      throw new Killed();
    }
    const result = act();
    if (kill !== undefined && this.#effects === kill.at) throw new Killed();
    return result;
  }
}

function attempt(act: () => string): string | CloudRefusal {
  try {
    return act();
  } catch (error) {
    if (error instanceof CloudRefusal) return error;
    throw error;
  }
}

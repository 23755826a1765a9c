import pulumi from '@pulumi/pulumi';
import { MooringError } from '../errors.js';
import { inIsolatedRuntime } from './isolated-runtime.js';
import { type Json, JsonObject, UNKNOWN, type Value, type ValueObject } from './json.js';
import type { DesiredResource, ResourceOptions } from './plan.js';
import { toCloudFormation, toOutputs } from './property-case.js';
import type { Path, Schemas } from './resource-schema.js';
import type { Register, StackProgram } from './stack-program.js';
import { cloudFormationType } from './type-name.js';

/** A Pulumi program and what it is evaluated with. */
export interface PulumiProgram {
  /** The program itself; the object that it returns are the stack's outputs. */
  readonly run: () => Promise<object>;
  readonly project: string;
  readonly stack: string;
  /** Configuration values by their whole key, such as `mooring:logRetentionDays`. */
  readonly config: Readonly<Record<string, string>>;
  /** What the provider's `getAccountId`, `getRegion` and `getPartition` answer. */
  readonly account: string;
  readonly region: string;
  readonly partition: string;
}

/**
 * A Pulumi program as the deploy engine runs it: evaluated in this process by Pulumi's Node SDK, whose mock
 * monitor hands over each resource with its inputs resolved.
 *
 * @throws MooringError when the program uses what this target cannot honour (resources of another provider,
 *   secrets, assets, resource options such as `ignoreChanges`), naming the resource.
 */
export function stackProgram(program: PulumiProgram, schemas: Schemas): StackProgram {
  return (register, mode) =>
    inIsolatedRuntime(async () => {
      const evaluation = new Evaluation(register, schemas);
      await pulumi.runtime.setMocks(
        {
          call: ({ token }) => evaluation.answer(program, token),
          newResource: (args) => evaluation.newResource(args),
        },
        program.project,
        program.stack,
        mode === 'preview',
      );
      evaluation.watchRequests();
      pulumi.runtime.setAllConfig({ ...program.config });
      return await evaluation.run(program.run);
    });
}

/** The inputs of one resource, as the mock monitor passes them on. */
type NewResource = Parameters<Parameters<typeof pulumi.runtime.setMocks>[0]['newResource']>[0];

class Evaluation {
  readonly #register: Register;
  readonly #schemas: Schemas;
  /** By key: what the mock monitor does not pass on of a registration. */
  readonly #requests = new Map<string, { dependencies: readonly string[]; options: ResourceOptions }>();
  #fail: (error: unknown) => void = () => undefined;

  constructor(register: Register, schemas: Schemas) {
    this.#register = register;
    this.#schemas = schemas;
  }

  /** Notes the dependencies and options of each registration on its way to the mock monitor. */
  watchRequests(): void {
    const monitor = pulumi.runtime.getMonitor();
    if (monitor === undefined) throw new TypeError('the Pulumi runtime has no monitor');
    const pass = monitor.registerResource.bind(monitor) as (
      request: Request,
      ...others: unknown[]
    ) => unknown;
    Object.assign(monitor, {
      registerResource: (request: Request, ...others: unknown[]) => {
        const key = keyOf(request.getType(), request.getName());
        try {
          refuseOptions(request);
          if (this.#requests.has(key)) {
            throw new MooringError('DuplicateResource', `Two resources of the program are called ${key}`);
          }
        } catch (error) {
          this.#fail(error);
          return undefined;
        }
        this.#requests.set(key, {
          dependencies: request.getDependenciesList().map(keyOfUrn),
          options: {
            retainOnDelete: request.getRetainondelete() ?? false,
            protect: request.getProtect() ?? false,
            deleteBeforeReplace: request.getDeletebeforereplace(),
            replaceOnChanges: request.getReplaceonchangesList().map(toPath),
          },
        });
        return pass(request, ...others);
      },
    });
  }

  /** Answers a provider function; its own error would reach the program without its message. */
  answer(program: PulumiProgram, token: string): Record<string, string> {
    try {
      return answerInvoke(program, token);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  async newResource({ type, name, inputs, custom }: NewResource): Promise<{
    id: string | undefined;
    state: Record<string, unknown>;
  }> {
    // Components exist in the program alone.
    if (custom === false) return { id: undefined, state: inputs };
    try {
      const key = keyOf(type, name);
      const cloudType = cloudFormationType(type);
      const schema = await this.#schemas(cloudType);
      const request = this.#requests.get(key);
      const desired: DesiredResource = {
        key,
        name,
        type: cloudType,
        properties: toCloudFormation(toValues(inputs, name), schema),
        dependencies: request?.dependencies ?? [],
        options: request?.options ?? NO_OPTIONS,
      };
      const { identifier, properties } = await this.#register(desired);
      return { id: identifier, state: toOutputs(properties, schema) };
    } catch (error) {
      this.#fail(error);
      return new Promise(() => undefined);
    }
  }

  /** Runs the program to its end, or to the first error of a resource. */
  async run(program: () => Promise<object>): Promise<JsonObject | undefined> {
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const restore = catchRejections((error) => this.#fail(error));
    try {
      const outputs = await Promise.race([failed, complete(program)]);
      // A rejection that nobody handled is reported at the end of the turn.
      await Promise.race([failed, endOfTurn()]);
      return outputs;
    } finally {
      await endOfTurn();
      restore();
    }
  }
}

/** Resolves with the outputs when every resource is registered; undefined while some of them are unknown. */
async function complete(program: () => Promise<object>): Promise<JsonObject | undefined> {
  const outputs = await program();
  await pulumi.runtime.disconnect();
  const resolved: unknown = await new Promise((resolve) => {
    // `apply` is skipped when anything in the outputs is unknown, so a second output tells that this is so.
    const all = pulumi.output(outputs);
    all.apply(resolve);
    pulumi.output(isWhollyKnown(all)).apply((known) => {
      if (!known) resolve(undefined);
    });
  });
  return resolved === undefined ? undefined : JsonObject.parse(JSON.parse(JSON.stringify(resolved)));
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Outputs carry this promise; their declarations leave it out. */
function isWhollyKnown(output: object): Promise<boolean> {
  return 'isKnown' in output && output.isKnown instanceof Promise ? output.isKnown : Promise.resolve(true);
}

/** The getters of a registration request that are read here. */
interface Request {
  getType(): string;
  getName(): string;
  getDependenciesList(): string[];
  getRetainondelete(): boolean | undefined;
  getProtect(): boolean | undefined;
  getDeletebeforereplace(): boolean;
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getImportid(): string;
  getDeletedwith(): string;
}

const NO_OPTIONS: ResourceOptions = {
  retainOnDelete: false,
  protect: false,
  deleteBeforeReplace: false,
  replaceOnChanges: [],
};

/** `a.b[*].c` to its names. */
function toPath(property: string): Path {
  return property.replaceAll('[', '.').replaceAll(']', '').split('.');
}

function refuseOptions(request: Request): void {
  const unsupported = [
    request.getIgnorechangesList().length > 0 && 'ignoreChanges',
    request.getImportid() !== '' && 'import',
    request.getDeletedwith() !== '' && 'deletedWith',
  ].filter((option) => option !== false);
  if (unsupported.length > 0) {
    throw new MooringError(
      'UnsupportedOption',
      `${request.getName()}: the local target does not honour the resource option ${unsupported.join(', ')}`,
    );
  }
}

function keyOf(type: string, name: string): string {
  return `${type}::${name}`;
}

/** `urn:pulumi:stack::project::parent$type::name` to the key of the resource. */
function keyOfUrn(urn: string): string {
  const [, , type = '', ...name] = urn.split('::');
  return keyOf(type.split('$').at(-1) ?? type, name.join('::'));
}

function answerInvoke(program: PulumiProgram, token: string): Record<string, string> {
  switch (token) {
    case 'aws-native:index:getAccountId':
      return { accountId: program.account };
    case 'aws-native:index:getRegion':
      return { region: program.region };
    case 'aws-native:index:getPartition':
      return { partition: program.partition };
    default:
      throw new MooringError(
        'UnsupportedInvoke',
        `The local target does not answer the provider function ${token}`,
      );
  }
}

/** Resource arguments as plain values. */
function toValues(inputs: unknown, name: string): ValueObject {
  const value = toValue(inputs, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as ValueObject) : {};
}

function toValue(input: unknown, name: string): Value {
  if (pulumi.isUnknown(input)) return UNKNOWN;
  switch (typeof input) {
    case 'string':
    case 'boolean':
      return input;
    case 'number':
      return input as Json;
    case 'object':
      break;
    default:
      throw unsupportedValue(name, typeof input);
  }
  if (input === null) return null;
  if (Array.isArray(input)) return input.map((item) => toValue(item, name));
  if (pulumi.runtime.specialSigKey in input) throw unsupportedValue(name, 'secret');
  const prototype: unknown = Object.getPrototypeOf(input);
  if (prototype !== Object.prototype && prototype !== null)
    throw unsupportedValue(name, input.constructor.name);
  return Object.fromEntries(
    Object.entries(input).flatMap(([key, item]) => (item === undefined ? [] : [[key, toValue(item, name)]])),
  );
}

function unsupportedValue(name: string, what: string): MooringError {
  return new MooringError(
    'UnsupportedValue',
    `${name}: the local target does not take a ${what} as an argument`,
  );
}

/**
 * Errors that the program throws in `apply` reject promises which nobody but the runtime holds. The runtime
 * marks them; others are none of an evaluation's business and stay fatal.
 */
function catchRejections(caught: (error: unknown) => void): () => void {
  const listener = (reason: unknown) => {
    if (reason instanceof Error && 'promise' in reason) caught(reason);
    else throw reason;
  };
  process.on('unhandledRejection', listener);
  return () => process.off('unhandledRejection', listener);
}

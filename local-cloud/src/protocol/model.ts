import { NormalizedSchema } from '@smithy/core/schema';

/**
 * A service's model, read from the schemas in its AWS SDK package: the vendor's own description of every
 * operation, its HTTP binding, its input, output and errors.
 */
export interface ServiceModel {
  readonly operations: ReadonlyMap<string, OperationModel>;
  /** Modelled errors by the name that their exception class carries. */
  readonly errors: ReadonlyMap<string, ErrorModel>;
  /** Shapes' namespace, for example `com.amazonaws.iot`. */
  readonly namespace: string;
}

export interface OperationModel {
  readonly name: string;
  /** Method, URI pattern and success status, for protocols that bind to HTTP. */
  readonly http: { method: string; uri: string; status: number } | undefined;
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
}

export interface ErrorModel {
  /** Code on the wire; differs from the name for some query services (`NoSuchEntity`). */
  readonly code: string;
  readonly status: number;
  readonly fault: 'client' | 'server';
  readonly schema: NormalizedSchema;
}

/** First element of a static schema in the SDK: what kind of shape it describes. */
const OPERATION = 9;
const ERROR = -3;

/** Reads the model out of an SDK package's exports. */
export function readModel(sdk: object): ServiceModel {
  const operations = new Map<string, OperationModel>();
  const errors = new Map<string, ErrorModel>();
  let namespace = '';
  for (const value of Object.values(sdk)) {
    if (!Array.isArray(value)) continue;
    const [kind, shapeNamespace, name, traits] = value as [number, string, string, unknown];
    if (kind === OPERATION) {
      namespace = shapeNamespace;
      operations.set(name, {
        name,
        http: httpBinding(traits),
        input: NormalizedSchema.of(value[4]),
        output: NormalizedSchema.of(value[5]),
      });
    } else if (kind === ERROR && isTraits(traits)) {
      const status = typeof traits.httpError === 'number' ? traits.httpError : undefined;
      const [code, queryStatus] = Array.isArray(traits.awsQueryError)
        ? traits.awsQueryError
        : [name, undefined];
      errors.set(name, {
        code: String(code),
        status:
          status ?? (typeof queryStatus === 'number' ? queryStatus : traits.error === 'server' ? 500 : 400),
        fault: traits.error === 'server' ? 'server' : 'client',
        schema: NormalizedSchema.of(value as never),
      });
    }
  }
  return { operations, errors, namespace };
}

/**
 * Names of a structure's members that a caller must give.
 *
 * The SDK's schemas list required members first and carry their number as seventh element.
 */
export function requiredMembers(schema: NormalizedSchema): readonly string[] {
  const shape: unknown = schema.getSchema();
  if (!Array.isArray(shape) || !Array.isArray(shape[4])) return [];
  return shape[4].slice(0, typeof shape[6] === 'number' ? shape[6] : 0) as string[];
}

function httpBinding(traits: unknown): OperationModel['http'] {
  if (!isTraits(traits) || !Array.isArray(traits.http)) return undefined;
  const [method, uri, status] = traits.http as [string, string, number];
  return { method, uri, status };
}

function isTraits(traits: unknown): traits is Record<string, unknown> {
  return typeof traits === 'object' && traits !== null;
}

import { randomUUID } from 'node:crypto';
import type { Architecture, FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { Base } from '../../plugin.js';
import { refuse } from './errors.js';
import { type FunctionNames, functionNames } from './function-name.js';
import type { FunctionSettings } from './function-settings.js';

/** A function as it is kept. */
export interface LambdaFunction extends FunctionSettings {
  readonly name: string;
  readonly arn: string;
  readonly architecture: Architecture;
  /** SHA-256 of the deployment package, in hexadecimal. */
  readonly codeHash: string;
  /** Bytes of the deployment package. */
  readonly codeSize: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  /** Another one after each change. */
  readonly revisionId: string;
}

/** The functions of the account. */
export interface Functions extends FunctionNames {
  /** @throws ResourceNotFoundException */
  get(reference: string | undefined, qualifier?: string): LambdaFunction;
  find(name: string): LambdaFunction | undefined;
  /** Keeps a function under a new revision id, as modified now. */
  save(lambda: Omit<LambdaFunction, 'lastModified' | 'revisionId'> & Partial<LambdaFunction>): LambdaFunction;
  /** Replaces the tags of a function that exists. */
  setTags(name: string, tags: Readonly<Record<string, string>>): void;
  remove(name: string): void;
  /** In order of their names. */
  all(after?: string): Iterable<LambdaFunction>;
}

export function lambdaFunctions(base: Base): Functions {
  const { store, clock } = base;
  const table = store.table<LambdaFunction>('lambda.functions');
  const names = functionNames(base);
  return {
    ...names,
    find: (name) => table.get(name),
    get(reference, qualifier) {
      const name = names.nameOf(reference, qualifier);
      const lambda = table.get(name);
      if (!lambda) throw refuse.functionNotFound(names.arnOf(name));
      return lambda;
    },
    save(changed) {
      const lambda = { ...changed, lastModified: clock.now(), revisionId: randomUUID() };
      table.put(lambda.name, lambda);
      return lambda;
    },
    setTags(name, tags) {
      const lambda = table.get(name);
      if (lambda) table.put(name, { ...lambda, tags });
    },
    remove: (name) => {
      table.delete(name);
    },
    *all(after) {
      for (const [, lambda] of table.entries({ after })) yield lambda;
    },
  };
}

/** A function as the API tells of it. It is active as soon as it is kept: its code is unzipped by then. */
export function configurationOf(lambda: LambdaFunction): FunctionConfiguration {
  const { environment } = lambda;
  return {
    FunctionName: lambda.name,
    FunctionArn: lambda.arn,
    Runtime: lambda.runtime,
    Role: lambda.role,
    Handler: lambda.handler,
    CodeSize: lambda.codeSize,
    Description: lambda.description,
    Timeout: lambda.timeout,
    MemorySize: lambda.memorySize,
    LastModified: new Date(lambda.lastModified).toISOString().replace('Z', '+0000'),
    CodeSha256: Buffer.from(lambda.codeHash, 'hex').toString('base64'),
    Version: '$LATEST',
    Environment: Object.keys(environment).length > 0 ? { Variables: { ...environment } } : undefined,
    DeadLetterConfig: lambda.deadLetterArn === undefined ? undefined : { TargetArn: lambda.deadLetterArn },
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: lambda.revisionId,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [lambda.architecture],
    EphemeralStorage: { Size: lambda.ephemeralStorage },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: lambda.logGroup },
  };
}

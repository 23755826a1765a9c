import type * as sdk from '@aws-sdk/client-lambda';
import { AwsError } from '../../errors.js';
import type { Operations } from '../../service.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { ObjectReader } from '../s3/object-reader.js';
import type { CodePackage, CodePackages } from './code-package.js';
import type { Destinations } from './destinations.js';
import { refuse } from './errors.js';
import { architectureOf, changedSettings, type FunctionSettings, newSettings } from './function-settings.js';
import { configurationOf, type Functions, type LambdaFunction } from './functions.js';

export interface FunctionOperationsNeeds {
  readonly accountId: string;
  readonly functions: Functions;
  readonly packages: CodePackages;
  readonly roles: RoleDirectory;
  readonly readObject: ObjectReader;
  readonly destinations: Destinations;
  /** Executions that a function has reserved for itself. */
  readonly reserved: (functionName: string) => number | undefined;
  /** Where the zip file of a package can be fetched. */
  readonly codeLocation: (hash: string) => Promise<string>;
  /** Called when a function was changed (`updated`) or is gone. */
  readonly changed: (lambda: LambdaFunction, how: 'updated' | 'deleted') => void;
}

type Part = Pick<
  Operations<typeof sdk>,
  | 'CreateFunction'
  | 'GetFunction'
  | 'GetFunctionConfiguration'
  | 'UpdateFunctionCode'
  | 'UpdateFunctionConfiguration'
  | 'DeleteFunction'
  | 'ListFunctions'
>;

/** Largest zip file, in bytes, that is given with a request itself. */
const DIRECT_UPLOAD_LIMIT = 52_428_800;

/** Creating, describing, changing, deleting and listing functions. */
export function functionOperations(needs: FunctionOperationsNeeds) {
  const { accountId, functions, packages, roles, readObject, codeLocation, changed, destinations } = needs;

  function assertDeadLetters({ role, deadLetterArn }: FunctionSettings): void {
    if (deadLetterArn !== undefined) destinations.assertDeadLetterTarget(role, deadLetterArn);
  }

  function assertRole(role: string, functionArn: string): void {
    const context = new Map([
      ['aws:sourcearn', functionArn],
      ['aws:sourceaccount', accountId],
    ]);
    if (roles.byArn(role) && roles.trusts(role, 'lambda.amazonaws.com', context)) return;
    throw refuse.invalidParameter('The role defined for the function cannot be assumed by Lambda.');
  }

  async function addCode(code: sdk.FunctionCode): Promise<CodePackage> {
    if (code.ImageUri !== undefined) {
      throw refuse.invalidParameter('Not built in the local cloud: functions from container images');
    }
    if (code.SourceKMSKeyArn) {
      throw refuse.invalidParameter('Not built in the local cloud: SourceKMSKeyArn');
    }
    if (code.ZipFile) {
      if (code.S3Bucket !== undefined || code.S3Key !== undefined) {
        throw refuse.invalidParameter(
          'Please do not provide other FunctionCode parameters when providing a ZipFile.',
        );
      }
      if (code.ZipFile.length > DIRECT_UPLOAD_LIMIT) {
        throw refuse.tooLarge(`Zipped size must be smaller than ${DIRECT_UPLOAD_LIMIT} bytes`);
      }
      return packages.add(code.ZipFile);
    }
    const { S3Bucket: bucket, S3Key: objectKey, S3ObjectVersion: version } = code;
    if (bucket === undefined || objectKey === undefined) {
      throw refuse.invalidParameter('Please provide a source for function code.');
    }
    const zip = await readObject(bucket, objectKey, version).catch((error: unknown) => {
      throw refuse.invalidParameter(
        `Error occurred while GetObject. S3 Error Code: ${codeOf(error)}. S3 Error Message: ${error instanceof Error ? error.message : error}`,
      );
    });
    return packages.add(zip);
  }

  function assertRevision(lambda: LambdaFunction, revisionId: string | undefined): void {
    if (revisionId !== undefined && revisionId !== lambda.revisionId) throw refuse.outdated();
  }

  function concurrencyOf({ name }: LambdaFunction) {
    const reserved = needs.reserved(name);
    return reserved === undefined ? undefined : { ReservedConcurrentExecutions: reserved };
  }

  const operations: Part = {
    async CreateFunction(input) {
      const name = functions.nameOf(input.FunctionName);
      if (functions.find(name)) throw refuse.exists(`Function already exist: ${name}`);
      const settings = newSettings(name, input);
      const architecture = architectureOf(input.Architectures);
      assertRole(settings.role, functions.arnOf(name));
      assertDeadLetters(settings);
      const code = await addCode(input.Code ?? {});
      if (functions.find(name)) throw refuse.exists(`Function already exist: ${name}`);
      const lambda = functions.save({
        ...settings,
        name,
        arn: functions.arnOf(name),
        architecture,
        codeHash: code.hash,
        codeSize: code.size,
        tags: input.Tags ?? {},
      });
      return configurationOf(lambda);
    },
    async GetFunction({ FunctionName, Qualifier }) {
      const lambda = functions.get(FunctionName, Qualifier);
      return {
        Configuration: configurationOf(lambda),
        Code: { RepositoryType: 'S3', Location: await codeLocation(lambda.codeHash) },
        Tags: Object.keys(lambda.tags).length > 0 ? { ...lambda.tags } : undefined,
        Concurrency: concurrencyOf(lambda),
      };
    },
    GetFunctionConfiguration: ({ FunctionName, Qualifier }) =>
      configurationOf(functions.get(FunctionName, Qualifier)),
    async UpdateFunctionCode(input) {
      const before = functions.get(input.FunctionName);
      assertRevision(before, input.RevisionId);
      if (input.Publish) throw refuse.invalidParameter('Not built in the local cloud: Publish');
      const architecture = input.Architectures ? architectureOf(input.Architectures) : before.architecture;
      const code = await addCode(input);
      const current = functions.get(input.FunctionName);
      const wanted = { ...current, architecture, codeHash: code.hash, codeSize: code.size };
      if (input.DryRun) return configurationOf(wanted);
      const lambda = functions.save(wanted);
      changed(lambda, 'updated');
      return configurationOf(lambda);
    },
    UpdateFunctionConfiguration(input) {
      const before = functions.get(input.FunctionName);
      assertRevision(before, input.RevisionId);
      const settings = changedSettings(before, input);
      if (settings.role !== before.role) assertRole(settings.role, before.arn);
      assertDeadLetters(settings);
      const lambda = functions.save({ ...before, ...settings });
      changed(lambda, 'updated');
      return configurationOf(lambda);
    },
    DeleteFunction({ FunctionName, Qualifier }) {
      const lambda = functions.get(FunctionName, Qualifier);
      functions.remove(lambda.name);
      changed(lambda, 'deleted');
      return { StatusCode: 204 };
    },
    ListFunctions({ Marker, MaxItems = 50 }) {
      const size = Math.min(Math.max(MaxItems, 1), 50);
      const page: LambdaFunction[] = [];
      for (const lambda of functions.all(Marker)) {
        if (page.length === size) {
          return { Functions: page.map(configurationOf), NextMarker: page.at(-1)?.name };
        }
        page.push(lambda);
      }
      return { Functions: page.map(configurationOf) };
    },
  };
  return operations;
}

function codeOf(error: unknown): string {
  if (error instanceof AwsError) return error.code;
  return error instanceof Error ? error.name : 'InternalError';
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GetCallerIdentityCommand, STSClient, STSServiceException } from '@aws-sdk/client-sts';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { explain, MooringError } from '../errors.js';
import type { Credentials } from '../target.js';

/** The Pulumi command that goes with the SDK of this repository. */
export const PULUMI_VERSION = '3.248.0';

/** Where a deployment to AWS starts from, as far as the environment tells. */
export interface AwsSurroundings {
  readonly stack: string;
  readonly region: string | undefined;
  readonly credentials: () => Promise<Credentials>;
  /** The environment, in which the `pulumi` command is looked for and run. */
  readonly env: NodeJS.ProcessEnv;
  /** False when the command was found elsewhere than on the PATH. */
  readonly needsPulumi?: boolean;
  /** Of STS, where it is not AWS's own. */
  readonly endpoint?: string;
}

/** Something that a deployment to AWS needs is not there; each missing thing is one sentence. */
export class PrerequisiteError extends MooringError {
  constructor(
    stack: string,
    readonly missing: readonly string[],
    task = 'deploy',
  ) {
    super(
      'Prerequisites',
      `Cannot ${task} the stack ${stack} ${task === 'deploy' ? 'to' : 'on'} AWS yet:\n${missing.map((one) => `  - ${one}`).join('\n')}`,
    );
  }
}

/**
 * Checks everything that a deployment to AWS needs before it begins.
 *
 * @returns the region and the account, 12 digits.
 * @throws PrerequisiteError with all that is missing at once.
 */
export async function checkPrerequisites(
  surroundings: AwsSurroundings,
): Promise<{ region: string; account: string }> {
  return check(
    surroundings,
    'deploy',
    surroundings.needsPulumi === false ? undefined : await pulumiProblem(surroundings.env),
  );
}

/**
 * The same for what works without the Pulumi command, such as `bootstrap`, with the credentials of the environment.
 *
 * @throws PrerequisiteError
 */
export async function checkAwsAccess(stack: string, task: string): Promise<void> {
  const { env } = process;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  await check({ stack, region, credentials: fromNodeProviderChain(), env }, task, undefined);
}

async function check(
  surroundings: AwsSurroundings,
  task: string,
  pulumi: string | undefined,
): Promise<{ region: string; account: string }> {
  const endpoint = endpointProblem(surroundings.env);
  const identity = await callerIdentity(surroundings, endpoint === undefined);
  const { region } = surroundings;
  const missing = [
    endpoint,
    pulumi,
    identity.problem,
    region === undefined || region === ''
      ? 'no AWS region is set: set AWS_REGION, for example AWS_REGION=eu-central-1'
      : undefined,
  ].filter((problem) => problem !== undefined);
  if (missing.length > 0 || !region || identity.account === undefined) {
    throw new PrerequisiteError(surroundings.stack, missing, task);
  }
  return { region, account: identity.account };
}

/**
 * The AWS SDKs, Pulumi's provider and its state backend all send to the endpoints that the environment names
 * (AWS SDKs and tools reference guide, "Service-specific endpoints").
 */
function endpointProblem(env: NodeJS.ProcessEnv): string | undefined {
  const set = Object.keys(env)
    .filter((name) => /^AWS_ENDPOINT_URL(_|$)/.test(name) && env[name])
    .sort();
  if (set.length === 0) return undefined;
  const values = set.map((name) => `${name}=${env[name]}`).join(', ');
  return `requests would not go to AWS (${values}): unset ${set.join(', ')}, or use --stack local`;
}

/** What is wrong with the `pulumi` command, if anything. */
export async function pulumiProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const install = `install Pulumi ${PULUMI_VERSION} or a later 3.x (curl -fsSL https://get.pulumi.com | sh -s -- --version ${PULUMI_VERSION})`;
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)('pulumi', ['version'], {
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: 'true' },
    }));
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
      ? `the pulumi command is not on the PATH: ${install}`
      : `the pulumi command does not work (${firstLine(explain(error))}): ${install}`;
  }
  const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(stdout.trim());
  if (found === null)
    return `the pulumi command does not tell its version (${firstLine(stdout)}): ${install}`;
  const [major = 0, minor = 0, patch = 0] = found.slice(1).map(Number);
  const [needed = 0, neededMinor = 0, neededPatch = 0] = PULUMI_VERSION.split('.').map(Number);
  const recent = minor > neededMinor || (minor === neededMinor && patch >= neededPatch);
  return major === needed && recent
    ? undefined
    : `the pulumi command is of version ${firstLine(stdout)}: ${install}`;
}

/** @param mayAsk whether AWS would be who answers */
async function callerIdentity(
  { region, credentials, endpoint }: AwsSurroundings,
  mayAsk: boolean,
): Promise<{ account?: string; problem?: string }> {
  try {
    await credentials();
  } catch (error) {
    return { problem: firstLine(explain(error)) };
  }
  if (!mayAsk) return {};
  // Any region tells who the caller is.
  const sts = new STSClient({ region: region || 'us-east-1', credentials, ...(endpoint && { endpoint }) });
  try {
    const { Account } = await sts.send(new GetCallerIdentityCommand({}));
    return Account === undefined
      ? { problem: 'AWS did not tell the account of the credentials' }
      : { account: Account };
  } catch (error) {
    return {
      problem:
        error instanceof STSServiceException
          ? `AWS does not accept the credentials (${error.name}: ${error.message}): sign in again`
          : `AWS cannot be asked whose the credentials are (${firstLine(explain(error))})`,
    };
  } finally {
    sts.destroy();
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

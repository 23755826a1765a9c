import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { MooringError } from './errors.js';
import type { StateDirectory } from './state-directory.js';

/** Where the commands work: real AWS accounts, or the local cloud. */
export const stacks = ['local', 'dev', 'prod'] as const;
export type Stack = (typeof stacks)[number];

/** A cloud to work on: what every AWS SDK client needs to reach it. */
export interface Target {
  readonly stack: Stack;
  readonly region: string;
  /** Base URL of all services; undefined on AWS, where each has its own. */
  readonly endpoint: string | undefined;
  readonly credentials: () => Promise<Credentials>;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The region that the reference architecture was priced and tried in. */
export const DEFAULT_REGION = 'eu-central-1';

/**
 * Finds the target of a stack. `local` is the local cloud that runs on the state directory, or the one at
 * `AWS_ENDPOINT_URL`, there with the credentials of the environment if it has any; `dev` and `prod` are AWS with the credentials of the environment.
 */
export function targetOf(stack: Stack, state: StateDirectory): Target {
  // Set to nothing counts as not set, as the AWS SDKs have it.
  const region = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined;
  const endpoint = process.env.AWS_ENDPOINT_URL || undefined;
  if (stack === 'local') {
    if (endpoint !== undefined) return { ...localTarget(endpoint, region), credentials: ofEnvironment };
    const running = state.running();
    return running
      ? localTarget(running.endpointUrl, running.region)
      : localTarget('http://127.0.0.1:4566', region);
  }
  if (endpoint !== undefined) {
    throw new MooringError(
      'EndpointSet',
      `The stack ${stack} is on AWS, but AWS_ENDPOINT_URL is set to ${endpoint}: unset it, or use --stack local`,
    );
  }
  if (!region) {
    throw new MooringError(
      'NoRegion',
      `The stack ${stack} is on AWS, but no region is set: set AWS_REGION, for example AWS_REGION=${DEFAULT_REGION}`,
    );
  }
  return { stack, region, endpoint: undefined, credentials: fromNodeProviderChain() };
}

/**
 * The credentials of the environment for a local cloud that is named there, so that what a role may do can be tried;
 * without them those of the account.
 */
async function ofEnvironment(): Promise<Credentials> {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN,
  } = process.env;
  if (!accessKeyId || !secretAccessKey) return LOCAL;
  return { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }) };
}

/** The account of the local cloud itself. */
const LOCAL: Credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** The local cloud at an endpoint. */
export function localTarget(endpoint: string, region: string = DEFAULT_REGION): Target {
  return {
    stack: 'local',
    region,
    endpoint,
    credentials: async () => LOCAL,
  };
}

/** Configuration for AWS SDK clients of a target. */
export function clientConfig(target: Target) {
  return {
    region: target.region,
    credentials: target.credentials,
    ...(target.endpoint === undefined ? {} : { endpoint: target.endpoint, forcePathStyle: true }),
  };
}

/** The account that a target's credentials belong to, 12 digits. */
export async function accountOf(target: Target): Promise<string> {
  return (await callerOf(target)).account;
}

/** Whose a target's credentials are: the account, 12 digits, and the ARN. */
export async function callerOf(target: Target): Promise<{ account: string; arn: string }> {
  const sts = new STSClient(clientConfig(target));
  try {
    const { Account, Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
    if (!Account)
      throw new MooringError('NoAccount', 'AWS did not say which account the credentials belong to');
    return { account: Account, arn: Arn };
  } finally {
    sts.destroy();
  }
}

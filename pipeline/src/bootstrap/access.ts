import { GetOpenIDConnectProviderCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names, workflowTokens } from '@mooring/contracts';
import type { Deployment } from '../deploy/engine.js';
import type { DeployProgress, Plan } from '../deploy/engine-ports.js';
import { deployInProcess, destroyInProcess, type InProcessStack, planInProcess } from '../deploy/local.js';
import { S3StateStore } from '../deploy/s3-state-store.js';
import { MooringError } from '../errors.js';
import { accountOf, callerOf, clientConfig, type Target } from '../target.js';
import { checkAccount, takeAccount } from './account.js';

export interface BootstrapOptions {
  /** The GitHub repository whose workflows are to have access, `owner/name`. */
  readonly repository: string;
  readonly onProgress?: (progress: DeployProgress) => void;
}

/** The name of the access's state, beside that of the stack's infrastructure. */
const accessState = (target: Target) => `${target.stack}-access`;
/** Name of the Pulumi project; none of its configuration is used. */
const PROJECT = 'mooring-access';

/**
 * Makes what must be there before a pipeline can run: the account is the stack's, the bootstrap bucket, GitHub's OpenID
 * Connect provider, and the role of the workflows. Through Cloud Control, on AWS as on the local cloud. Safe to repeat.
 *
 * A provider that the account has already is used as it is, and stays when the access is removed.
 *
 * @throws MooringError `OtherAccount`, `Repository`, `Provider`; DeployError as a deployment does.
 */
export async function bootstrap(target: Target, options: BootstrapOptions): Promise<Deployment> {
  checkRepository(options.repository);
  await takeAccount(target);
  return deployInProcess(await accessStack(target, options));
}

/** What {@link bootstrap} would do. Changes nothing. */
export async function planBootstrap(target: Target, options: BootstrapOptions): Promise<Plan> {
  checkRepository(options.repository);
  await checkAccount(target);
  return planInProcess(await accessStack(target, options));
}

/** Deletes what {@link bootstrap} made, but for the bucket. Safe to repeat. */
export async function removeAccess(
  target: Target,
  onProgress?: (progress: DeployProgress) => void,
): Promise<Deployment> {
  return destroyInProcess({
    target,
    name: accessState(target),
    project: PROJECT,
    ...(onProgress && { onProgress }),
  });
}

async function accessStack(
  target: Target,
  { repository, onProgress }: BootstrapOptions,
): Promise<InProcessStack> {
  const existingProvider = await providerOfOthers(target);
  // Loaded only when it is needed: Pulumi takes a second.
  const { pipelineAccess } = await import('@mooring/infrastructure/pipeline-access');
  return {
    target,
    name: accessState(target),
    project: PROJECT,
    config: {},
    program: () =>
      pipelineAccess({
        stack: target.stack,
        repository,
        ...(existingProvider !== undefined && { existingProvider }),
      }),
    ...(onProgress && { onProgress }),
  };
}

/**
 * GitHub's provider, when the account has one that was not made here; undefined when there is none, or it is ours.
 *
 * @throws MooringError `Provider` when it does not take tokens that are made for AWS.
 */
async function providerOfOthers(target: Target): Promise<string | undefined> {
  const account = await accountOf(target);
  const arn = `arn:aws:iam::${account}:oidc-provider/${workflowTokens.issuer}`;
  const iam = new IAMClient(clientConfig(target));
  const s3 = new S3Client(clientConfig(target));
  try {
    const { bootstrap } = bucketNames(account, target.region);
    const state = await new S3StateStore(s3, bootstrap, accessState(target)).load();
    if (state?.resources.some(({ type }) => type === 'AWS::IAM::OIDCProvider')) return undefined;
    const { ClientIDList = [] } = await iam.send(
      new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn }),
    );
    if (ClientIDList.includes(workflowTokens.audience)) return arn;
    throw new MooringError(
      'Provider',
      `The account has a provider for ${workflowTokens.issuer} that does not take tokens for ${workflowTokens.audience}: run \`aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${arn} --client-id ${workflowTokens.audience}\``,
    );
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  } finally {
    iam.destroy();
    s3.destroy();
  }
}

/** @throws MooringError `Repository`; a wildcard or a third part would let others in. */
function checkRepository(repository: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/.test(repository)) return;
  throw new MooringError('Repository', `"${repository}" is no GitHub repository: write it as owner/name`);
}

/**
 * Refuses to remove everything in the name of the pipeline, which may not remove its own access: it would end halfway.
 *
 * @throws MooringError `PipelineItself`
 */
export async function refuseToThePipeline(target: Target): Promise<void> {
  const { arn } = await callerOf(target);
  if (!arn.includes(`:assumed-role/${names.pipelineRole}/`)) return;
  throw new MooringError(
    'PipelineItself',
    `With --everything the access of the pipeline goes too, which the pipeline itself may not remove: run it with the credentials of an administrator, or without --everything`,
  );
}

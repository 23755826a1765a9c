import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { bucketNames } from '@mooring/contracts';
import type { EngineEvent, Stack as PulumiStack } from '@pulumi/pulumi/automation/index.js';
import { rolesBoundary } from '../bootstrap/boundary.js';
import { explain, MooringError } from '../errors.js';
import type { Stack, Target } from '../target.js';
import { type FleetPlan, planAccountSettings, settleAccount } from './account-settings.js';
import type { Deployment } from './engine.js';
import type { Plan } from './engine-ports.js';
import { INFRASTRUCTURE, type OnProgress, prepareFunctions } from './fleet-stack.js';
import { JsonObject } from './json.js';
import { checkPrerequisites } from './prerequisites.js';
import { installedPulumi } from './pulumi-command.js';
import { countsOf, planOfEvents, stepOf } from './pulumi-events.js';

/** The stacks on AWS. */
export type AwsStack = Exclude<Stack, 'local'>;

export interface AwsOptions {
  readonly onProgress?: OnProgress | undefined;
  /** Install the Pulumi command when there is none that will do. */
  readonly installPulumi?: boolean;
}

/** The provider plugin that goes with `@pulumi/aws-native` of this repository. */
const PROVIDER = { name: 'aws-native', version: 'v1.79.0' } as const;

/**
 * Deploys the fleet's infrastructure to an AWS account through the Pulumi Automation API: previews, then
 * updates. The account is that of the credentials, the region that of `AWS_REGION`; Pulumi's state is kept in
 * the bootstrap bucket of both.
 *
 * The program has no secrets, so the state is not sealed with a key that costs money: the secrets provider is
 * Pulumi's passphrase, empty unless `PULUMI_CONFIG_PASSPHRASE` or `PULUMI_CONFIG_PASSPHRASE_FILE` is set. Pulumi
 * adds the salt of that passphrase to `Pulumi.<stack>.yaml` at the first deployment; it belongs in the repository.
 *
 * @throws PrerequisiteError naming all that is missing: AWS's own endpoints, the command, credentials, the region.
 * @throws MooringError `PulumiFailed` with what Pulumi said.
 */
export async function deployAws(
  stack: AwsStack,
  { onProgress, ...options }: AwsOptions = {},
): Promise<Deployment> {
  return onStack(stack, options, async (pulumi, target) => {
    const plan = await preview(pulumi);
    onProgress?.({ kind: 'planned', plan });
    const { outputs, summary } = await pulumi.up({ color: 'never', onEvent: steps(onProgress) });
    return {
      plan,
      result: countsOf(summary.resourceChanges),
      outputs: JsonObject.parse(
        Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output.value])),
      ),
      settings: await settleAccount(target),
    };
  });
}

/**
 * Deletes the fleet's infrastructure from an AWS account; the bootstrap bucket stays, with Pulumi's state.
 *
 * @throws as {@link deployAws}.
 */
export async function destroyAws(
  stack: AwsStack,
  { onProgress, ...options }: AwsOptions = {},
): Promise<Deployment> {
  return onStack(stack, options, async (pulumi) => {
    const { summary } = await pulumi.destroy({ color: 'never', onEvent: steps(onProgress) });
    return { plan: { steps: [], changes: true }, result: countsOf(summary.resourceChanges), outputs: {} };
  });
}

/** Tells of each step that changes something, when it begins and when it is done. */
function steps(onProgress: OnProgress | undefined): (event: EngineEvent) => void {
  return ({ resourcePreEvent, resOutputsEvent }) => {
    const metadata = (resourcePreEvent ?? resOutputsEvent)?.metadata;
    const step = metadata && stepOf(metadata);
    if (step === undefined || step.kind === 'same') return;
    onProgress?.({ kind: resourcePreEvent ? 'started' : 'finished', step });
  };
}

/**
 * What {@link deployAws} would do. Nothing changes but the bootstrap bucket, where the functions' code and
 * Pulumi's state are.
 *
 * @throws as {@link deployAws}.
 */
export async function planAws(
  stack: AwsStack,
  options: Omit<AwsOptions, 'onProgress'> = {},
): Promise<FleetPlan> {
  return onStack(stack, options, async (pulumi, target) => ({
    ...(await preview(pulumi)),
    settings: await planAccountSettings(target),
  }));
}

async function preview(pulumi: PulumiStack): Promise<Plan> {
  const events: EngineEvent[] = [];
  await pulumi.preview({ color: 'never', onEvent: (event) => events.push(event) });
  return planOfEvents(events);
}

/**
 * Checks that all is there that Pulumi needs, and installs the command if that is wanted.
 *
 * @throws PrerequisiteError, MooringError `PulumiInstall`
 */
export async function readyForAws(stack: AwsStack, { installPulumi = false }: AwsOptions) {
  const credentials = fromNodeProviderChain();
  const { region, account } = await checkPrerequisites({
    stack,
    region: process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION,
    credentials,
    env: process.env,
    needsPulumi: !installPulumi,
  });
  const pulumiCommand = installPulumi ? await installedPulumi(process.env) : undefined;
  const target: Target = { stack, region, endpoint: undefined, credentials };
  return { target, account, pulumiCommand };
}

/** Prepares everything that Pulumi needs, and works with the stack. */
async function onStack<T>(
  stack: AwsStack,
  options: AwsOptions,
  work: (pulumi: PulumiStack, target: Target) => Promise<T>,
): Promise<T> {
  const { target, account, pulumiCommand } = await readyForAws(stack, options);
  const { region } = target;
  const functionBundles = await prepareFunctions(target);
  const permissionsBoundary = await rolesBoundary(target);
  const { bootstrap } = bucketNames(account, region);
  // Loaded only when it is needed: Pulumi takes a second.
  const { LocalWorkspace } = await import('@pulumi/pulumi/automation/index.js');
  return explained(stack, async () => {
    const pulumi = await LocalWorkspace.createOrSelectStack(
      { stackName: stack, workDir: INFRASTRUCTURE },
      {
        ...(pulumiCommand && { pulumiCommand }),
        envVars: {
          PULUMI_BACKEND_URL: `s3://${bootstrap}/pulumi?region=${region}`,
          AWS_REGION: region,
          MOORING_FUNCTION_BUNDLES: JSON.stringify(functionBundles),
          ...(permissionsBoundary !== undefined && { MOORING_PERMISSIONS_BOUNDARY: permissionsBoundary }),
          ...passphrase(process.env),
        },
      },
    );
    await pulumi.workspace.installPlugin(PROVIDER.name, PROVIDER.version);
    return work(pulumi, target);
  });
}

/** Pulumi asks for a passphrase unless one is set, be it empty. */
function passphrase(env: NodeJS.ProcessEnv): Record<string, string> {
  const set = env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  return set ? {} : { PULUMI_CONFIG_PASSPHRASE: '' };
}

/** Turns what the Pulumi command printed on its way to failing into a sentence. */
async function explained<T>(stack: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MooringError) throw error;
    const text = explain(error);
    const said = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^error: /i.test(line));
    throw new MooringError(
      'PulumiFailed',
      `Pulumi could not deploy the stack ${stack}: ${said.length > 0 ? said.join('; ') : text.trim()}`,
      { cause: error },
    );
  }
}

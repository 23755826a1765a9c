import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { DeviceError } from '../errors.js';
import { CliIpcClient } from './ipc-client.js';
import { print, printJson } from './output.js';

interface CreateOptions {
  readonly root: string;
  readonly recipeDir?: string;
  readonly artifactDir?: string;
  readonly merge?: Record<string, string>;
  readonly remove?: string[];
  readonly updateConfig?: Record<string, unknown>;
  readonly groupId?: string;
  readonly failureHandlingPolicy?: 'ROLLBACK' | 'DO_NOTHING';
  readonly wait?: true;
  readonly json?: true;
}

const Created = z.object({ deploymentId: z.string() });
const Deployment = z.object({
  deploymentId: z.string(),
  status: z.string(),
  deploymentStatusDetails: z
    .object({ detailedDeploymentStatus: z.string(), deploymentFailureCause: z.string().optional() })
    .optional(),
});

/** How often `--wait` looks, in milliseconds. */
const POLL = 100;

export function addDeploymentCommand(program: Command): void {
  const deployment = program
    .command('deployment')
    .description('local deployments, as with the Greengrass CLI');

  deployment
    .command('create')
    .description('deploy components from folders of recipes and artifacts')
    .requiredOption('--root <folder>', "the running device's root")
    .option('-r, --recipeDir <folder>', 'recipes, each <name>-<version>.yaml or .json', absolute)
    .option('-a, --artifactDir <folder>', 'artifacts, each <name>/<version>/<file>', absolute)
    .option('-m, --merge <name=version,...>', 'root components to add or change', parseMerge)
    .option('--remove <name,...>', 'root components to remove', parseNames)
    .option(
      '-c, --update-config <json>',
      '{"<name>": {"MERGE": {...}, "RESET": ["/pointer"]}}, or a file of it',
      parseConfig,
    )
    .option('-g, --groupId <name>', 'thing group that the root components belong to')
    .option('--failure-handling-policy <policy>', 'ROLLBACK (the default) or DO_NOTHING', parsePolicy)
    .option('--wait', 'wait for the deployment and fail when it fails')
    .option('--json', 'print JSON')
    .action(async (options: CreateOptions) => {
      await withDevice(options.root, async (client) => {
        const { deploymentId } = Created.parse(
          await client.call('CreateLocalDeployment', {
            ...(options.recipeDir !== undefined && { recipeDirectoryPath: options.recipeDir }),
            ...(options.artifactDir !== undefined && { artifactsDirectoryPath: options.artifactDir }),
            ...(options.merge && { rootComponentVersionsToAdd: options.merge }),
            ...(options.remove && { rootComponentsToRemove: options.remove }),
            ...(options.updateConfig && { componentToConfiguration: options.updateConfig }),
            ...(options.groupId !== undefined && { groupName: options.groupId }),
            ...(options.failureHandlingPolicy && { failureHandlingPolicy: options.failureHandlingPolicy }),
          }),
        );
        if (!options.wait) {
          if (options.json) printJson({ deploymentId });
          else print(`Local deployment submitted! Deployment Id: ${deploymentId}`);
          return;
        }
        const ended = await waitFor(client, deploymentId);
        if (options.json) printJson(ended);
        else print(`${deploymentId}: ${ended.status}`);
        if (ended.status === 'SUCCEEDED') return;
        const cause = ended.deploymentStatusDetails?.deploymentFailureCause ?? 'no reason given';
        throw new DeviceError('DEPLOYMENT_INVALID', `The deployment did not succeed: ${cause}`);
      });
    });

  deployment
    .command('status')
    .description('the status of a local deployment')
    .requiredOption('--root <folder>', "the running device's root")
    .requiredOption('-i, --deploymentId <id>', 'its id')
    .option('--json', 'print JSON')
    .action(async (options: { root: string; deploymentId: string; json?: true }) => {
      const found = await withDevice(options.root, (client) => statusOf(client, options.deploymentId));
      if (options.json) printJson(found);
      else print(`${found.deploymentId}: ${found.status}`);
    });

  deployment
    .command('list')
    .description('the latest local deployments')
    .requiredOption('--root <folder>', "the running device's root")
    .option('--json', 'print JSON')
    .action(async (options: { root: string; json?: true }) => {
      const answer = await withDevice(options.root, (client) => client.call('ListLocalDeployments', {}));
      const { localDeployments } = z.object({ localDeployments: z.array(Deployment) }).parse(answer);
      if (options.json) printJson(localDeployments);
      else for (const { deploymentId, status } of localDeployments) print(`${deploymentId}: ${status}`);
    });
}

/** Does something with a connection to a root's device, and closes it. */
export async function withDevice<Result>(
  root: string,
  work: (client: CliIpcClient) => Promise<Result>,
): Promise<Result> {
  const client = await CliIpcClient.open(root);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

async function waitFor(client: CliIpcClient, deploymentId: string) {
  for (;;) {
    const deployment = await statusOf(client, deploymentId);
    if (deployment.status !== 'QUEUED' && deployment.status !== 'IN_PROGRESS') return deployment;
    await new Promise((elapsed) => setTimeout(elapsed, POLL));
  }
}

async function statusOf(client: CliIpcClient, deploymentId: string) {
  const answer = await client.call('GetLocalDeploymentStatus', { deploymentId });
  return z.object({ deployment: Deployment }).parse(answer).deployment;
}

function absolute(path: string): string {
  return resolve(path);
}

function parseMerge(text: string, earlier: Record<string, string> = {}): Record<string, string> {
  const merged = { ...earlier };
  for (const part of text.split(',').filter(Boolean)) {
    const [name, version, ...rest] = part.split('=');
    if (!name || !version || rest.length > 0) throw new InvalidArgumentError('It must be <name>=<version>,…');
    merged[name.trim()] = version.trim();
  }
  return merged;
}

function parseNames(text: string, earlier: string[] = []): string[] {
  return [
    ...earlier,
    ...text
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  ];
}

function parseConfig(text: string): Record<string, unknown> {
  try {
    return z
      .record(z.string(), z.unknown())
      .parse(JSON.parse(existsSync(text) ? readFileSync(text, 'utf8') : text));
  } catch {
    throw new InvalidArgumentError('It is neither a JSON object nor a file of one.');
  }
}

function parsePolicy(text: string): 'ROLLBACK' | 'DO_NOTHING' {
  if (text === 'ROLLBACK' || text === 'DO_NOTHING') return text;
  throw new InvalidArgumentError('It must be ROLLBACK or DO_NOTHING.');
}

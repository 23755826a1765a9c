import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudControlClient } from '@aws-sdk/client-cloudcontrol';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames } from '@mooring/contracts';
import { accountOf, clientConfig, type Target } from '../target.js';
import { ensureBootstrapBucket } from './bootstrap-bucket.js';
import { CloudControl } from './cloud-control.js';
import { type Deployment, deployStack, destroyStack, planStack } from './engine.js';
import type { DeployProgress, EnginePorts, Plan } from './engine-ports.js';
import { registrySchemas } from './registry-schemas.js';
import { S3StateStore } from './s3-state-store.js';
import { withStackLock } from './stack-lock.js';
import type { StackProgram } from './stack-program.js';

/** A stack of a Pulumi program, to be deployed in this process through Cloud Control. */
export interface InProcessStack {
  /** The cloud; its stack's name is the Pulumi stack's. */
  readonly target: Target;
  /** The name of its state and its lock in the bootstrap bucket; the stack's unless told. */
  readonly name?: string;
  /** The Pulumi project's name. */
  readonly project: string;
  /** Configuration values by their whole key, such as `mooring:logRetentionDays`. */
  readonly config: Readonly<Record<string, string>>;
  /** The program; it is evaluated once for the plan and, if anything is to change, once more to carry it out. */
  readonly program: () => Promise<object>;
  readonly onProgress?: (progress: DeployProgress) => void;
}

/**
 * Makes the cloud what the program says; nothing else deploys the stack meanwhile.
 *
 * @throws DeployError when resources failed; the next deployment goes on from there.
 * @throws MooringError `StackLocked` while another process deploys it.
 */
export async function deployInProcess(stack: InProcessStack): Promise<Deployment> {
  return connected(stack, (clients) =>
    locked(clients, stack, async () =>
      deployStack(nameOf(stack), await programOf(stack, clients), clients.ports),
    ),
  );
}

/** What {@link deployInProcess} would do. Changes nothing. */
export async function planInProcess(stack: InProcessStack): Promise<Plan> {
  return connected(stack, async (clients) =>
    planStack(nameOf(stack), await programOf(stack, clients), clients.ports),
  );
}

/** Deletes every resource of the stack; its state stays, empty. */
export async function destroyInProcess(
  stack: Omit<InProcessStack, 'program' | 'config'>,
): Promise<Deployment> {
  return connected(stack, (clients) =>
    locked(clients, stack, () => destroyStack(nameOf(stack), clients.ports)),
  );
}

function nameOf({ name, target }: Pick<InProcessStack, 'target' | 'name'>): string {
  return name ?? target.stack;
}

interface Clients {
  readonly account: string;
  readonly bootstrap: string;
  readonly s3: S3Client;
  readonly ports: EnginePorts;
}

async function connected<T>(
  stack: Pick<InProcessStack, 'target' | 'name' | 'onProgress'>,
  work: (clients: Clients) => Promise<T>,
): Promise<T> {
  const { target, onProgress } = stack;
  const account = await accountOf(target);
  const { bootstrap } = bucketNames(account, target.region);
  const s3 = new S3Client(clientConfig(target));
  const cloudControl = new CloudControlClient(clientConfig(target));
  const cloudFormation = new CloudFormationClient(clientConfig(target));
  try {
    return await work({
      account,
      bootstrap,
      s3,
      ports: {
        cloud: new CloudControl(cloudControl, (milliseconds) => pause(milliseconds)),
        schemas: registrySchemas(cloudFormation),
        states: new S3StateStore(s3, bootstrap, nameOf(stack)),
        newToken: randomUUID,
        onProgress: onProgress ?? (() => undefined),
      },
    });
  } finally {
    for (const client of [s3, cloudControl, cloudFormation]) client.destroy();
  }
}

async function locked<T>(
  clients: Clients,
  stack: Pick<InProcessStack, 'target' | 'name'>,
  work: () => Promise<T>,
) {
  await ensureBootstrapBucket(clients.s3, clients.bootstrap, stack.target.region);
  const owner = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    now: Date.now,
    isRunning,
  };
  return withStackLock(clients.s3, clients.bootstrap, nameOf(stack), owner, work);
}

async function programOf(
  { target, project, config, program }: InProcessStack,
  { account, ports }: Clients,
): Promise<StackProgram> {
  // Loaded only when it is needed: Pulumi takes a second.
  const { stackProgram } = await import('./pulumi-program.js');
  return stackProgram(
    { run: program, project, stack: target.stack, config, account, region: target.region, partition: 'aws' },
    ports.schemas,
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

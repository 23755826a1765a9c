import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Clock } from '../clock.js';
import {
  IpcError,
  type LocalDeployment,
  type LocalDeploymentRequest,
  type LocalDeploymentsCapability,
} from '../ipc/capabilities.js';
import type { Deployer } from './deployer.js';

export interface LocalDeploymentsOptions {
  readonly deployer: Deployer;
  readonly clock: Clock;
  readonly onStatus: (deployment: LocalDeployment) => void;
}

/** Deployments remembered, as the nucleus keeps only the latest. */
const REMEMBERED = 100;

/** The queue of local deployments: one at a time, in order. */
export class LocalDeployments implements LocalDeploymentsCapability {
  readonly #deployments = new Map<string, LocalDeployment>();
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(private readonly options: LocalDeploymentsOptions) {}

  /** @throws IpcError when a folder is not there */
  create(request: LocalDeploymentRequest): string {
    if (this.#closed) throw new IpcError('ServiceError', 'The device is being stopped');
    requireFolder(request.recipeDirectoryPath, 'InvalidRecipeDirectoryPathError', 'recipe');
    requireFolder(request.artifactsDirectoryPath, 'InvalidArtifactsDirectoryPathError', 'artifact');
    const deploymentId = randomUUID();
    const createdOn = new Date(this.options.clock.now()).toISOString();
    this.#set({ deploymentId, status: 'QUEUED', createdOn });
    this.#queue = this.#queue.then(() => this.#work(deploymentId, createdOn, request));
    return deploymentId;
  }

  status(deploymentId: string): LocalDeployment | undefined {
    return this.#deployments.get(deploymentId);
  }

  list(): readonly LocalDeployment[] {
    return [...this.#deployments.values()];
  }

  /** Takes no more deployments; resolves when none is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
  }

  async #work(deploymentId: string, createdOn: string, request: LocalDeploymentRequest): Promise<void> {
    if (this.#closed) return;
    this.#set({ deploymentId, status: 'IN_PROGRESS', createdOn });
    try {
      const result = await this.options.deployer.deploy(request);
      this.#set({ deploymentId, createdOn, ...result });
    } catch {
      this.#set({ deploymentId, status: 'CANCELED', createdOn });
    }
  }

  #set(deployment: LocalDeployment): void {
    this.#deployments.set(deployment.deploymentId, deployment);
    for (const id of this.#deployments.keys()) {
      if (this.#deployments.size <= REMEMBERED) break;
      this.#deployments.delete(id);
    }
    this.options.onStatus(deployment);
  }
}

function requireFolder(
  path: string | undefined,
  code: 'InvalidRecipeDirectoryPathError' | 'InvalidArtifactsDirectoryPathError',
  what: string,
): void {
  if (path === undefined) return;
  if (isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new IpcError(code, `The ${what} folder ${path} is not there`);
}

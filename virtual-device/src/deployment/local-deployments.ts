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
import type { DeploymentProgress, DeploymentQueue } from './queue.js';

/** Deployments remembered, as the nucleus keeps only the latest. */
const REMEMBERED = 100;

/** The deployments that are made on the device itself, with what has become of them. */
export class LocalDeployments implements LocalDeploymentsCapability {
  readonly #deployments = new Map<string, LocalDeployment>();

  constructor(
    private readonly queue: Pick<DeploymentQueue, 'offer'>,
    private readonly clock: Clock,
    /** Aborted when the device stops. */
    private readonly signal: AbortSignal,
  ) {}

  /** @throws IpcError when a folder is not there */
  create(request: LocalDeploymentRequest): string {
    if (this.signal.aborted) throw new IpcError('ServiceError', 'The device is being stopped');
    requireFolder(request.recipeDirectoryPath, 'InvalidRecipeDirectoryPathError', 'recipe');
    requireFolder(request.artifactsDirectoryPath, 'InvalidArtifactsDirectoryPathError', 'artifact');
    const id = randomUUID();
    this.queue.offer({ source: 'LOCAL', id, offer: this.clock.now(), document: JSON.stringify(request) });
    return id;
  }

  status(deploymentId: string): LocalDeployment | undefined {
    return this.#deployments.get(deploymentId);
  }

  list(): readonly LocalDeployment[] {
    return [...this.#deployments.values()];
  }

  /** Notes what has become of a local deployment. */
  progressed({ deployment, status, result }: DeploymentProgress): void {
    this.#deployments.set(deployment.id, {
      deploymentId: deployment.id,
      // A local deployment is in no group that could refuse it as outdated.
      status: status === 'REJECTED' ? 'FAILED' : status,
      createdOn: new Date(deployment.offer).toISOString(),
      ...(result && {
        deploymentStatusDetails: {
          detailedDeploymentStatus: result.detail,
          ...(result.failure && {
            deploymentFailureCause: result.failure.cause,
            deploymentErrorStack: result.failure.stack,
            deploymentErrorTypes: result.failure.types,
          }),
        },
      }),
    });
    for (const id of this.#deployments.keys()) {
      if (this.#deployments.size <= REMEMBERED) break;
      this.#deployments.delete(id);
    }
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

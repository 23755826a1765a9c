import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import type { Deployer, DeploymentResult } from './deployer.js';
import { failureOf } from './failure.js';
import type { Deployment, DeploymentJournal, Outcome, Report } from './journal.js';
import type { StageName } from './stages.js';

/** What becomes of a deployment, for onlookers. */
export interface DeploymentProgress {
  readonly deployment: Deployment;
  readonly status: Outcome['status'] | 'QUEUED';
  readonly result?: DeploymentResult;
}

export interface DeploymentQueueOptions {
  readonly deployer: Deployer;
  readonly journal: DeploymentJournal;
  readonly onProgress: (progress: DeploymentProgress) => void;
  readonly onStage: (stage: StageName) => void;
  readonly log: Log;
  /** Aborted when the device stops. */
  readonly signal: AbortSignal;
}

/**
 * The one queue of deployments from jobs, the shadow and the device itself: one is carried out at a time. What the
 * cloud offers anew from a source takes the place of what waits from that source.
 */
export class DeploymentQueue {
  #waiting: Deployment[] = [];
  #current: { readonly deployment: Deployment; readonly cancel: AbortController } | undefined;
  #wake = () => {};
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(private readonly options: DeploymentQueueOptions) {}

  /** Begins with what the device was doing when it went down, then takes what is offered. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Takes a deployment, unless it is known already. */
  offer(deployment: Deployment): void {
    if (this.#closed || this.#isKnown(deployment)) return;
    if (deployment.source !== 'LOCAL') {
      const replaced = this.#waiting.filter(({ source }) => source === deployment.source);
      for (const { id } of replaced) this.options.log('info', `The deployment ${id} is superseded`);
      this.#waiting = this.#waiting.filter(({ source }) => source !== deployment.source);
    }
    this.#waiting.push(deployment);
    this.options.onProgress({ deployment, status: 'QUEUED' });
    this.#wake();
  }

  /**
   * The cloud has taken back what it offered from a source, but for one deployment: what waits is forgotten, and what
   * is under way is given up as long as nothing is changed.
   */
  cancel(source: Deployment['source'], except?: string): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.source !== source || waiting.id === except);
    const current = this.#current;
    if (current?.deployment.source === source && current.deployment.id !== except) current.cancel.abort();
  }

  /** Takes no more deployments; resolves when none is under way. The device's signal must be aborted. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#running;
  }

  #isKnown(deployment: Deployment): boolean {
    const isSame = (other: Deployment) =>
      other.source === deployment.source && other.id === deployment.id && other.offer === deployment.offer;
    const { journal } = this.options;
    return (
      (this.#current !== undefined && isSame(this.#current.deployment)) ||
      this.#waiting.some(isSame) ||
      (journal.undertaking !== undefined && isSame(journal.undertaking.deployment)) ||
      journal.isDone(deployment)
    );
  }

  async #run(): Promise<void> {
    const { journal, log } = this.options;
    try {
      const { undertaking } = journal;
      if (undertaking) {
        log('info', `Going on with the deployment ${undertaking.deployment.id}`, {
          stage: undertaking.stage,
        });
        await this.#work(undertaking.deployment);
      }
      while (!this.#closed) {
        const next = this.#waiting.shift();
        if (next) await this.#work(next);
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
            if (this.#closed) resolve();
          });
      }
    } catch (error) {
      // The device stops; the next start goes on from the journal.
      if (!this.options.signal.aborted) log('error', `Deployments end: ${messageOf(error)}`);
    }
  }

  async #work(deployment: Deployment): Promise<void> {
    const { deployer, journal, onProgress, onStage, signal } = this.options;
    const cancel = new AbortController();
    this.#current = { deployment, cancel };
    try {
      onProgress({ deployment, status: 'IN_PROGRESS' });
      const result = await this.#carryOut(deployment, cancel.signal);
      signal.throwIfAborted();
      onStage('ENDING');
      const status = statusOf(result);
      journal.end(deployment, reportOf(deployment, status, result));
      this.#current = undefined;
      onStage('ENDED');
      onProgress({ deployment, status, ...(result && { result }) });
      await deployer.tidyUp(status === 'SUCCEEDED');
    } finally {
      this.#current = undefined;
    }
  }

  async #carryOut(deployment: Deployment, cancel: AbortSignal): Promise<DeploymentResult | undefined> {
    const { deployer, journal, signal } = this.options;
    const { undertaking } = journal;
    if (undertaking && undertaking.stage !== 'PREPARING') return await deployer.resume(undertaking);
    if (!undertaking) {
      try {
        const report = reportOf(deployment, 'IN_PROGRESS', undefined);
        journal.advance({ stage: 'PREPARING', deployment }, report);
      } catch (error) {
        return unrecordable(deployment, error);
      }
    }
    return await deployer.deploy(deployment, cancel, signal);
  }
}

function statusOf(result: DeploymentResult | undefined): Outcome['status'] {
  if (!result) return 'CANCELED';
  if (result.detail === 'SUCCESSFUL') return 'SUCCEEDED';
  return result.detail === 'REJECTED' ? 'REJECTED' : 'FAILED';
}

/** A disk that does not even take the record of a deployment: nothing of it is begun. */
function unrecordable(deployment: Deployment, error: unknown): DeploymentResult {
  const failure = failureOf(error);
  return {
    detail: 'FAILED_NO_STATE_CHANGE',
    failure: { ...failure, cause: `The deployment cannot be recorded: ${failure.cause}` },
    deploymentId: deployment.id,
    configurationArn: '',
    removed: [],
    touched: [],
    unchangedRoots: [],
  };
}

/** What is to be told of a deployment, and to whom; undefined when there is nobody to tell. */
function reportOf(
  deployment: Deployment,
  status: Outcome['status'],
  result: DeploymentResult | undefined,
): Report | undefined {
  const { source, id } = deployment;
  // AWS IoT takes no word on a job that it has canceled.
  const toSource = source === 'SHADOW' || (source === 'IOT_JOBS' && status !== 'CANCELED');
  const owed: Report['owed'] = [
    ...(toSource ? (['source'] as const) : []),
    ...(result ? (['fleet-status'] as const) : []),
  ];
  if (owed.length === 0) return undefined;
  const failure = result?.failure;
  return {
    key: randomUUID(),
    source,
    id,
    deploymentId: result?.deploymentId ?? id,
    configurationArn: result?.configurationArn ?? '',
    outcome: {
      status,
      ...(result && { detailedStatus: result.detail }),
      ...(failure && {
        failure: { cause: failure.cause, stack: [...failure.stack], types: [...failure.types] },
      }),
    },
    removed: [...(result?.removed ?? [])],
    touched: [...(result?.touched ?? [])],
    unchangedRoots: [...(result?.unchangedRoots ?? [])],
    owed,
  };
}

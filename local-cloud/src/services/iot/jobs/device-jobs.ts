import type { Clock } from '../../../clock.js';
import type { Tables } from '../tables.js';
import { detailsProblem, LONGEST_TIMEOUT } from './errors.js';
import type { Jobs } from './jobs.js';
import { type ExecutionRecord, TERMINAL } from './records.js';

/** Codes of the device API over MQTT (developer guide, "AWS IoT jobs API operations", ErrorResponse). */
export type DeviceErrorCode =
  | 'InvalidTopic'
  | 'InvalidJson'
  | 'InvalidRequest'
  | 'InvalidStateTransition'
  | 'ResourceNotFound'
  | 'VersionMismatch'
  | 'InternalError'
  | 'RequestThrottled'
  | 'TerminalStateReached';

/** Why a device's request was rejected. */
export class DeviceJobError extends Error {
  override readonly name = 'DeviceJobError';

  constructor(
    readonly code: DeviceErrorCode,
    message: string,
    /** The execution as it is, for errors that tell its state. */
    readonly execution?: ExecutionRecord,
  ) {
    super(message);
  }
}

/** Whose executions a request is about: those of a namespace are apart from the others. */
export interface DeviceScope {
  readonly thingName: string;
  readonly namespaceId: string | undefined;
}

export interface StepRequest {
  readonly statusDetails?: Readonly<Record<string, string>> | undefined;
  /** -1 ends the timer of the step. */
  readonly stepTimeoutInMinutes?: number | undefined;
}

export interface UpdateRequest extends StepRequest {
  readonly status: string | undefined;
  readonly expectedVersion?: number | undefined;
  readonly executionNumber?: number | undefined;
}

/** What devices may ask of their jobs, over whatever protocol. */
export class DeviceJobs {
  constructor(
    private readonly jobs: Jobs,
    private readonly registry: Tables,
    private readonly clock: Clock,
  ) {}

  /** Everything that a thing still has to do, what is in progress first. @throws DeviceJobError */
  pending({ thingName, namespaceId }: DeviceScope): ExecutionRecord[] {
    this.#checkThing(thingName);
    return [...this.jobs.all.pending(thingName, namespaceId)];
  }

  /** Starts the next execution unless it has been; undefined when nothing is pending. @throws DeviceJobError */
  startNext(scope: DeviceScope, request: StepRequest): ExecutionRecord | undefined {
    this.#checkThing(scope.thingName);
    checkStep(request, false);
    return this.jobs.run(() => {
      const next = this.jobs.all.next(scope.thingName, scope.namespaceId);
      if (next?.status !== 'QUEUED') return next;
      return this.#run(next, request);
    });
  }

  /**
   * An execution; of `$next` the next one, undefined when nothing is pending.
   *
   * @throws DeviceJobError `TerminalStateReached` for one that has ended.
   */
  describe(scope: DeviceScope, jobId: string, executionNumber?: number): ExecutionRecord | undefined {
    this.#checkThing(scope.thingName);
    if (jobId === '$next') return this.jobs.all.next(scope.thingName, scope.namespaceId);
    const execution = this.#existing(scope, jobId, executionNumber);
    if (!TERMINAL.has(execution.status)) return execution;
    throw new DeviceJobError(
      'TerminalStateReached',
      `Job Execution has reached terminal state ${execution.status}.`,
      execution,
    );
  }

  /** @throws DeviceJobError */
  update(scope: DeviceScope, jobId: string, request: UpdateRequest): ExecutionRecord {
    this.#checkThing(scope.thingName);
    const status = DEVICE_STATUSES.find((one) => one === request.status);
    if (!status) {
      throw new DeviceJobError(
        'InvalidRequest',
        request.status === undefined
          ? 'status must be given.'
          : `status must be one of ${DEVICE_STATUSES.join(', ')}, not ${request.status.slice(0, 100)}.`,
      );
    }
    checkStep(request, true);
    return this.jobs.run(() => {
      const execution = this.#existing(scope, jobId, request.executionNumber);
      const { expectedVersion, statusDetails } = request;
      if (expectedVersion !== undefined && expectedVersion !== execution.version) {
        throw new DeviceJobError(
          'VersionMismatch',
          `Expected version ${expectedVersion} but found version ${execution.version}.`,
          execution,
        );
      }
      if (TERMINAL.has(execution.status)) {
        throw new DeviceJobError(
          'InvalidStateTransition',
          `Invalid state transition from ${execution.status} to ${status}.`,
          execution,
        );
      }
      if (status === 'IN_PROGRESS') return this.#run(execution, request);
      const job = this.jobs.get(jobId);
      return this.jobs.progress.end(
        job,
        execution,
        status,
        this.clock.now(),
        statusDetails ? { statusDetails } : {},
      );
    });
  }

  /** A job's document, as the text that it is. */
  document(jobId: string): string {
    return this.jobs.store.document(jobId);
  }

  #run(execution: ExecutionRecord, { statusDetails, stepTimeoutInMinutes }: StepRequest): ExecutionRecord {
    const now = this.clock.now();
    return this.jobs.progress.run(
      this.jobs.get(execution.jobId),
      execution,
      {
        ...(statusDetails && { statusDetails }),
        ...(stepTimeoutInMinutes !== undefined && {
          stepTimeoutAt: stepTimeoutInMinutes > 0 ? now + stepTimeoutInMinutes * 60_000 : undefined,
        }),
      },
      now,
    );
  }

  #existing({ thingName, namespaceId }: DeviceScope, jobId: string, executionNumber?: number) {
    const execution = this.jobs.all.get(jobId, thingName, executionNumber);
    if (execution && execution.namespaceId === namespaceId) return execution;
    throw new DeviceJobError(
      'ResourceNotFound',
      `Job execution of job ${jobId.slice(0, 100)} on thing ${thingName} cannot be found.`,
    );
  }

  #checkThing(thingName: string): void {
    if (this.registry.things.get(thingName)) return;
    throw new DeviceJobError('ResourceNotFound', `Thing ${thingName} cannot be found.`);
  }
}

const DEVICE_STATUSES = ['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'REJECTED'] as const;

function checkStep({ statusDetails, stepTimeoutInMinutes: minutes }: StepRequest, mayEnd: boolean): void {
  const problem = statusDetails && detailsProblem(statusDetails);
  if (problem !== undefined) throw new DeviceJobError('InvalidRequest', problem);
  if (minutes === undefined || (mayEnd && minutes === -1)) return;
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= LONGEST_TIMEOUT) return;
  throw new DeviceJobError(
    'InvalidRequest',
    `stepTimeoutInMinutes must be from 1 to ${LONGEST_TIMEOUT}, not ${minutes}.`,
  );
}

import type { Clock } from '../../../clock.js';
import type { Broker } from '../../../mqtt/index.js';
import type { Store } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import type { Peer } from '../devices/peer.js';
import { alreadyExists, invalid, notFound } from '../errors.js';
import type { ThingGroups } from '../registry/thing-groups.js';
import type { Tables } from '../tables.js';
import { type Deadline, Deadlines } from './deadlines.js';
import { Effects, type JobEvent } from './effects.js';
import type { JobChange, JobEngine } from './engine.js';
import { checkJob, invalidTransition } from './errors.js';
import { Executions } from './executions.js';
import { HandingOut } from './handing-out.js';
import { type JobRequest, JobStore } from './job-store.js';
import { Notifier } from './notifier.js';
import { Progress } from './progress.js';
import { type ExecutionRecord, type JobRecord, openJobTables, TERMINAL } from './records.js';
import { Sweep } from './sweep.js';
import { JobTargets } from './targets.js';
import { UnitOfWork } from './unit-of-work.js';

export interface JobCapabilities {
  readonly store: Store;
  readonly clock: Clock;
  readonly arns: IotArns;
  readonly changes: Changes;
  readonly registry: Tables;
  readonly groups: ThingGroups;
  readonly broker: Broker<Peer>;
  /** Whether the account wants these events. */
  readonly isEnabled: (kind: JobEvent['kind']) => boolean;
  readonly failed: (error: unknown) => void;
}

/** AWS IoT Jobs: runs every job from its creation to its end, through restarts. */
export class Jobs implements JobEngine {
  readonly store: JobStore;
  readonly all: Executions;
  readonly progress: Progress;
  readonly targets: JobTargets;
  readonly #handingOut: HandingOut;
  readonly #sweep: Sweep;
  readonly #deadlines: Deadlines;
  readonly #unit: UnitOfWork;
  readonly #clock: Clock;
  readonly #arns: IotArns;
  readonly #registry: Tables;
  readonly #listeners: ((change: JobChange) => void)[] = [];
  readonly #stop: () => void;

  constructor(capabilities: JobCapabilities) {
    const { store, clock, arns, changes, registry, groups, broker, isEnabled, failed } = capabilities;
    const tables = openJobTables(store);
    const effects = new Effects();
    const now = () => clock.now();
    this.#clock = clock;
    this.#arns = arns;
    this.#registry = registry;
    this.#deadlines = new Deadlines(tables.deadlines, clock, (deadline) => this.#due(deadline), failed);
    this.store = new JobStore(tables, registry, arns, effects);
    this.all = new Executions(tables, effects, this.#deadlines);
    this.targets = new JobTargets(registry, groups, arns);
    const progress = new Progress(
      tables,
      this.store,
      this.all,
      effects,
      (job, reason) => this.#sweep.cancel(job, { force: false, ...reason }, clock.now()),
      now,
      arns.thing,
    );
    this.progress = progress;
    this.#sweep = new Sweep(tables, this.store, this.all, progress, effects, this.#deadlines, arns.thing);
    this.#handingOut = new HandingOut(tables, this.store, this.all, progress, this.targets, this.#deadlines);
    const notifier = new Notifier(broker, this.store, this.all, clock, isEnabled, failed);
    this.#unit = new UnitOfWork(
      changes,
      effects,
      () => progress.settle(),
      (outcome) => {
        this.#deadlines.arm();
        notifier.tell(outcome);
        for (const change of outcome.changes) this.#tell(change, failed);
      },
    );
    this.#stop = changes.listen((subjects) => {
      const things = [...subjects].flatMap((subject) => /^thing\/(.+)$/s.exec(subject)?.[1] ?? []);
      if (things.length === 0) return;
      this.run(() => {
        for (const thing of things) this.#handingOut.follow(thing, clock.now());
      });
    });
    this.run(() => this.#handingOut.followAll(clock.now()));
  }

  /** Runs what changes jobs or executions as one transaction, and tells things and listeners afterwards. */
  run<T>(work: () => T): T {
    return this.#unit.run(work);
  }

  create(request: JobRequest): { jobArn: string } {
    const { jobId } = request;
    return this.run(() => {
      checkJob(request);
      this.targets.check(request.targets);
      const jobArn = this.#arns.job(jobId);
      if (this.store.get(jobId)) throw alreadyExists(`Job ${jobId} already exists.`, jobId, jobArn);
      const now = this.#clock.now();
      this.#handingOut.begin(this.store.add(request, now), request.targets, now);
      return { jobArn };
    });
  }

  /** Adds targets to a continuous job. */
  associate(jobId: string, targets: readonly string[], comment: string | undefined): JobRecord {
    return this.run(() => {
      const job = this.store.existing(jobId);
      if (job.targetSelection !== 'CONTINUOUS') {
        throw invalid(`Targets can be added to continuous jobs only; job ${jobId} is a snapshot.`);
      }
      if (job.status !== 'IN_PROGRESS') {
        throw invalid(`Targets cannot be added to job ${jobId}, which is ${job.status}.`);
      }
      this.targets.check(targets);
      if (new Set([...job.targets, ...targets]).size > 100) {
        throw invalid(`Job ${jobId} can have at most 100 targets.`);
      }
      const now = this.#clock.now();
      const more = this.store.addTargets(
        this.store.change(job, { updated: now, ...(comment !== undefined && { comment }) }),
        targets,
      );
      this.#handingOut.begin(more, targets, now);
      return more;
    });
  }

  update(jobId: string, patch: Partial<JobRecord>): void {
    this.run(() => {
      const job = this.store.existing(jobId);
      if (job.status !== 'IN_PROGRESS' && job.status !== 'SCHEDULED') {
        throw invalid(`Job ${jobId} cannot be updated, as it is ${job.status}.`);
      }
      this.store.change(job, { ...patch, updated: this.#clock.now() });
      this.progress.look(jobId);
    });
  }

  cancel(jobId: string, options: { force: boolean; reasonCode?: string; comment?: string }): void {
    this.run(() => {
      const job = this.store.existing(jobId);
      // A canceled job may be canceled again with force, for what is still in progress.
      const again = job.status === 'CANCELED' && options.force && job.counts.IN_PROGRESS > 0;
      if (job.status !== 'IN_PROGRESS' && job.status !== 'SCHEDULED' && !again) {
        throw invalid(`Job ${jobId} cannot be canceled, as it is ${job.status}.`);
      }
      this.#sweep.cancel(job, options, this.#clock.now());
    });
  }

  delete(jobId: string, { force }: { force: boolean }): void {
    this.run(() => {
      const job = this.store.existing(jobId);
      if (job.status === 'DELETION_IN_PROGRESS') return;
      if (!force && job.status !== 'COMPLETED' && job.status !== 'CANCELED') {
        throw invalidTransition(
          `Job ${jobId} is ${job.status}; only jobs that are COMPLETED or CANCELED can be deleted without force.`,
        );
      }
      this.#sweep.delete(job, this.#clock.now());
    });
  }

  get(jobId: string): JobRecord | undefined {
    return this.store.get(jobId);
  }

  executions(jobId: string): Iterable<ExecutionRecord> {
    return this.all.ofJob(jobId);
  }

  executionsOf(thingName: string): Iterable<ExecutionRecord> {
    return this.all.ofThing(thingName);
  }

  onChange(listener: (change: JobChange) => void): void {
    this.#listeners.push(listener);
  }

  isTerminal({ status }: ExecutionRecord): boolean {
    return TERMINAL.has(status);
  }

  /** The execution of a job on a thing. @throws ResourceNotFoundException */
  execution(jobId: string, thingName: string, executionNumber?: number): ExecutionRecord {
    const execution = this.all.get(jobId, thingName, executionNumber);
    if (execution) return execution;
    if (!this.#registry.things.get(thingName)) throw notFound(`Thing ${thingName} cannot be found.`);
    throw notFound(`Job execution of job ${jobId} on thing ${thingName} cannot be found.`);
  }

  close(): void {
    this.#stop();
    this.#deadlines.close();
  }

  #tell(change: JobChange, failed: (error: unknown) => void): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        // What changed is kept; who caused it is not to blame for those who listen.
        failed(error);
      }
    }
  }

  #due(deadline: Deadline): void {
    const { kind, jobId, thingName } = deadline;
    this.run(() => {
      this.#deadlines.clear(deadline);
      const now = this.#clock.now();
      const job = this.store.get(jobId);
      if (kind === 'timeout') this.progress.expire(jobId, thingName, now);
      else if (job && kind === 'rollout') this.#handingOut.rollOut(job, now);
      else if (job) this.#sweep.go(job, now);
    });
  }
}

import { key } from '../../../store/store.js';
import { secondParts } from '../tables.js';
import type { Deadlines } from './deadlines.js';
import type { Executions } from './executions.js';
import type { JobStore } from './job-store.js';
import type { Progress } from './progress.js';
import { type JobRecord, type JobTables, TERMINAL } from './records.js';
import { rolloutRate } from './rollout.js';
import type { JobTargets } from './targets.js';

const MINUTE = 60_000;
/** Executions that are made at once; the others follow, so that a large job keeps nobody waiting. */
const BATCH = 200;

/** Gives things their executions, at the pace of the job's rollout, and takes them away from those that leave. */
export class HandingOut {
  constructor(
    private readonly tables: JobTables,
    private readonly jobs: JobStore,
    private readonly executions: Executions,
    private readonly progress: Progress,
    private readonly targets: JobTargets,
    private readonly deadlines: Deadlines,
  ) {}

  /** Lets the things of these targets wait for an execution that have none yet. */
  begin(job: JobRecord, targets: readonly string[], now: number): void {
    for (const thing of this.targets.things(targets)) {
      if (!this.executions.get(job.jobId, thing)) this.tables.waiting.put(key(job.jobId, thing), true);
    }
    if (job.nextRollout === undefined) this.rollOut(job, now);
  }

  isWaitedFor(jobId: string): boolean {
    return !secondParts(this.tables.waiting, jobId).next().done;
  }

  /** Makes as many executions as the rollout allows now, and sets when it goes on. */
  rollOut(job: JobRecord, now: number): void {
    if (job.nextRollout !== undefined) this.deadlines.clear(rolloutOf(job, job.nextRollout));
    if (job.status !== 'IN_PROGRESS') return;
    const rate = rolloutRate(job.rollout, job.counts);
    let { window } = job;
    if (rate === undefined) window = undefined;
    else if (!window || now >= window.start + MINUTE) window = { start: now, rate, sent: 0 };
    const limit = Math.min(BATCH, window ? window.rate - window.sent : BATCH);
    let made = 0;
    const waiting: string[] = [];
    for (const [thing] of secondParts(this.tables.waiting, job.jobId)) {
      waiting.push(thing);
      if (waiting.length >= BATCH) break;
    }
    for (const thing of waiting) {
      if (made >= limit) break;
      this.tables.waiting.delete(key(job.jobId, thing));
      if (!this.#isWanted(job, thing)) continue;
      this.executions.queue(job, thing, now);
      made += 1;
    }
    if (window) window = { ...window, sent: window.sent + made };
    let nextRollout: number | undefined;
    if (this.isWaitedFor(job.jobId)) {
      nextRollout = window && window.sent >= window.rate ? window.start + MINUTE : now;
      this.deadlines.set(rolloutOf(job, nextRollout));
    }
    this.jobs.change(job, { window, nextRollout });
    this.progress.look(job.jobId);
  }

  /** Follows a thing that may have joined or left targets of continuous jobs, or was deleted. */
  follow(thingName: string, now: number): void {
    const names = this.targets.namesOf(thingName);
    const wanted = new Set(names.flatMap((target) => [...this.jobs.continuousOn(target)]));
    for (const jobId of wanted) {
      const job = this.jobs.get(jobId);
      if (job?.status !== 'IN_PROGRESS') continue;
      const execution = this.executions.get(jobId, thingName);
      if (execution && !execution.left) continue;
      if (execution && !TERMINAL.has(execution.status)) {
        this.executions.mark(execution, false);
        continue;
      }
      this.tables.waiting.put(key(jobId, thingName), true);
      if (job.nextRollout === undefined || job.nextRollout <= now) this.rollOut(job, now);
    }
    const deleted = names.length === 0;
    for (const execution of [...this.executions.ofThing(thingName)]) {
      if (execution.left || wanted.has(execution.jobId)) continue;
      const job = this.jobs.get(execution.jobId);
      if (!job || (!deleted && job.targetSelection !== 'CONTINUOUS')) continue;
      const { status } = execution;
      const loses = status === 'QUEUED' || (deleted && status === 'IN_PROGRESS');
      this.executions.mark(loses ? this.progress.end(job, execution, 'REMOVED', now) : execution, true);
    }
  }

  /** Things of continuous jobs that joined or left while nobody followed them. */
  followAll(now: number): void {
    for (const job of this.jobs.list()) {
      if (job.status !== 'IN_PROGRESS' || job.targetSelection !== 'CONTINUOUS') continue;
      const targeted = new Set(this.targets.things(job.targets));
      const known = [...this.executions.ofJob(job.jobId)];
      const ended = known.filter(({ thingName, left }) => !left && !targeted.has(thingName));
      for (const { thingName, left } of known) if (!left) targeted.delete(thingName);
      for (const thing of [...targeted, ...ended.map(({ thingName }) => thingName)]) this.follow(thing, now);
    }
  }

  #isWanted(job: JobRecord, thingName: string): boolean {
    const names = this.targets.namesOf(thingName);
    if (job.targetSelection === 'SNAPSHOT') return names.length > 0;
    return names.some((name) => job.targets.includes(name));
  }
}

function rolloutOf({ jobId }: JobRecord, at: number) {
  return { at, kind: 'rollout', jobId, thingName: '' } as const;
}

import { isOver, type Outcome, type RolloutView } from './executions.js';
import { hasFailed, type RolloutPlan } from './rollout-plan.js';

/** A rollout to be watched, and how it is seen. */
export interface Watch {
  readonly plan: RolloutPlan;
  readonly observe: () => Promise<RolloutView>;
  /** Whether a device is known not to be connected. */
  readonly isOffline: (thing: string) => Promise<boolean>;
  readonly reason: (thing: string) => Promise<string>;
  readonly onProgress: (line: string) => void;
  /** Seconds after which it is left to itself. */
  readonly timeout: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Waits until it is worth looking again. */
  readonly pause: () => Promise<void>;
}

/** How watching a rollout ended. */
export interface Watched {
  /**
   * `done`: nobody is left who could do anything now. `stopped`: the job was canceled. `failing`: too many failed
   * and others are still to come. `timeout`: it goes on, unwatched.
   */
  readonly end: 'done' | 'stopped' | 'failing' | 'timeout';
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly failed: readonly { readonly thing: string; readonly reason: string }[];
  /** Devices that have not got it yet. */
  readonly missing: readonly { readonly thing: string; readonly offline: boolean }[];
}

/** Fleets up to this size are told of device by device. */
const TELL_EACH = 20;
/** Failures that are told of in any fleet. */
const TELL_FAILURES = 10;
/** Only so many devices are asked one by one whether they are connected. */
const ASK_CONNECTED = 50;
/** Milliseconds that a device has to take up its deployment before it is asked whether it is there at all. */
const GRACE = 5000;

/** Watches a rollout until nothing more is to be expected of it, it fails, or the time is over. */
export async function watchRollout(watch: Watch): Promise<Watched> {
  const begin = watch.now();
  let told: ReadonlyMap<string, Outcome> = new Map();
  let askedAt = begin;
  const failed: { thing: string; reason: string }[] = [];
  for (;;) {
    const { stopped, outcomes } = await watch.observe();
    for (const [thing, outcome] of outcomes) {
      if (outcome === told.get(thing)) continue;
      const reason = outcome === 'failed' ? await watch.reason(thing) : undefined;
      if (reason !== undefined) failed.push({ thing, reason });
      const worthALine =
        outcomes.size <= TELL_EACH || (reason !== undefined && failed.length <= TELL_FAILURES);
      if (worthALine) watch.onProgress(`  ${thing}: ${outcome}${reason === undefined ? '' : `: ${reason}`}`);
    }
    if (outcomes.size > TELL_EACH && summary(outcomes) !== summary(told)) {
      watch.onProgress(`  ${summary(outcomes)}`);
    }
    told = outcomes;
    const pending = [...outcomes].filter(([, outcome]) => !isOver(outcome)).map(([thing]) => thing);
    const result = (end: Watched['end'], offline = false): Watched => ({
      end,
      outcomes,
      failed,
      missing: pending.map((thing) => ({ thing, offline })),
    });
    if (stopped) return result('stopped');
    if (pending.length === 0) return result('done');
    if (hasFailed(countsOf(outcomes), watch.plan)) return result('failing');
    const now = watch.now();
    if (now - begin >= watch.timeout * 1000) return result('timeout');
    const isIdle = pending.every((thing) => outcomes.get(thing) !== 'in progress');
    if (isIdle && pending.length <= ASK_CONNECTED && now - askedAt >= GRACE) {
      askedAt = now;
      const offline = await Promise.all(pending.map((thing) => watch.isOffline(thing)));
      if (offline.every((isOffline) => isOffline)) return result('done', true);
    }
    await watch.pause();
  }
}

/** How many devices of a rollout did what. */
export function countsOf(outcomes: ReadonlyMap<string, Outcome>) {
  const count = (outcome: Outcome) => [...outcomes.values()].filter((one) => one === outcome).length;
  return { succeeded: count('succeeded'), failed: count('failed') };
}

/** `100 succeeded, 2 failed, 898 waiting` */
export function summary(outcomes: ReadonlyMap<string, Outcome>): string {
  const order: readonly Outcome[] = ['succeeded', 'failed', 'in progress', 'queued', 'waiting', 'canceled'];
  const counts = order.map((outcome) => ({
    outcome,
    count: [...outcomes.values()].filter((one) => one === outcome).length,
  }));
  return counts
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${count} ${outcome}`)
    .join(', ');
}

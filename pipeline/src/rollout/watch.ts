import { isOver, type Outcome, type RolloutView } from './executions.js';
import { hasFailed, type RolloutPlan } from './rollout-plan.js';

/** A rollout to be watched, and how it is seen. */
export interface Watch {
  readonly plan: RolloutPlan;
  readonly observe: () => Promise<RolloutView>;
  /** Things on which something that the deployment brought is broken. */
  readonly brokenOn: () => Promise<readonly string[]>;
  /** Whether a device is known not to be connected. */
  readonly isOffline: (thing: string) => Promise<boolean>;
  readonly reason: (thing: string) => Promise<string>;
  readonly onProgress: (line: string) => void;
  /** Seconds after which it is left to itself. */
  readonly timeout: number;
  /** Seconds for which what was brought has to run: a component that starts, and ends, was deployed well. */
  readonly settle: number;
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
  /** Of many only the first are asked for their reason. */
  readonly failed: readonly { readonly thing: string; readonly reason: string | undefined }[];
  /** Devices that have not got it yet. */
  readonly missing: readonly { readonly thing: string; readonly offline: boolean }[];
}

/** Fleets up to this size are told of device by device. */
const TELL_EACH = 20;
/** Failures that are told of in any fleet. */
const TELL_FAILURES = 10;
/** Only so many devices are asked one by one whether they are connected. */
const ASK_CONNECTED = 50;
/** Milliseconds between two looks at what is broken: more is asked for that. */
const LOOK_FOR_BROKEN = 3000;
/** Milliseconds that a device has to take up its deployment before it is asked whether it is there at all. */
const GRACE = 5000;

/** Watches a rollout until nothing more is to be expected of it, it fails, or the time is over. */
export async function watchRollout(watch: Watch): Promise<Watched> {
  const begin = watch.now();
  let told: ReadonlyMap<string, Outcome> = new Map();
  let askedAt = begin;
  let lookedAt = begin;
  let settledAt: number | undefined;
  let broken: readonly string[] = [];
  const failed: { thing: string; reason: string | undefined }[] = [];
  let away = false;
  /** Whether all that are still to come are known to be away; they are not asked on every look. */
  const areOffline = async (
    pending: readonly string[],
    outcomes: ReadonlyMap<string, Outcome>,
    now: number,
  ): Promise<boolean> => {
    const isIdle = pending.every((thing) => outcomes.get(thing) !== 'in progress');
    if (!isIdle || pending.length > ASK_CONNECTED) return false;
    if (now - askedAt < GRACE) return away;
    askedAt = now;
    const offline = await Promise.all(pending.map((thing) => watch.isOffline(thing)));
    away = offline.every((isOffline) => isOffline);
    return away;
  };
  for (;;) {
    const { stopped, outcomes } = await watch.observe();
    for (const [thing, outcome] of outcomes) {
      if (outcome === told.get(thing)) continue;
      const isTold = outcomes.size <= TELL_EACH || (outcome === 'failed' && failed.length < TELL_FAILURES);
      const reason = outcome === 'failed' && isTold ? await watch.reason(thing) : undefined;
      if (outcome === 'failed') failed.push({ thing, reason });
      if (isTold) watch.onProgress(`  ${thing}: ${outcome}${reason === undefined ? '' : `: ${reason}`}`);
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
    const now = watch.now();
    if (now - lookedAt >= LOOK_FOR_BROKEN) {
      lookedAt = now;
      broken = await watch.brokenOn();
    }
    const bad = new Set([...failed.map(({ thing }) => thing), ...broken]);
    const executed = [...outcomes.values()].filter((outcome) => isOver(outcome)).length;
    if (hasFailed({ succeeded: Math.max(executed - bad.size, 0), failed: bad.size }, watch.plan)) {
      return result('failing');
    }
    const isQuiet = pending.length === 0 || (await areOffline(pending, outcomes, now));
    if (!isQuiet) settledAt = undefined;
    else settledAt ??= now;
    // What is broken already need not be waited for.
    const hasSettled =
      broken.length > 0 || [...outcomes.values()].every((outcome) => outcome !== 'succeeded');
    if (settledAt !== undefined && (hasSettled || now - settledAt >= watch.settle * 1000)) {
      return result('done', pending.length > 0);
    }
    if (now - begin >= watch.timeout * 1000) return result('timeout');
    await watch.pause();
  }
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

import type { JobExecutionSummaryForJob } from '@aws-sdk/client-iot';
import type { DeploymentDetails } from '@mooring/contracts';

type Wave = DeploymentDetails['waves'][number];

/** Where a device is with a deployment, as far as the waves need it. */
export interface Execution {
  readonly thing: string;
  /** Of AWS IoT: `QUEUED`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` … */
  readonly status: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number | undefined;
  readonly updatedAt: number | undefined;
}

/** Statuses of devices on which a deployment failed. */
export const FAILED: ReadonlySet<string> = new Set(['FAILED', 'REJECTED', 'TIMED_OUT']);

/** Milliseconds of a step; a rollout's pace is told in devices a minute. */
const MINUTE = 60_000;
/** Steps are made longer for a rollout that would have more. */
const MOST_STEPS = 240;

/** How many devices had started and ended by the end of each step in which any did, in order of time. */
export function wavesOf(executions: readonly Execution[]): Wave[] {
  const happenings = executions.flatMap(({ status, startedAt, updatedAt }) => [
    ...happening(startedAt, { started: 1 }),
    ...(status === 'SUCCEEDED' ? happening(updatedAt, { succeeded: 1 }) : []),
    ...(FAILED.has(status) ? happening(updatedAt, { failed: 1 }) : []),
  ]);
  if (happenings.length === 0) return [];
  const times = happenings.map(({ at }) => at);
  // Of many devices, too many for the arguments of a function.
  const first = times.reduce((one, other) => Math.min(one, other));
  const last = times.reduce((one, other) => Math.max(one, other));
  const step = Math.max(1, Math.ceil((last - first + 1) / (MOST_STEPS * MINUTE))) * MINUTE;
  const steps = new Map<number, Omit<Wave, 'at'>>();
  for (const { at, ...counts } of happenings) {
    const end = (Math.floor(at / step) + 1) * step;
    steps.set(end, sum(steps.get(end) ?? NONE, counts));
  }
  let total = NONE;
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([at, counts]) => {
      total = sum(total, counts);
      return { at, ...total };
    });
}

const NONE = { started: 0, succeeded: 0, failed: 0 };
type Counts = typeof NONE;

function happening(at: number | undefined, counts: Partial<Counts>): (Counts & { at: number })[] {
  return at === undefined ? [] : [{ at, ...NONE, ...counts }];
}

function sum(one: Counts, other: Counts): Counts {
  return {
    started: one.started + other.started,
    succeeded: one.succeeded + other.succeeded,
    failed: one.failed + other.failed,
  };
}

/** Reads what AWS IoT tells of a device's execution of a job. */
export function executionOf({ thingArn = '', jobExecutionSummary }: JobExecutionSummaryForJob): Execution {
  return {
    thing: thingArn.slice(thingArn.indexOf('/') + 1),
    status: jobExecutionSummary?.status ?? 'UNKNOWN',
    startedAt: jobExecutionSummary?.startedAt?.getTime(),
    updatedAt: jobExecutionSummary?.lastUpdatedAt?.getTime(),
  };
}

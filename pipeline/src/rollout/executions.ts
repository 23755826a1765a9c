import {
  DescribeJobCommand,
  type IoTClient,
  type JobExecutionStatus,
  paginateListJobExecutionsForJob,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot';

/** Where a device is with a deployment; `waiting` for its wave. */
export type Outcome = 'waiting' | 'queued' | 'in progress' | 'succeeded' | 'failed' | 'canceled';

/** A deployment's rollout as AWS IoT sees it. */
export interface RolloutView {
  /** Whether the job was canceled: it reaches no further device. */
  readonly stopped: boolean;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

const OUTCOMES: Record<JobExecutionStatus, Outcome> = {
  QUEUED: 'queued',
  IN_PROGRESS: 'in progress',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  REJECTED: 'failed',
  TIMED_OUT: 'failed',
  CANCELED: 'canceled',
  REMOVED: 'canceled',
};

/** Whether nothing more will come of it. */
export function isOver(outcome: Outcome): boolean {
  return outcome === 'succeeded' || outcome === 'failed' || outcome === 'canceled';
}

/** Where the devices are with the job of a deployment. */
export async function viewRollout(
  iot: IoTClient,
  jobId: string,
  things: readonly string[],
): Promise<RolloutView> {
  const { job } = await iot.send(new DescribeJobCommand({ jobId }));
  const outcomes = new Map<string, Outcome>(things.map((thing) => [thing, 'waiting']));
  for await (const page of paginateListJobExecutionsForJob({ client: iot, pageSize: 250 }, { jobId })) {
    for (const { thingArn = '', jobExecutionSummary } of page.executionSummaries ?? []) {
      const thing = thingArn.slice(thingArn.indexOf('/') + 1);
      const status = jobExecutionSummary?.status;
      if (status !== undefined && outcomes.has(thing)) outcomes.set(thing, OUTCOMES[status] ?? 'in progress');
    }
  }
  return { stopped: job?.status === 'CANCELED' || job?.status === 'DELETION_IN_PROGRESS', outcomes };
}

/**
 * How many devices are where with the job of a deployment; empty when there is no such job any more, as AWS IoT
 * deletes those that are long over.
 */
export async function rolloutCounts(
  iot: IoTClient,
  jobId: string,
): Promise<Readonly<Partial<Record<Outcome, number>>>> {
  try {
    const { job } = await iot.send(new DescribeJobCommand({ jobId }));
    const details = job?.jobProcessDetails ?? {};
    const counts: [Outcome, number][] = [
      ['succeeded', details.numberOfSucceededThings ?? 0],
      [
        'failed',
        (details.numberOfFailedThings ?? 0) +
          (details.numberOfRejectedThings ?? 0) +
          (details.numberOfTimedOutThings ?? 0),
      ],
      ['in progress', details.numberOfInProgressThings ?? 0],
      ['queued', details.numberOfQueuedThings ?? 0],
    ];
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return {};
    throw error;
  }
}

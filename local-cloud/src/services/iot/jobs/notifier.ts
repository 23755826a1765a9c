import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../clock.js';
import type { Broker } from '../../../mqtt/index.js';
import type { Peer } from '../devices/peer.js';
import { describedExecution, type ExecutionSummary, seconds, summaryOf } from './descriptions.js';
import { identity, type JobEvent, type Outcome } from './effects.js';
import { processCounts } from './events.js';
import type { Executions } from './executions.js';
import type { JobStore } from './job-store.js';
import type { ExecutionRecord } from './records.js';

/** Most executions that a list notification names (AWS IoT Jobs, "Jobs notifications"). */
const LISTED = 10;
const EVENT_KINDS: readonly JobEvent['kind'][] = ['JOB', 'JOB_EXECUTION'];

/**
 * Publishes what changed in jobs: to things, that their list of pending executions or the first one in it changed, and
 * on `$aws/events` what became of jobs and executions, where the account has enabled that.
 */
export class Notifier {
  constructor(
    private readonly broker: Broker<Peer>,
    private readonly jobs: JobStore,
    private readonly executions: Executions,
    private readonly clock: Clock,
    private readonly isEnabled: (kind: JobEvent['kind']) => boolean,
    private readonly failed: (error: unknown) => void,
  ) {}

  tell({ lists, events }: Pick<Outcome, 'lists' | 'events'>): void {
    for (const list of lists) this.#list(list);
    const enabled = new Set(EVENT_KINDS.filter((kind) => events.length > 0 && this.isEnabled(kind)));
    for (const event of events) if (enabled.has(event.kind)) this.#event(event);
  }

  #list({ thingName, namespaceId, first }: Outcome['lists'][number]): void {
    const timestamp = seconds(this.clock.now());
    const topic = (name: string) =>
      `$aws/things/${thingName}/jobs/${name}${namespaceId === undefined ? '' : `-namespace-${namespaceId}`}`;
    const jobs: Record<string, ExecutionSummary[]> = {};
    let next: ExecutionRecord | undefined;
    let count = 0;
    for (const execution of this.executions.pending(thingName, namespaceId)) {
      next ??= execution;
      if (count === LISTED) break;
      count += 1;
      jobs[execution.status] ??= [];
      jobs[execution.status]?.push(summaryOf(execution));
    }
    this.#publish(topic('notify'), { timestamp, jobs });
    if (identity(next) === first) return;
    const execution = next && describedExecution(next, JSON.parse(this.jobs.document(next.jobId)));
    this.#publish(topic('notify-next'), { timestamp, ...(execution && { execution }) });
  }

  #event({ kind, operation, jobId, body }: JobEvent): void {
    const family = kind === 'JOB' ? 'job' : 'jobExecution';
    const counts = kind === 'JOB' ? this.jobs.get(jobId)?.counts : undefined;
    this.#publish(`$aws/events/${family}/${jobId}/${operation}`, {
      eventType: kind,
      eventId: randomUUID(),
      timestamp: seconds(this.clock.now()),
      operation,
      ...body,
      ...(counts && { jobProcessDetails: processCounts(counts) }),
    });
  }

  #publish(topic: string, message: object): void {
    this.broker.publish({ topic, payload: Buffer.from(JSON.stringify(message)), qos: 1 }).catch(this.failed);
  }
}

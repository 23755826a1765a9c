import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import type { Deployment, DeploymentJournal, Report } from '../deployment/journal.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import { Exchange } from './exchange.js';
import { jsonOf, type Messaging } from './messaging.js';
import { statusDetailsOf } from './status-details.js';

export interface ListenerOptions {
  readonly thingName: string;
  readonly messaging: Messaging;
  readonly queue: {
    offer(deployment: Deployment): void;
    cancel(source: Deployment['source'], except?: string): void;
  };
  readonly journal: DeploymentJournal;
  readonly clock: Clock;
  readonly log: Log;
}

/** The namespace of the IoT jobs that Greengrass deployments to thing groups are. */
const NAMESPACE = 'namespace-aws-gg-deployment';

const Next = z.object({
  execution: z
    .object({
      jobId: z.string(),
      status: z.string(),
      queuedAt: z.number(),
      jobDocument: z.record(z.string(), z.unknown()),
    })
    .nullish()
    // An empty object stands for no execution, too.
    .catch(undefined),
});
const Answer = z.object({ clientToken: z.string().optional() });
const Refusal = z.object({
  clientToken: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});

/** Refusals that may pass. */
const TRANSIENT = ['RequestThrottled', 'InternalError'];

/**
 * Takes deployments to thing groups, which are IoT jobs of a namespace of their own, and reports what becomes of
 * them, as the nucleus does: any notice of a change makes it ask what is next.
 */
export class JobsListener {
  readonly #prefix: string;
  readonly #next: Exchange;
  /** The report that is on its way, and the token that its answer will carry. */
  #sending: { readonly report: Report; readonly token: string } | undefined;
  readonly #update: Exchange;
  #off: (() => void)[] = [];

  constructor(private readonly options: ListenerOptions) {
    this.#prefix = `$aws/things/${options.thingName}/jobs`;
    this.#next = new Exchange(options.clock, () =>
      this.#publish(`${this.#prefix}/$next/${NAMESPACE}/get`, {
        jobId: '$next',
        thingName: options.thingName,
        includeJobDocument: true,
        clientToken: randomUUID(),
      }),
    );
    this.#update = new Exchange(options.clock, () => this.#sendUpdate());
  }

  /** Subscribes; from then on it asks and reports with each connection. */
  start(): void {
    const { messaging, journal } = this.options;
    const ask = () => this.#next.open();
    this.#subscribe(`${this.#prefix}/notify-${NAMESPACE}`, ask);
    this.#subscribe(`${this.#prefix}/notify-next-${NAMESPACE}`, ask);
    this.#subscribe(`${this.#prefix}/$next/${NAMESPACE}/get/accepted`, (packet) =>
      this.#told(jsonOf(packet)),
    );
    this.#subscribe(`${this.#prefix}/$next/${NAMESPACE}/get/rejected`, (packet) => {
      const refusal = Refusal.safeParse(jsonOf(packet)).data;
      if (TRANSIENT.includes(refusal?.code ?? '')) return;
      this.#next.answered();
      this.options.log('error', `AWS IoT does not tell the next deployment job: ${refusal?.message}`);
    });
    this.#subscribe(`${this.#prefix}/+/${NAMESPACE}/update/accepted`, (packet) =>
      this.#updated(Answer.safeParse(jsonOf(packet)).data?.clientToken),
    );
    this.#subscribe(`${this.#prefix}/+/${NAMESPACE}/update/rejected`, (packet) => {
      const refusal = Refusal.safeParse(jsonOf(packet)).data;
      if (!refusal || TRANSIENT.includes(refusal.code ?? '')) return;
      const { report, token } = this.#sending ?? {};
      if (!report || token !== refusal.clientToken) return;
      this.options.log('warn', `AWS IoT does not take the status of job ${report.id}: ${refusal.message}`);
      this.#updated(token);
    });
    this.#off.push(
      messaging.onState((state) => {
        if (state === 'connected') this.#connected();
      }),
      journal.onReport(() => this.#report()),
    );
    if (messaging.state === 'connected') this.#connected();
  }

  close(): void {
    for (const off of this.#off) off();
    this.#next.answered();
    this.#update.answered();
  }

  #connected(): void {
    this.#next.open();
    if (this.#sending) this.#update.open();
    else this.#report();
  }

  #told(value: unknown): void {
    const { queue, log } = this.options;
    const answer = Next.safeParse(value);
    this.#next.answered();
    if (!answer.success) {
      log('error', 'AWS IoT describes the next deployment job in words that are not understood');
      return;
    }
    const { execution } = answer.data;
    queue.cancel('IOT_JOBS', execution?.jobId);
    if (!execution) return;
    queue.offer({
      source: 'IOT_JOBS',
      id: execution.jobId,
      offer: execution.queuedAt,
      document: JSON.stringify(execution.jobDocument),
    });
  }

  /** Sends the oldest report that the cloud is owed, one at a time so that they arrive in order. */
  #report(): void {
    if (this.#sending) return;
    const report = this.options.journal.reports.find(
      ({ source, owed }) => source === 'IOT_JOBS' && owed.includes('source'),
    );
    if (!report) return;
    this.#sending = { report, token: randomUUID() };
    this.#update.open();
  }

  #sendUpdate(): void {
    if (!this.#sending) return;
    const { report, token } = this.#sending;
    const { outcome, id } = report;
    this.#publish(`${this.#prefix}/${id}/${NAMESPACE}/update`, {
      status: outcome.status,
      statusDetails: statusDetailsOf(outcome),
      clientToken: token,
    });
  }

  #updated(token: string | undefined): void {
    const sending = this.#sending;
    if (!sending || sending.token !== token) return;
    this.#update.answered();
    this.#sending = undefined;
    this.options.journal.settle(sending.report.key, 'source');
    this.#report();
    // The next one may have been waiting for this one's end.
    if (!this.#sending && sending.report.outcome.status !== 'IN_PROGRESS') this.#next.open();
  }

  #publish(topic: string, message: unknown): void {
    const { messaging, log } = this.options;
    if (messaging.state !== 'connected') return;
    messaging
      .publish(topic, Buffer.from(JSON.stringify(message)), { qos: 1 })
      .catch((error: unknown) => log('warn', messageOf(error)));
  }

  #subscribe(filter: string, handler: Parameters<Messaging['subscribe']>[2]): void {
    const { messaging, log } = this.options;
    messaging.subscribe(filter, 1, handler).catch((error: unknown) => log('error', messageOf(error)));
  }
}

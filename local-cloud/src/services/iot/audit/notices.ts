import type { Clock, Timer } from '../../../clock.js';
import type { Log } from '../../../log.js';
import type { AuditTables, Notice } from './records.js';
import type { ServiceRoles } from './roles.js';

/** Publishes to SNS topics: what audits need of SNS. */
export interface TopicPublisher {
  publish(
    topicArn: string,
    message: { readonly message: string; readonly subject?: string },
  ): Promise<{ readonly messageId: string }>;
}

/** Milliseconds before each further attempt. */
const PAUSES = [1000, 5000, 30_000, 120_000, 600_000];

/**
 * Publishes the notifications of audits that have ended. They are kept until SNS has taken them, so that a process
 * that ends in between leaves them to the next one; one may then be published twice.
 */
export class Notices {
  #closed = false;
  #running: Promise<void> = Promise.resolve();
  readonly #pauses = new Map<string, Timer>();
  readonly #inHand = new Set<string>();

  constructor(
    private readonly tables: AuditTables,
    private readonly roles: ServiceRoles,
    private readonly topics: TopicPublisher | undefined,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Publishes what is due. */
  go(): void {
    if (this.#closed) return;
    for (const [taskId, notice] of [...this.tables.notices.entries()]) {
      if (this.#inHand.has(taskId) || this.#pauses.has(taskId)) continue;
      this.#inHand.add(taskId);
      this.#running = this.#running
        .then(() => this.#publish(notice))
        .finally(() => this.#inHand.delete(taskId));
    }
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [, pause] of this.#pauses) pause.cancel();
    await this.#running;
  }

  async #publish(notice: Notice): Promise<void> {
    const { taskId, topicArn, roleArn, message } = notice;
    if (this.#closed) return;
    const about = { taskId, topicArn };
    const missing = this.roles.missing(roleArn, ['sns:Publish'], topicArn);
    if (missing !== undefined) {
      this.log('error', 'The notification of an audit was not published', { ...about, error: missing });
      this.tables.notices.delete(taskId);
      return;
    }
    try {
      if (!this.topics) throw new TypeError('Amazon SNS is not there');
      await this.topics.publish(topicArn, { message });
      this.tables.notices.delete(taskId);
    } catch (error) {
      if (this.#closed) return;
      const pause = PAUSES[notice.failures];
      if (pause === undefined) {
        this.log('error', 'The notification of an audit was given up', { ...about, error: String(error) });
        this.tables.notices.delete(taskId);
        return;
      }
      this.log('warn', 'The notification of an audit is tried again', { ...about, error: String(error) });
      this.tables.notices.put(taskId, { ...notice, failures: notice.failures + 1 });
      const timer = this.clock.after(pause, () => {
        this.#pauses.delete(taskId);
        this.go();
      });
      this.#pauses.set(taskId, timer);
    }
  }
}

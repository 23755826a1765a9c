import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../clock.js';
import { AwsError } from '../../../errors.js';
import type { Log } from '../../../log.js';
import { MqttError } from '../../../mqtt/index.js';
import type { ActionJob, ActionStep, Chain, PreparedAction } from './actions/action.js';
import type { Rule } from './rule.js';
import type { RuleLog } from './rule-log.js';
import type { RuleMessage, RuleOutput } from './sql/index.js';

/** Milliseconds before an action is tried again that failed for no fault of the rule's. */
const RETRY_DELAYS = [1000, 2000] as const;

/** What an error action is told of an action that failed (AWS IoT developer guide, "Error handling"). */
interface Failure {
  readonly failedAction: string;
  readonly failedResource: string;
  readonly errorMessage: string;
}

/** Runs the actions of rules. */
export class Runner {
  readonly #ending = new AbortController();

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly ruleLog?: RuleLog,
  ) {}

  /**
   * Runs a rule for a message, of which its SQL made `output`. What fails is told to the rule's error action and the
   * log, and never thrown.
   *
   * @returns whether everything was done; false when {@link end} came in between.
   */
  async run(rule: Rule, message: RuleMessage, output: RuleOutput, chain: Chain): Promise<boolean> {
    const job = { message, output, chain };
    const outcomes = await Promise.all(rule.actions.map((action) => this.#attempt(rule, action, job)));
    if (outcomes.includes('ended')) return false;
    const failures = outcomes.filter((outcome) => typeof outcome === 'object');
    if (failures.length === 0 || !rule.errorAction) return true;
    const payload = Buffer.from(JSON.stringify(errorDocument(rule, message, failures)));
    const document = { payload, value: JSON.parse(payload.toString('utf8')) };
    // Templates see the message that the rule got.
    const outcome = await this.#attempt(rule, rule.errorAction, { message, output: document, chain });
    return outcome !== 'ended';
  }

  /** Gives up what waits to be tried again. */
  end(): void {
    this.#ending.abort();
  }

  async #attempt(rule: Rule, action: PreparedAction, job: ActionJob): Promise<Failure | 'done' | 'ended'> {
    let step: ActionStep | undefined;
    for (let failures = 0; ; failures += 1) {
      try {
        step ??= await action.plan(job);
        await step.perform();
        return 'done';
      } catch (error) {
        const delay = isTransient(error) ? RETRY_DELAYS[failures] : undefined;
        if (this.#ending.signal.aborted) return 'ended';
        if (delay === undefined) return this.#failed(rule, action, job, step, error);
        if (!(await this.#wait(delay))) return 'ended';
      }
    }
  }

  #failed(
    rule: Rule,
    action: PreparedAction,
    job: ActionJob,
    step: ActionStep | undefined,
    error: unknown,
  ): Failure {
    const resource = step?.resource ?? action.target;
    const errorMessage =
      `${action.failure}. The error received was ${wording(error, action.service)}. ` +
      `Message arrived on: ${job.message.topic}, Action: ${action.member}, ${step?.details ?? action.target}`;
    this.log('warn', 'An action of a rule failed', {
      rule: rule.record.ruleName,
      topic: job.message.topic,
      action: action.member,
      resource,
      error: errorMessage,
    });
    this.ruleLog?.actionFailed(rule.record.ruleName, job.message, {
      ruleAction: action.name,
      resources: { [action.member]: resource },
      details: errorMessage,
    });
    return { failedAction: action.name, failedResource: resource, errorMessage };
  }

  /** @returns false when {@link end} came first. */
  #wait(delay: number): Promise<boolean> {
    const { signal } = this.#ending;
    return new Promise((resolve) => {
      const stop = () => {
        timer.cancel();
        resolve(false);
      };
      const timer = this.clock.after(delay, () => {
        signal.removeEventListener('abort', stop);
        resolve(true);
      });
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

function errorDocument(rule: Rule, message: RuleMessage, failures: readonly Failure[]) {
  return {
    ruleName: rule.record.ruleName,
    topic: message.topic,
    cloudwatchTraceId: randomUUID(),
    clientId: message.clientId ?? 'N/A',
    ...(message.sourceIp !== undefined && { sourceIp: message.sourceIp }),
    base64OriginalPayload: Buffer.from(message.payload).toString('base64'),
    failures,
  };
}

/** Whether the same may succeed later: throttling, and what the other service is to blame for. */
function isTransient(error: unknown): boolean {
  if (error instanceof AwsError) return error.status >= 500 || /Throttl|TooManyRequests/.test(error.code);
  if (!(error instanceof Error)) return false;
  return ('$fault' in error && error.$fault === 'server') || /Throttl|TooManyRequests/.test(error.name);
}

function wording(error: unknown, service: string): string {
  if (error instanceof AwsError) {
    return `${error.message} (Service: ${service}; Status Code: ${error.status}; Error Code: ${error.code})`;
  }
  if (error instanceof MqttError) return error.message;
  if (!(error instanceof Error)) return String(error);
  return `${error.message} (Service: ${service}; Error Code: ${error.name})`;
}

import type { Clock } from '../../../clock.js';
import { AwsError } from '../../../errors.js';
import type { Log } from '../../../log.js';
import { type Broker, type InboundPublish, type Message, SubscriptionTree } from '../../../mqtt/index.js';
import type { Peer } from '../devices/peer.js';
import { principalIdentifier } from '../devices/principal-identifier.js';
import type { ThingTopics } from '../devices/thing-topics.js';
import type { Chain } from './actions/action.js';
import type { PendingRun, PendingRuns } from './pending-runs.js';
import { type Rule, runId } from './rule.js';
import type { RuleLog } from './rule-log.js';
import type { Runner } from './runner.js';
import {
  type PreparedMessage,
  prepareMessage,
  type RuleMessage,
  type RuleOutput,
  type Statement,
} from './sql/index.js';

/** What clients publish here runs the rule that it names, and nobody else gets it. */
const BASIC_INGEST = '$aws/rules/';
const INGESTED = /^\$aws\/rules\/([^/]+)/;

/** Rules that may republish one after the other, and messages that may come of one so: what goes on is a loop. */
const MOST_HOPS = 10;
const MOST_REPUBLISHED = 1000;

/** Messages of QoS 0 are dropped while rules are at work for so many. */
const MOST_AT_WORK = 10_000;

interface EngineNeeds {
  readonly broker: Broker<Peer>;
  readonly thingTopics: Pick<ThingTopics, 'taker'>;
  readonly pending: PendingRuns;
  readonly runner: Runner;
  readonly clock: Clock;
  readonly log: Log;
  readonly ruleLog: RuleLog;
}

/** One rule's work for one message. */
interface Work {
  readonly rule: Rule;
  readonly run: PendingRun;
  readonly message: PreparedMessage;
  readonly chain: Chain;
}

/** What the SQL of a rule makes of a message. */
type Selected = ReturnType<Statement['run']>;

/**
 * Hands messages to the rules that select them. It listens to the broker only while there are rules, and finds those
 * of a topic without looking at the others.
 */
export class RulesEngine {
  readonly #rules = new Map<string, Rule>();
  readonly #byTopic = new SubscriptionTree<Rule>();
  readonly #atWork = new Set<Promise<void>>();
  #stopObserving: (() => void) | undefined;
  /** Of the message that is being republished right now. */
  #chain: Chain | undefined;
  #closed = false;
  /** Each gives up waiting for SQL. */
  readonly #waiting = new Set<() => void>();

  constructor(private readonly needs: EngineNeeds) {
    needs.broker.intercept(BASIC_INGEST, (publish) => this.ingest(publish));
  }

  /** Takes a rule into force, in place of the one of that name. */
  put(rule: Rule): void {
    this.delete(rule.record.ruleName);
    this.#rules.set(rule.record.ruleName, rule);
    const { topicFilter } = rule.statement;
    if (topicFilter === undefined || rule.record.disabled) return;
    this.#byTopic.add(topicFilter, rule);
    this.#stopObserving ??= this.needs.broker.observe((publish) => this.#observe(publish));
  }

  delete(ruleName: string): void {
    const rule = this.#rules.get(ruleName);
    if (!rule) return;
    this.#rules.delete(ruleName);
    if (rule.statement.topicFilter !== undefined) this.#byTopic.delete(rule.statement.topicFilter, rule);
    if (!this.#byTopic.empty) return;
    this.#stopObserving?.();
    this.#stopObserving = undefined;
  }

  /** Goes on with what a process before this one had not done yet. */
  resume(): void {
    for (const run of this.needs.pending.all()) {
      const rule = this.#rules.get(run.ruleName);
      if (rule && !rule.record.disabled) {
        const message = prepareMessage(run.message);
        const chain = { hops: run.hops, republished: { count: 0 } };
        this.#work({ rule, run, message, chain }, this.#select(rule, run, message));
        continue;
      }
      this.#warn('A message waited for a rule that is gone or disabled', run);
      this.needs.pending.done(run).catch((error) => this.#storeFailed(run, error));
    }
  }

  /** Runs the rule that a Basic Ingest topic names; a message of QoS 1 is kept when it returns. */
  ingest(publish: InboundPublish<Peer>): void {
    const [, ruleName = ''] = INGESTED.exec(publish.topic) ?? [];
    const rule = this.#rules.get(ruleName);
    if (!rule || rule.record.disabled) {
      const { log, ruleLog } = this.needs;
      log('warn', `The rule of a message is ${rule ? 'disabled' : 'not found'}`, {
        rule: ruleName,
        topic: publish.topic,
      });
      const { clientId, principal: principalId } = this.#messageOf(publish);
      ruleLog.notFound(ruleName, publish.topic, { clientId: clientId ?? 'N/A', principalId });
      return;
    }
    this.#accept([rule], publish, (runs) => this.needs.pending.addNow(runs));
  }

  /**
   * Publishes for a rule, also to reserved topics.
   *
   * @throws AwsError when the topic takes nothing from rules, or rules republish to each other without end.
   */
  async republish(message: Message, chain: Chain): Promise<void> {
    const { broker, thingTopics } = this.needs;
    chain.republished.count += 1;
    if (chain.hops > MOST_HOPS || chain.republished.count > MOST_REPUBLISHED) {
      throw new AwsError(
        'RepublishLoop',
        `Rules have republished this message ${chain.hops} times in turn, ${chain.republished.count} messages came of it: this looks like a loop`,
      );
    }
    const { topic, payload, qos = 0, properties = {} } = message;
    const publish = { topic, payload, qos, properties, retain: false, client: undefined, peer: undefined };
    if (topic.startsWith(BASIC_INGEST)) {
      broker.check(message);
      this.#within(chain, () => this.ingest(publish));
      return;
    }
    const take = thingTopics.taker(topic);
    if (topic.startsWith('$') && (!take || /^\$aws\/things\/[^/]+\/jobs\//.test(topic))) {
      throw new AwsError('InvalidRequestException', `Rules cannot publish to the reserved topic ${topic}`);
    }
    await this.#within(chain, () => broker.publish(message));
    await this.#within(chain, () => take?.(publish));
  }

  /** Resolves when no rule is at work any more; functions that SQL waits for are not waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopObserving?.();
    this.needs.runner.end();
    for (const giveUp of this.#waiting) giveUp();
    await Promise.all(this.#atWork);
  }

  #observe(publish: InboundPublish<Peer>): Promise<void> | undefined {
    if (publish.topic.startsWith(BASIC_INGEST)) return undefined;
    const rules = this.#byTopic.match(publish.topic);
    if (rules.length === 0) return undefined;
    return this.#accept(rules, publish, (runs) => this.needs.pending.add(runs));
  }

  #accept<Kept>(
    rules: readonly Rule[],
    publish: InboundPublish<Peer>,
    keep: (runs: readonly PendingRun[]) => Kept,
  ): Kept | undefined {
    if (this.#closed) return undefined;
    const given = this.#messageOf(publish);
    // What one rule finds out of the message, the others need not find out again.
    const message = prepareMessage(given);
    if (message.qos === 0 && this.#atWork.size >= MOST_AT_WORK) {
      this.needs.log('warn', 'Rules are too busy, a message is dropped', {
        topic: message.topic,
      });
      return undefined;
    }
    const chain = this.#chain ?? { hops: 0, republished: { count: 0 } };
    const selected = rules.flatMap((rule) => {
      const id = runId(message.timestamp);
      const run = { id, ruleName: rule.record.ruleName, message: given, hops: chain.hops };
      const output = this.#select(rule, run, message);
      if (output) this.needs.ruleLog.matched(run.ruleName, given);
      return output ? [{ work: { rule, run, message, chain }, output }] : [];
    });
    if (selected.length === 0) return undefined;
    const kept = message.qos === 1 ? keep(selected.map(({ work }) => work.run)) : undefined;
    for (const { work, output } of selected) this.#work(work, output);
    return kept;
  }

  /** What a rule's SQL makes of a message; undefined when it does not select it, or fails. */
  #select(rule: Rule, run: PendingRun, message: PreparedMessage): Selected {
    try {
      return rule.statement.run(message, rule.sql);
    } catch (error) {
      this.#sqlFailed(run, error);
      return undefined;
    }
  }

  #work(work: Work, output: Selected): void {
    const { run, message } = work;
    const ended = this.#run(work, output)
      .then((isDone) => (isDone && message.qos === 1 ? this.needs.pending.done(run) : undefined))
      .catch((error) => this.#storeFailed(run, error))
      .finally(() => this.#atWork.delete(ended));
    this.#atWork.add(ended);
  }

  /** @returns whether there is nothing left to do. */
  async #run({ rule, run, message, chain }: Work, output: Selected): Promise<boolean> {
    let selected: RuleOutput | 'ending' | undefined;
    try {
      selected = await (output instanceof Promise ? this.#orEnding(output) : output);
    } catch (error) {
      this.#sqlFailed(run, error);
    }
    if (selected === 'ending') return false;
    return selected ? this.needs.runner.run(rule, message, selected, chain) : true;
  }

  #orEnding<T>(promise: Promise<T>): Promise<T | 'ending'> {
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve('ending');
      this.#waiting.add(giveUp);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(giveUp));
    });
  }

  #messageOf({ topic, client, peer, payload, qos, properties }: InboundPublish<Peer>): RuleMessage {
    return {
      topic,
      payload: Buffer.from(payload),
      qos,
      clientId: client?.clientId,
      principal: peer && principalIdentifier(peer.principal),
      timestamp: this.needs.clock.now(),
      properties,
      ...(peer && peer.sourceIp !== '' && { sourceIp: peer.sourceIp }),
    };
  }

  /** Runs `work` so that what it publishes before its first `await` is known to come of that chain. */
  #within<T>(chain: Chain, work: () => T): T {
    const before = this.#chain;
    this.#chain = chain;
    try {
      return work();
    } finally {
      this.#chain = before;
    }
  }

  #sqlFailed(run: PendingRun, error: unknown): void {
    this.#warn('The SQL of a rule failed', run, error);
    this.needs.ruleLog.sqlFailed(run.ruleName, run.message, error);
  }

  #warn(what: string, { ruleName, message }: PendingRun, error?: unknown): void {
    this.needs.log('warn', what, {
      rule: ruleName,
      topic: message.topic,
      ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }),
    });
  }

  #storeFailed({ ruleName }: PendingRun, error: unknown): void {
    this.needs.log('error', 'What a rule has done could not be noted', {
      rule: ruleName,
      error: String(error),
    });
  }
}

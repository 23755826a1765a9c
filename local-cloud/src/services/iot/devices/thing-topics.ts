import type { Clock } from '../../../clock.js';
import type { Log } from '../../../log.js';
import type { Broker, InboundPublish } from '../../../mqtt/index.js';
import type { Peer } from './peer.js';

const THINGS = '$aws/things/';
/** Requests of jobs, which expect an answer. */
const REQUEST = /^jobs\/(?:.*\/)?(?:get|update|delete|start-next)$/;

export interface ThingMessage extends InboundPublish<Peer> {
  readonly thingName: string;
  /** The topic behind `$aws/things/{thing}/`. */
  readonly suffix: string;
}

export type ThingMessageHandler = (message: ThingMessage) => void | Promise<void>;

/**
 * The reserved topics of things: hands what devices publish there to the part of AWS IoT that it is for, and
 * delivers it to subscribers as well. Requests to jobs that nobody takes are rejected, which only the client that
 * asked is told.
 */
export class ThingTopics {
  readonly #handlers: { pattern: RegExp; handler: ThingMessageHandler }[] = [];

  constructor(
    private readonly broker: Broker<Peer>,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    broker.intercept(THINGS, (publish) => this.#dispatch(publish), { deliver: true });
  }

  /** Hands messages to `handler` whose topic behind the thing's name matches. */
  on(pattern: RegExp, handler: ThingMessageHandler): void {
    this.#handlers.push({ pattern, handler });
  }

  #dispatch(publish: InboundPublish<Peer>): void | Promise<void> {
    const rest = publish.topic.slice(THINGS.length);
    const slash = rest.indexOf('/');
    if (slash < 1) return undefined;
    const thingName = rest.slice(0, slash);
    const suffix = rest.slice(slash + 1);
    const found = this.#handlers.find(({ pattern }) => pattern.test(suffix));
    if (found) return found.handler({ ...publish, thingName, suffix });
    if (REQUEST.test(suffix)) return this.#reject(publish);
    this.log('info', 'Nothing takes messages to this reserved topic', { topic: publish.topic });
    return undefined;
  }

  async #reject({ topic, payload, client }: InboundPublish<Peer>): Promise<void> {
    if (!client) return;
    const body = {
      code: 'NotImplemented',
      message: 'Jobs are not built in the local cloud',
      timestamp: Math.floor(this.clock.now() / 1000),
      ...clientToken(payload),
    };
    await this.broker.publish(
      { topic: `${topic}/rejected`, payload: Buffer.from(JSON.stringify(body)) },
      { to: client },
    );
  }
}

function clientToken(payload: Uint8Array): { clientToken?: unknown } {
  try {
    const data: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    const isObject = typeof data === 'object' && data !== null;
    return isObject && 'clientToken' in data ? { clientToken: data.clientToken } : {};
  } catch {
    return {};
  }
}

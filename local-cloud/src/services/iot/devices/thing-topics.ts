import type { Log } from '../../../log.js';
import type { Broker, InboundPublish } from '../../../mqtt/index.js';
import type { Peer } from './peer.js';

const THINGS = '$aws/things/';
const TOPIC = /^\$aws\/things\/([^/]+)\/(.*)$/s;

export interface ThingMessage extends InboundPublish<Peer> {
  readonly thingName: string;
  /** The topic behind `$aws/things/{thing}/`. */
  readonly suffix: string;
}

export type ThingMessageHandler = (message: ThingMessage) => void | Promise<void>;

/**
 * The reserved topics of things: hands what devices publish there to the part of AWS IoT that it is for, and
 * delivers it to subscribers as well.
 */
export class ThingTopics {
  readonly #handlers: { pattern: RegExp; handler: ThingMessageHandler }[] = [];

  constructor(
    broker: Broker<Peer>,
    private readonly log: Log,
  ) {
    broker.intercept(THINGS, (publish) => this.#dispatch(publish), { deliver: true });
  }

  /** Hands messages to `handler` whose topic behind the thing's name matches. */
  on(pattern: RegExp, handler: ThingMessageHandler): void {
    this.#handlers.push({ pattern, handler });
  }

  /**
   * What takes messages to a topic, for those that come in other ways than MQTT; undefined when nothing does.
   */
  taker(topic: string): ((publish: InboundPublish<Peer>) => void | Promise<void>) | undefined {
    const [, thingName, suffix] = TOPIC.exec(topic) ?? [];
    if (thingName === undefined || suffix === undefined) return undefined;
    const found = this.#handlers.find(({ pattern }) => pattern.test(suffix));
    return found && ((publish) => found.handler({ ...publish, thingName, suffix }));
  }

  #dispatch(publish: InboundPublish<Peer>): void | Promise<void> {
    const take = this.taker(publish.topic);
    if (take) return take(publish);
    this.log('info', 'Nothing takes messages to this reserved topic', { topic: publish.topic });
    return undefined;
  }
}

import { encodeSuback, encodeUnsuback } from './codec/encode.js';
import type { SubscribePacket, SubscriptionRequest, UnsubscribePacket } from './codec/packets.js';
import type { Client } from './contract.js';
import { MqttError, ReasonCode } from './errors.js';
import type { Hub } from './hub.js';
import type { Session } from './session.js';
import { type Filter, parseFilter } from './topic.js';

/** SUBSCRIBE and UNSUBSCRIBE of a client: they are answered when the session is kept with what they changed. */
export class Subscribing<P> {
  constructor(
    private readonly hub: Hub<P>,
    private readonly client: Client<P>,
    private readonly session: Session,
    private readonly connection: { write(bytes: Buffer): void; fail(error: unknown): void },
  ) {}

  /** @throws MqttError when the connection is to be closed. */
  subscribe({ packetId, subscriptions, properties }: SubscribePacket): void {
    const { hub, client } = this;
    if (properties.subscriptionIdentifier !== undefined) {
      throw new MqttError(
        ReasonCode.SubscriptionIdentifiersNotSupported,
        'Subscription identifiers are not supported',
      );
    }
    if (subscriptions.length > hub.limits.filtersPerSubscribe) {
      throw new MqttError(
        ReasonCode.QuotaExceeded,
        `SUBSCRIBE names ${subscriptions.length} topic filters; ${hub.limits.filtersPerSubscribe} are allowed`,
      );
    }
    if (client.protocolVersion !== 5 && subscriptions.some(({ qos }) => qos === 2)) {
      throw new MqttError(ReasonCode.QosNotSupported, 'QoS 2 is not supported');
    }
    const codes: number[] = [];
    const granted: string[] = [];
    const retained: (() => void)[] = [];
    // [MQTT-3.8.4-5] As if each topic filter had come in a packet of its own.
    for (const request of subscriptions) {
      const code = this.#subscribe(request, retained);
      // [MQTT-3.8.4-6] [MQTT-3.8.4-7] A code for each: the granted QoS, or why there is none.
      codes.push(code);
      if (code < 0x80) granted.push(request.filter);
    }
    // [MQTT-3.8.4-1] [MQTT-2.2.1-6]
    this.#answer(encodeSuback(client.protocolVersion, packetId, codes), granted.length > 0, () => {
      for (const send of retained) send();
    });
    if (granted.length > 0) hub.emit('subscribed', { client, topics: granted });
  }

  unsubscribe({ packetId, filters }: UnsubscribePacket): void {
    const { hub, client, session } = this;
    // [MQTT-3.10.4-1] [MQTT-3.10.4-6] Each filter that is there, compared character by character.
    const codes = filters.map((filter) =>
      hub.sessions.unsubscribe(session, filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted,
    );
    const removed = filters.filter((_, index) => codes[index] === ReasonCode.Success);
    // [MQTT-3.10.4-4] [MQTT-3.10.4-5] Also when nothing was removed.
    this.#answer(encodeUnsuback(client.protocolVersion, packetId, codes), removed.length > 0, () => {});
    if (removed.length > 0) hub.emit('unsubscribed', { client, topics: removed });
  }

  /** Returns the reason code for SUBACK, and adds to `retained` what sends the topic's retained message. */
  #subscribe(request: SubscriptionRequest, retained: (() => void)[]): number {
    const { hub, client, session } = this;
    let filter: Filter;
    try {
      filter = parseFilter(request.filter, hub.limits);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      hub.log('info', error.message, { clientId: client.clientId });
      return error.reasonCode;
    }
    // [MQTT-3.8.3-4]
    if (filter.shareName !== undefined && client.protocolVersion === 5 && request.noLocal) {
      throw new MqttError(ReasonCode.ProtocolError, 'A shared subscription with No Local is not allowed');
    }
    if (!hub.authorizer.subscribe(client, filter.filter)) {
      hub.log('warn', `Subscribing to "${filter.filter}" is not authorized`, { clientId: client.clientId });
      hub.emit('denied', { client, action: 'subscribe', topic: request.filter });
      return ReasonCode.NotAuthorized;
    }
    const { subscriptions } = session;
    if (!subscriptions.has(request.filter) && subscriptions.size >= hub.limits.subscriptionsPerConnection) {
      return ReasonCode.QuotaExceeded;
    }
    // [MQTT-3.2.2-10] QoS 2 may be asked for; QoS 1 is granted.
    const qos = request.qos === 0 ? 0 : 1;
    const { noLocal, retainAsPublished, retainHandling } = request;
    const record = { filter: request.filter, qos, noLocal, retainAsPublished } as const;
    const existed = hub.sessions.subscribe(session, record, filter);
    // [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] Retain Handling: always, for a new subscription, never.
    const wanted = retainHandling === 0 || (retainHandling === 1 && !existed);
    // AWS IoT sends retained messages neither for filters with wildcards nor for shared subscriptions.
    if (wanted && !filter.wildcard && filter.shareName === undefined) {
      retained.push(() => {
        const message = hub.retained.publication(filter.filter);
        if (message) session.deliver(message, Math.min(message.qos, qos) as 0 | 1, true);
      });
    }
    return qos;
  }

  #answer(answer: Buffer, changed: boolean, then: () => void): void {
    const finish = () => {
      this.connection.write(answer);
      then();
    };
    const kept = changed ? this.session.save() : undefined;
    if (kept) kept.then(finish, (error) => this.connection.fail(error));
    else finish();
  }
}

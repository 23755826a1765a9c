import { encodePuback } from './codec/encode.js';
import type { PublishPacket, Will } from './codec/packets.js';
import type { Client, MessageProperties } from './contract.js';
import { MqttError, ReasonCode } from './errors.js';
import type { Hub } from './hub.js';
import type { BrokerLimits } from './limits.js';
import { Publication } from './publication.js';
import { refusalLevel } from './reasons.js';
import { checkTopicName } from './topic.js';

/** What a client publishes: checks it, hands it to the hub and acknowledges it, in order. */
export class Publishing<P> {
  /** Topics by alias; [MQTT-3.3.2-7] they do not outlive the connection. */
  #aliases: Map<number, string> | undefined;
  /** Acknowledgements in the order of their messages; each is sent when all before it can be. */
  #acks: { readonly packetId: number; readonly reasonCode: number; kept: boolean }[] = [];

  constructor(
    private readonly hub: Hub<P>,
    private readonly client: Client<P>,
    private readonly connection: {
      write(bytes: Buffer): void;
      /** The number of messages without acknowledgement has changed. */
      acknowledged(): void;
      fail(error: unknown): void;
    },
  ) {}

  /** QoS 1 messages that are not acknowledged yet. */
  get unacknowledged(): number {
    return this.#acks.length;
  }

  /** @throws MqttError when the connection is to be closed. */
  receive(packet: PublishPacket): void {
    const { hub, client } = this;
    if (packet.qos === 2) {
      // [MQTT-3.2.2-12] Above the Maximum QoS; with MQTT 3 AWS IoT answers nothing.
      throw new MqttError(ReasonCode.QosNotSupported, 'QoS 2 is not supported');
    }
    // [MQTT-3.3.4-7] A client keeps to the Receive Maximum.
    const inFlight = packet.qos === 1 ? this.#acks.length : 0;
    if (client.protocolVersion === 5 && inFlight >= hub.limits.inboundInFlight) {
      throw new MqttError(
        ReasonCode.ReceiveMaximumExceeded,
        'More messages without PUBACK than Receive Maximum',
      );
    }
    const topic = this.#topicOf(packet);
    if (topic === '' || topic.includes('#') || topic.includes('+')) {
      // [MQTT-3.3.2-2]
      throw new MqttError(ReasonCode.TopicNameInvalid, `"${topic}" is no topic name`);
    }
    if (packet.payload.length > hub.limits.payload) {
      throw new MqttError(
        ReasonCode.PacketTooLarge,
        `The payload of ${packet.payload.length} bytes is larger than the ${hub.limits.payload} allowed`,
      );
    }
    const refusal = this.#refusal(topic, packet);
    if (refusal) {
      this.#refuse(packet, refusal);
      return;
    }
    const publication = inbound(topic, packet, client.clientId, hub.clock.now(), hub.limits);
    const kept = hub.dispatch(publication, client, hub.interceptor(topic));
    if (packet.qos === 1) this.#acknowledge(packet.packetId, ReasonCode.Success, kept);
    // Nothing is promised for QoS 0; that a retained message could not be kept is told by the journal.
    else kept?.catch(() => {});
  }

  #topicOf({ topic, properties: { topicAlias } }: PublishPacket): string {
    if (topicAlias === undefined) return topic;
    // [MQTT-3.3.2-8] [MQTT-3.3.2-9] Not zero and not above the Topic Alias Maximum.
    if (topicAlias === 0 || topicAlias > this.hub.limits.topicAliases) {
      throw new MqttError(ReasonCode.TopicAliasInvalid, `The topic alias ${topicAlias} is not allowed`);
    }
    this.#aliases ??= new Map();
    // [MQTT-3.3.2-12] An alias is set together with its topic and stands for it later.
    if (topic !== '') {
      this.#aliases.set(topicAlias, topic);
      return topic;
    }
    const known = this.#aliases.get(topicAlias);
    if (known === undefined) {
      throw new MqttError(ReasonCode.ProtocolError, `The topic alias ${topicAlias} stands for no topic`);
    }
    return known;
  }

  /** Why a well-formed message is not accepted. */
  #refusal(topic: string, { retain, properties: { responseTopic } }: PublishPacket): MqttError | undefined {
    const { hub, client } = this;
    try {
      checkTopicName(topic, hub.limits);
      // [MQTT-3.3.2-14] No wildcards in a response topic.
      if (responseTopic !== undefined) checkTopicName(responseTopic, hub.limits);
    } catch (error) {
      if (error instanceof MqttError) return error;
      throw error;
    }
    if (!hub.authorizer.publish(client, topic, retain)) {
      hub.emit('denied', { client, action: 'publish', topic });
      return new MqttError(ReasonCode.NotAuthorized, `Publishing to "${topic}" is not authorized`);
    }
    if (!topic.startsWith('$')) return undefined;
    if (retain || !hub.interceptor(topic)) {
      return new MqttError(
        ReasonCode.TopicNameInvalid,
        `The reserved topic "${topic}" takes no such message`,
      );
    }
    return undefined;
  }

  /** MQTT 5 names the reason in PUBACK; where there is none the connection ends, as AWS IoT ends it. */
  #refuse({ qos, packetId }: PublishPacket, refusal: MqttError): void {
    if (this.client.protocolVersion !== 5 || qos === 0) throw refusal;
    const { reasonCode, message } = refusal;
    this.hub.log(refusalLevel(reasonCode), message, { clientId: this.client.clientId, reasonCode });
    this.#acknowledge(packetId, reasonCode, undefined);
  }

  #acknowledge(packetId: number, reasonCode: number, kept: Promise<void> | undefined): void {
    const ack = { packetId, reasonCode, kept: kept === undefined };
    this.#acks.push(ack);
    if (ack.kept) {
      this.#sendAcks();
      return;
    }
    kept?.then(
      () => {
        ack.kept = true;
        this.#sendAcks();
      },
      (error) => this.connection.fail(error),
    );
  }

  #sendAcks(): void {
    // [MQTT-4.6.0-2] PUBACK in the order in which the messages came.
    let count = 0;
    for (const { packetId, reasonCode, kept } of this.#acks) {
      if (!kept) break;
      // [MQTT-2.2.1-5]
      this.connection.write(encodePuback(this.client.protocolVersion, packetId, reasonCode));
      count += 1;
    }
    if (count === 0) return;
    this.#acks = count === this.#acks.length ? [] : this.#acks.slice(count);
    this.connection.acknowledged();
  }
}

/** The message of a PUBLISH or of a will, as subscribers are to get it. */
export function inbound(
  topic: string,
  source: Pick<PublishPacket | Will, 'payload' | 'qos' | 'retain' | 'properties'>,
  publisher: string,
  now: number,
  limits: BrokerLimits,
): Publication {
  const { payload, qos, retain, properties } = source;
  return new Publication(
    topic,
    payload,
    qos === 0 ? 0 : 1,
    retain,
    forwarded(properties),
    expiryOf(properties, now, limits),
    publisher,
  );
}

/**
 * The properties that go to subscribers unaltered: [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16]
 * [MQTT-3.3.2-17] [MQTT-3.3.2-20].
 */
export function forwarded(properties: MessageProperties): MessageProperties {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  return { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties };
}

/** When a message expires; its interval is at least a second (AWS IoT Core, "Message expiry"). */
export function expiryOf(
  { messageExpiryInterval: seconds }: MessageProperties,
  now: number,
  limits: BrokerLimits,
): number | undefined {
  if (seconds === undefined) return undefined;
  return now + Math.min(Math.max(seconds, 1), limits.messageExpiry) * 1000;
}

/**
 * What the broker allows. The defaults are those of AWS IoT Core: its message broker and protocol quotas
 * (https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits, below "quotas") and the
 * page on MQTT (https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html, below "MQTT page"). Where
 * AWS names no number, ours is marked so.
 */
export interface BrokerLimits {
  /** Bytes of a PUBLISH payload: "Message size" 128 KB (quotas). */
  readonly payload: number;
  /** Bytes of a whole control packet, the value of Maximum Packet Size in CONNACK: as AWS IoT Core answers. */
  readonly packet: number;
  /** Bytes of a topic or topic filter in UTF-8: "Topic size" (quotas). */
  readonly topic: number;
  /** Slashes in a topic or topic filter, without those of `$share/{name}/` (quotas; MQTT page). */
  readonly slashes: number;
  /** Bytes of a client id in UTF-8: "Client ID size" (quotas). */
  readonly clientId: number;
  /** Characters of a shared subscription's name (MQTT page, "Shared subscriptions"). */
  readonly shareName: number;
  /** "Subscriptions per connection" (quotas). */
  readonly subscriptionsPerConnection: number;
  /** "Maximum subscriptions per subscribe request" (quotas). */
  readonly filtersPerSubscribe: number;
  /** Seconds; a shorter keep alive is taken for this: "Connection inactivity (keep-alive interval)" (quotas). */
  readonly keepAliveMinimum: number;
  /** Seconds; a longer keep alive, or none, is taken for this (quotas). */
  readonly keepAliveMaximum: number;
  /** Seconds that a persistent session outlives its connection: "Persistent Session expiry period" (quotas). */
  readonly sessionExpiry: number;
  /** Seconds that a message may live, the upper bound of Message Expiry Interval (MQTT page, "Message expiry"). */
  readonly messageExpiry: number;
  /** QoS 1 messages of a client without PUBACK: "Maximum inbound unacknowledged QoS 1 publish requests" (quotas). */
  readonly inboundInFlight: number;
  /** QoS 1 messages to a client without PUBACK: "Maximum outbound unacknowledged QoS 1 publish requests" (quotas). */
  readonly outboundInFlight: number;
  /** Topic aliases in each direction (MQTT page, "Topic aliases"). */
  readonly topicAliases: number;
  /** QoS 1 messages kept for a session or a shared subscription group; further ones are dropped. Ours. */
  readonly queuedMessages: number;
  /** Bytes of payload kept for a session or a shared subscription group. Ours. */
  readonly queuedBytes: number;
  /** Bytes waiting to be sent to one client before QoS 0 messages to it are dropped and it is no longer read. Ours. */
  readonly outgoingBytes: number;
  /** Seconds after which a client that takes none of the bytes waiting for it is disconnected. Ours. */
  readonly stalled: number;
  /** Seconds in which a new connection must have sent its CONNECT. Ours. */
  readonly connectTimeout: number;
}

export const AWS_IOT_CORE_LIMITS: BrokerLimits = Object.freeze({
  payload: 128 * 1024,
  packet: 149_504,
  topic: 256,
  slashes: 7,
  clientId: 128,
  shareName: 128,
  subscriptionsPerConnection: 50,
  filtersPerSubscribe: 8,
  keepAliveMinimum: 30,
  keepAliveMaximum: 1200,
  sessionExpiry: 3600,
  messageExpiry: 604_800,
  inboundInFlight: 100,
  outboundInFlight: 100,
  topicAliases: 8,
  queuedMessages: 10_000,
  queuedBytes: 64 * 1024 * 1024,
  outgoingBytes: 8 * 1024 * 1024,
  stalled: 30,
  connectTimeout: 30,
});

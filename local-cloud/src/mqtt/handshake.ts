import { randomUUID } from 'node:crypto';
import type { ConnectPacket, Properties } from './codec/packets.js';
import { MqttError, ReasonCode } from './errors.js';
import type { BrokerLimits } from './limits.js';
import { checkTopicName, hasControlCharacter } from './topic.js';

/** What CONNECT and CONNACK settle for a connection. */
export interface Terms {
  readonly clientId: string;
  readonly cleanStart: boolean;
  /** Seconds. */
  readonly sessionExpiry: number;
  /** Seconds. */
  readonly keepAlive: number;
  /** QoS 1 messages that may be sent to the client without PUBACK. */
  readonly window: number;
  /** Bytes of the largest packet that the client accepts. */
  readonly largestPacket: number;
  /** Topic aliases that may be used towards the client. */
  readonly topicAliases: number;
}

/** The longest packet that MQTT can express. */
const LARGEST_PACKET = 268_435_460;

/**
 * Checks a CONNECT against what the broker supports.
 *
 * @throws MqttError with the reason code for CONNACK.
 */
export function negotiate(packet: ConnectPacket, limits: BrokerLimits): Terms {
  const { properties, protocolVersion } = packet;
  // [MQTT-4.12.0-1] There is no authentication method that the broker supports.
  if (properties.authenticationMethod !== undefined) {
    throw new MqttError(ReasonCode.BadAuthenticationMethod, 'Enhanced authentication is not supported');
  }
  const clientId = chooseClientId(packet, limits);
  if (packet.will) checkWill(packet.will, limits);
  const requested =
    protocolVersion === 5
      ? (properties.sessionExpiryInterval ?? 0)
      : packet.cleanStart
        ? 0
        : limits.sessionExpiry;
  return {
    clientId,
    cleanStart: packet.cleanStart,
    sessionExpiry: Math.min(requested, limits.sessionExpiry),
    keepAlive: chooseKeepAlive(packet.keepAlive, limits),
    // [MQTT-4.9.0-1] Not above the client's Receive Maximum.
    window: Math.min(properties.receiveMaximum ?? 0xffff, limits.outboundInFlight),
    largestPacket: properties.maximumPacketSize ?? LARGEST_PACKET,
    // [MQTT-3.1.2-26] [MQTT-3.1.2-27] Not above the client's Topic Alias Maximum, none without it.
    topicAliases: Math.min(properties.topicAliasMaximum ?? 0, limits.topicAliases),
  };
}

/** The properties of CONNACK, as AWS IoT Core sends them. */
export function connackProperties(packet: ConnectPacket, terms: Terms, limits: BrokerLimits): Properties {
  const requestedExpiry = packet.properties.sessionExpiryInterval;
  return {
    sessionExpiryInterval:
      requestedExpiry !== undefined && requestedExpiry !== terms.sessionExpiry
        ? terms.sessionExpiry
        : undefined,
    receiveMaximum: limits.inboundInFlight,
    // [MQTT-3.2.2-9] QoS 2 is not supported.
    maximumQos: 1,
    retainAvailable: 1,
    maximumPacketSize: limits.packet,
    // [MQTT-3.1.3-7] The client is told the identifier that it did not choose.
    assignedClientIdentifier: packet.clientId === '' ? terms.clientId : undefined,
    topicAliasMaximum: limits.topicAliases,
    wildcardSubscriptionAvailable: 1,
    subscriptionIdentifierAvailable: 0,
    sharedSubscriptionAvailable: 1,
    serverKeepAlive: terms.keepAlive !== packet.keepAlive ? terms.keepAlive : undefined,
  };
}

function chooseClientId({ clientId, protocolVersion, cleanStart }: ConnectPacket, limits: BrokerLimits) {
  if (clientId === '') {
    // MQTT 3.1 knows no empty identifier; MQTT 3.1.1 only for a clean session [MQTT-3.1.3-8].
    if (protocolVersion === 3 || (protocolVersion === 4 && !cleanStart)) {
      throw invalidClientId('The client identifier is empty, and the session is not clean');
    }
    // [MQTT-3.2.2-16] One that no other session has.
    return `$GEN/${randomUUID()}`;
  }
  if (Buffer.byteLength(clientId) > limits.clientId) {
    throw invalidClientId(`The client identifier is longer than ${limits.clientId} bytes`);
  }
  // AWS IoT reserves identifiers that begin with `$`; `$GEN/` begins those that it assigned itself.
  if ((clientId.startsWith('$') && !clientId.startsWith('$GEN/')) || hasControlCharacter(clientId)) {
    throw invalidClientId('The client identifier begins with "$" or has a control character');
  }
  return clientId;
}

function checkWill(will: NonNullable<ConnectPacket['will']>, limits: BrokerLimits): void {
  // [MQTT-3.2.2-12]
  if (will.qos === 2) throw new MqttError(ReasonCode.QosNotSupported, 'The QoS of the will is 2');
  checkTopicName(will.topic, limits);
  if (will.topic.startsWith('$')) {
    throw new MqttError(ReasonCode.TopicNameInvalid, `The will's topic "${will.topic}" is reserved`);
  }
  if (will.payload.length > limits.payload) {
    throw new MqttError(ReasonCode.QuotaExceeded, `The will is larger than ${limits.payload} bytes`);
  }
}

function chooseKeepAlive(requested: number, limits: BrokerLimits): number {
  if (requested === 0) return limits.keepAliveMaximum;
  return Math.min(Math.max(requested, limits.keepAliveMinimum), limits.keepAliveMaximum);
}

function invalidClientId(message: string): MqttError {
  return new MqttError(ReasonCode.ClientIdentifierNotValid, message);
}

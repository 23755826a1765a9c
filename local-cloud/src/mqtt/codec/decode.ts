import type { ProtocolVersion } from '../contract.js';
import { MqttError, ReasonCode } from '../errors.js';
import { Cursor, malformed, protocolError } from './cursor.js';
import type { Frame } from './framing.js';
import {
  type ClientPacket,
  type ConnectPacket,
  type DisconnectPacket,
  PacketType,
  type PubackPacket,
  type PublishPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
  type Will,
} from './packets.js';
import { NO_PROPERTIES, type PropertyPlace, readProperties } from './properties.js';

/**
 * Reads a control packet of a client; `version` is that of its CONNECT (any for a CONNECT itself).
 *
 * @throws MqttError with the reason code for the DISCONNECT that ends the connection.
 */
export function decode({ first, body }: Frame, version: ProtocolVersion): ClientPacket {
  const type = first >> 4;
  if (type === PacketType.Publish) return decodePublish(first, body, version);
  // [MQTT-2.1.3-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] Reserved flags have the values given for them.
  const flags = type === PacketType.Subscribe || type === PacketType.Unsubscribe ? 0b0010 : 0;
  if ((first & 0x0f) !== flags && type !== PacketType.Pubrel) {
    throw malformed('The reserved flags of the fixed header are not what they must be');
  }
  const cursor = new Cursor(body);
  const packet = decodeBody(type, cursor, version);
  if (cursor.left > 0) throw malformed('There are bytes behind the end of the packet');
  return packet;
}

function decodeBody(type: number, cursor: Cursor, version: ProtocolVersion): ClientPacket {
  switch (type) {
    case PacketType.Connect:
      return decodeConnect(cursor);
    case PacketType.Puback:
      return decodePuback(cursor, version);
    case PacketType.Subscribe:
      return decodeSubscribe(cursor, version);
    case PacketType.Unsubscribe:
      return decodeUnsubscribe(cursor, version);
    case PacketType.Pingreq:
      return { type };
    case PacketType.Disconnect:
      return decodeDisconnect(cursor, version);
    case PacketType.Pubrec:
    case PacketType.Pubrel:
    case PacketType.Pubcomp:
    case PacketType.Auth:
      throw protocolError('PUBREC, PUBREL, PUBCOMP and AUTH are not supported');
    default:
      throw protocolError(`A client does not send packets of type ${type}`);
  }
}

function decodeConnect(cursor: Cursor): ConnectPacket {
  const name = cursor.string();
  const level = cursor.byte();
  const supported = name === 'MQTT' ? level === 4 || level === 5 : name === 'MQIsdp' && level === 3;
  // [MQTT-3.1.2-1] [MQTT-3.1.2-2] Another protocol or version ends the connection.
  if (!supported) {
    throw new MqttError(
      ReasonCode.UnsupportedProtocolVersion,
      `The protocol ${JSON.stringify(name.slice(0, 20))} of level ${level} is not MQTT 3.1, 3.1.1 or 5`,
    );
  }
  const protocolVersion = level as ProtocolVersion;
  const flags = cursor.byte();
  // [MQTT-3.1.2-3] The reserved flag is zero.
  if ((flags & 0x01) !== 0) throw malformed('The reserved flag of CONNECT is set');
  const willQos = (flags >> 3) & 0x03;
  // [MQTT-3.1.2-12] A will's QoS is 0, 1 or 2.
  if (willQos === 3) throw malformed('The QoS of the will is 3');
  // [MQTT-3.1.2-11] [MQTT-3.1.2-13] Without a will its QoS and retain flag are zero.
  if ((flags & 0x04) === 0 && (flags & 0x38) !== 0) {
    throw malformed('CONNECT has a QoS or retain flag for a will but no will');
  }
  // MQTT 3.1.1 allows a password only with a user name; MQTT 5 lifted that.
  if (protocolVersion !== 5 && (flags & 0xc0) === 0x40) {
    throw malformed('CONNECT has a password but no user name');
  }
  const keepAlive = cursor.uint16();
  const properties = protocolVersion === 5 ? readProperties(cursor, 'connect') : NO_PROPERTIES;
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError('CONNECT has authentication data without a method');
  }
  // [MQTT-3.1.3-3] [MQTT-3.1.3-4] The client identifier comes first, in UTF-8.
  const clientId = cursor.string();
  let will: Will | undefined;
  if ((flags & 0x04) !== 0) {
    const willProperties = protocolVersion === 5 ? readProperties(cursor, 'will') : NO_PROPERTIES;
    will = {
      properties: willProperties,
      topic: cursor.string(),
      payload: cursor.binary(),
      qos: willQos as 0 | 1 | 2,
      retain: (flags & 0x20) !== 0,
    };
  }
  const username = (flags & 0x80) !== 0 ? cursor.string() : undefined;
  // [MQTT-3.1.2-19]
  const password = (flags & 0x40) !== 0 ? cursor.binary() : undefined;
  const cleanStart = (flags & 0x02) !== 0;
  return {
    type: PacketType.Connect,
    protocolVersion,
    cleanStart,
    keepAlive,
    clientId,
    will,
    username,
    password,
    properties,
  };
}

function decodePublish(first: number, body: Buffer, version: ProtocolVersion): PublishPacket {
  const qos = (first >> 1) & 0x03;
  const dup = (first & 0x08) !== 0;
  // [MQTT-3.3.1-4] Not both bits of the QoS.
  if (qos === 3) throw malformed('The QoS of PUBLISH is 3');
  // [MQTT-3.3.1-2] DUP is zero for QoS 0.
  if (dup && qos === 0) throw malformed('PUBLISH with QoS 0 has the DUP flag');
  const cursor = new Cursor(body);
  // [MQTT-3.3.2-1]
  const topic = cursor.string();
  const packetId = qos > 0 ? readPacketId(cursor) : 0;
  const properties = version === 5 ? readProperties(cursor, 'publish') : NO_PROPERTIES;
  return {
    type: PacketType.Publish,
    topic,
    packetId,
    properties,
    payload: cursor.take(cursor.left),
    qos: qos as 0 | 1 | 2,
    retain: (first & 0x01) !== 0,
    dup,
  };
}

function decodePuback(cursor: Cursor, version: ProtocolVersion): PubackPacket {
  const packetId = readPacketId(cursor);
  const reasonCode = version === 5 ? readReason(cursor, 'puback').reasonCode : 0;
  return { type: PacketType.Puback, packetId, reasonCode };
}

function decodeSubscribe(cursor: Cursor, version: ProtocolVersion): SubscribePacket {
  const packetId = readPacketId(cursor);
  const properties = version === 5 ? readProperties(cursor, 'subscribe') : NO_PROPERTIES;
  const subscriptions: SubscriptionRequest[] = [];
  while (cursor.left > 0) {
    // [MQTT-3.8.3-1]
    const filter = cursor.string();
    const options = cursor.byte();
    const retainHandling = (options >> 4) & 0x03;
    // [MQTT-3.8.3-5] Reserved bits are zero; so is what only MQTT 5 defines.
    if ((options & (version === 5 ? 0xc0 : 0xfc)) !== 0) {
      throw malformed('The reserved bits of a subscription are not zero');
    }
    if ((options & 0x03) === 3) throw malformed('The QoS of a subscription is 3');
    if (retainHandling === 3) throw protocolError('The retain handling of a subscription is 3');
    subscriptions.push({
      filter,
      qos: (options & 0x03) as 0 | 1 | 2,
      noLocal: (options & 0x04) !== 0,
      retainAsPublished: (options & 0x08) !== 0,
      retainHandling: retainHandling as 0 | 1 | 2,
    });
  }
  // [MQTT-3.8.3-2] At least one topic filter.
  if (subscriptions.length === 0) throw protocolError('SUBSCRIBE names no topic filter');
  return { type: PacketType.Subscribe, packetId, subscriptions, properties };
}

function decodeUnsubscribe(cursor: Cursor, version: ProtocolVersion): UnsubscribePacket {
  const packetId = readPacketId(cursor);
  if (version === 5) readProperties(cursor, 'unsubscribe');
  const filters: string[] = [];
  // [MQTT-3.10.3-1]
  while (cursor.left > 0) filters.push(cursor.string());
  // [MQTT-3.10.3-2] At least one topic filter.
  if (filters.length === 0) throw protocolError('UNSUBSCRIBE names no topic filter');
  return { type: PacketType.Unsubscribe, packetId, filters };
}

function decodeDisconnect(cursor: Cursor, version: ProtocolVersion): DisconnectPacket {
  if (version !== 5) return { type: PacketType.Disconnect, reasonCode: 0, properties: NO_PROPERTIES };
  return { type: PacketType.Disconnect, ...readReason(cursor, 'disconnect') };
}

/** The reason code may be left out, and behind it the properties. */
function readReason(cursor: Cursor, place: PropertyPlace) {
  const reasonCode = cursor.left > 0 ? cursor.byte() : 0;
  const properties = cursor.left > 0 ? readProperties(cursor, place) : NO_PROPERTIES;
  return { reasonCode, properties };
}

function readPacketId(cursor: Cursor): number {
  const packetId = cursor.uint16();
  // [MQTT-2.2.1-3] Packet identifiers are not zero.
  if (packetId === 0) throw protocolError('The packet identifier is zero');
  return packetId;
}

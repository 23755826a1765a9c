import type { ProtocolVersion } from '../contract.js';
import { PacketType, type Properties } from './packets.js';
import { NO_PROPERTIES, variableByteInteger, writeProperties } from './properties.js';

/** Writes the control packets of a server. */

/** A `reasonCode` is MQTT 5's; `returnCode` is what MQTT 3 is told instead. */
export function encodeConnack(
  version: ProtocolVersion,
  answer: { sessionPresent: boolean; reasonCode: number; returnCode: number; properties?: Properties },
): Buffer {
  // [MQTT-3.2.2-1] No other flag than Session Present.
  const flags = answer.sessionPresent ? 1 : 0;
  if (version !== 5) return Buffer.of(PacketType.Connack << 4, 2, flags, answer.returnCode);
  return packet(
    PacketType.Connack,
    Buffer.of(flags, answer.reasonCode),
    writeProperties(answer.properties ?? NO_PROPERTIES),
  );
}

export interface PublishHead {
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties: Properties;
  /** Bytes of the payload, which follows what is written here. */
  readonly payloadLength: number;
}

/** All of a PUBLISH that stands in front of its payload; the packet identifier is at `packetIdAt`, still zero. */
export interface EncodedHead {
  readonly bytes: Buffer;
  readonly packetIdAt: number;
}

export function encodePublishHead(version: ProtocolVersion, publish: PublishHead): EncodedHead {
  const topicLength = Buffer.byteLength(publish.topic);
  // [MQTT-2.2.1-2] No packet identifier with QoS 0.
  const idLength = publish.qos > 0 ? 2 : 0;
  const properties = version === 5 ? writeProperties(publish.properties) : undefined;
  const variableLength = 2 + topicLength + idLength + (properties?.length ?? 0);
  const remaining = variableByteInteger(variableLength + publish.payloadLength);
  const bytes = Buffer.allocUnsafe(1 + remaining.length + variableLength);
  bytes[0] = (PacketType.Publish << 4) | (publish.qos << 1) | (publish.retain ? 1 : 0);
  bytes.set(remaining, 1);
  let at = 1 + remaining.length;
  bytes[at] = topicLength >> 8;
  bytes[at + 1] = topicLength & 0xff;
  bytes.write(publish.topic, at + 2);
  at += 2 + topicLength;
  const packetIdAt = at;
  if (idLength > 0) bytes.fill(0, at, at + 2);
  if (properties) bytes.set(properties, at + idLength);
  return { bytes, packetIdAt };
}

/** The bit of DUP in the first byte of a PUBLISH. */
export const DUP_FLAG = 0x08;

export function encodePuback(version: ProtocolVersion, packetId: number, reasonCode: number): Buffer {
  const id = packetId & 0xff;
  // The reason code may be left out when it is Success (section 3.4.2.1).
  if (version !== 5 || reasonCode === 0) return Buffer.of(PacketType.Puback << 4, 2, packetId >> 8, id);
  return Buffer.of(PacketType.Puback << 4, 3, packetId >> 8, id, reasonCode);
}

export function encodeSuback(version: ProtocolVersion, packetId: number, codes: readonly number[]): Buffer {
  return packet(
    PacketType.Suback,
    uint16(packetId),
    version === 5 ? writeProperties(NO_PROPERTIES) : NOTHING,
    // [MQTT-3.9.3-1] One code for each topic filter, in their order; MQTT 3 has one code for every failure.
    Buffer.from(version === 5 ? codes : codes.map((code) => Math.min(code, 0x80))),
  );
}

export function encodeUnsuback(version: ProtocolVersion, packetId: number, codes: readonly number[]): Buffer {
  if (version !== 5) return packet(PacketType.Unsuback, uint16(packetId));
  // [MQTT-3.11.3-1]
  return packet(PacketType.Unsuback, uint16(packetId), writeProperties(NO_PROPERTIES), Buffer.from(codes));
}

export const PINGRESP = Buffer.of(PacketType.Pingresp << 4, 0);

/** A DISCONNECT of the server, which only MQTT 5 has. */
export function encodeDisconnect(reasonCode: number, properties: Properties = NO_PROPERTIES): Buffer {
  return packet(PacketType.Disconnect, Buffer.of(reasonCode), writeProperties(properties));
}

const NOTHING = Buffer.alloc(0);

function packet(type: number, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.of(type << 4), variableByteInteger(length), ...parts]);
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

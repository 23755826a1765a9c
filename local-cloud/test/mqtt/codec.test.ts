import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { decode } from '../../src/mqtt/codec/decode.js';
import {
  encodeConnack,
  encodeDisconnect,
  encodePuback,
  encodePublishHead,
  encodeSuback,
  encodeUnsuback,
  PINGRESP,
} from '../../src/mqtt/codec/encode.js';
import { FrameReader } from '../../src/mqtt/codec/framing.js';
import type { ClientPacket } from '../../src/mqtt/codec/packets.js';
import { MqttError, ReasonCode } from '../../src/mqtt/errors.js';

/** Cuts and reads bytes as a connection does. */
function read(chunks: Buffer[], version: 3 | 4 | 5 = 5, largest = 149_504): ClientPacket[] {
  const reader = new FrameReader(largest);
  const packets: ClientPacket[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame; frame = reader.next()) packets.push(decode(frame, version));
  }
  return packets;
}

const generate = (packet: Packet, protocolVersion: 3 | 4 | 5 = 5) =>
  mqttPacket.generate(packet, { protocolVersion });

const messageProperties = {
  payloadFormatIndicator: true,
  messageExpiryInterval: 70_000,
  contentType: 'text/plain',
  responseTopic: 'r/é',
  correlationData: Buffer.of(0, 255),
  userProperties: { a: '1', b: ['2', '3'] },
};
const forwardedProperties = {
  ...messageProperties,
  payloadFormatIndicator: 1,
  userProperties: [
    ['a', '1'],
    ['b', '2'],
    ['b', '3'],
  ],
};

const samples: [name: string, version: 3 | 4 | 5, Packet, expected: object][] = [
  [
    'CONNECT of MQTT 5',
    5,
    {
      cmd: 'connect',
      protocolVersion: 5,
      clientId: 'c',
      clean: false,
      keepalive: 300,
      username: 'u',
      password: Buffer.from('p'),
      will: {
        topic: 'w',
        payload: Buffer.from('gone'),
        qos: 1,
        retain: true,
        properties: { willDelayInterval: 5, ...messageProperties },
      },
      properties: {
        sessionExpiryInterval: 7,
        receiveMaximum: 9,
        maximumPacketSize: 1000,
        topicAliasMaximum: 3,
        requestProblemInformation: false,
        userProperties: { k: 'v' },
      },
    },
    {
      type: 1,
      protocolVersion: 5,
      clientId: 'c',
      cleanStart: false,
      keepAlive: 300,
      username: 'u',
      password: Buffer.from('p'),
      will: {
        topic: 'w',
        payload: Buffer.from('gone'),
        qos: 1,
        retain: true,
        properties: { willDelayInterval: 5, ...forwardedProperties },
      },
      properties: {
        sessionExpiryInterval: 7,
        receiveMaximum: 9,
        maximumPacketSize: 1000,
        topicAliasMaximum: 3,
        requestProblemInformation: 0,
        userProperties: [['k', 'v']],
      },
    },
  ],
  [
    'CONNECT of MQTT 3.1.1',
    4,
    { cmd: 'connect', protocolVersion: 4, clientId: 'c', clean: true, keepalive: 0 },
    {
      type: 1,
      protocolVersion: 4,
      clientId: 'c',
      cleanStart: true,
      keepAlive: 0,
      will: undefined,
      username: undefined,
      password: undefined,
    },
  ],
  [
    'CONNECT of MQTT 3.1',
    3,
    { cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clientId: 'c', clean: true, keepalive: 1 },
    { type: 1, protocolVersion: 3, clientId: 'c' },
  ],
  [
    'PUBLISH with everything',
    5,
    {
      cmd: 'publish',
      topic: 'a/b',
      payload: Buffer.from('x'),
      qos: 1,
      dup: true,
      retain: true,
      messageId: 513,
      properties: { topicAlias: 2, ...messageProperties },
    },
    {
      type: 3,
      topic: 'a/b',
      payload: Buffer.from('x'),
      qos: 1,
      dup: true,
      retain: true,
      packetId: 513,
      properties: { topicAlias: 2, ...forwardedProperties },
    },
  ],
  [
    'PUBLISH of MQTT 3.1.1 without payload',
    4,
    { cmd: 'publish', topic: 'a', payload: '', qos: 0, dup: false, retain: false },
    // [MQTT-2.2.1-2]
    { type: 3, topic: 'a', payload: Buffer.alloc(0), qos: 0, packetId: 0, properties: {} },
  ],
  [
    'PUBACK',
    5,
    { cmd: 'puback', messageId: 7, reasonCode: 0x87 },
    { type: 4, packetId: 7, reasonCode: 0x87 },
  ],
  ['PUBACK of MQTT 3.1.1', 4, { cmd: 'puback', messageId: 7 }, { type: 4, packetId: 7, reasonCode: 0 }],
  [
    'SUBSCRIBE',
    5,
    {
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: [
        { topic: 'a', qos: 1, nl: true, rap: true, rh: 2 },
        { topic: 'b', qos: 0, nl: false, rap: false, rh: 0 },
      ],
      properties: { subscriptionIdentifier: 300 },
    },
    {
      type: 8,
      packetId: 3,
      properties: { subscriptionIdentifier: 300 },
      subscriptions: [
        { filter: 'a', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { filter: 'b', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ],
    },
  ],
  [
    'UNSUBSCRIBE',
    4,
    { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['a', 'b'] },
    { type: 10, packetId: 3, filters: ['a', 'b'] },
  ],
  ['PINGREQ', 4, { cmd: 'pingreq' }, { type: 12 }],
  [
    'DISCONNECT',
    5,
    { cmd: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 9 } },
    { type: 14, reasonCode: 4, properties: { sessionExpiryInterval: 9 } },
  ],
  ['DISCONNECT of MQTT 3.1.1', 4, { cmd: 'disconnect' }, { type: 14, reasonCode: 0 }],
];

describe('what mqtt-packet writes is read', () => {
  test.each(samples)('%s', (_, version, packet, expected) => {
    expect(read([generate(packet, version)], version)).toMatchObject([expected]);
  });

  test.each(samples)('%s, split at every byte', (_, version, packet, expected) => {
    const bytes = Buffer.concat([generate(packet, version), generate(packet, version)]);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(read([bytes.subarray(0, at), bytes.subarray(at)], version)).toMatchObject([expected, expected]);
    }
    const single = [...bytes].map((byte) => Buffer.of(byte));
    expect(read(single, version)).toMatchObject([expected, expected]);
  });
});

describe('what is written is read by mqtt-packet', () => {
  const parse = (bytes: Buffer, protocolVersion: 4 | 5) => {
    const parser = mqttPacket.parser({ protocolVersion });
    const packets: Packet[] = [];
    parser.on('packet', (packet) => packets.push(packet));
    parser.on('error', (error) => {
      throw error;
    });
    parser.parse(bytes);
    return packets;
  };
  const answer = { sessionPresent: true, reasonCode: 0, returnCode: 0 };
  const properties = {
    receiveMaximum: 100,
    maximumQos: 1,
    assignedClientIdentifier: 'x',
    serverKeepAlive: 30,
    sessionExpiryInterval: 70_000,
    maximumPacketSize: 149_504,
  };

  test.each<[string, 4 | 5, Buffer, object]>([
    // [MQTT-3.2.2-1]
    [
      'CONNACK',
      5,
      encodeConnack(5, { ...answer, properties }),
      {
        cmd: 'connack',
        sessionPresent: true,
        reasonCode: 0,
        properties: {
          receiveMaximum: 100,
          maximumQoS: 1,
          assignedClientIdentifier: 'x',
          serverKeepAlive: 30,
          sessionExpiryInterval: 70_000,
          maximumPacketSize: 149_504,
        },
      },
    ],
    [
      'CONNACK of MQTT 3.1.1',
      4,
      encodeConnack(4, { ...answer, sessionPresent: false, returnCode: 5 }),
      { cmd: 'connack', sessionPresent: false, returnCode: 5 },
    ],
    ['PUBACK', 5, encodePuback(5, 513, 0x87), { cmd: 'puback', messageId: 513, reasonCode: 0x87 }],
    ['PUBACK of success', 5, encodePuback(5, 513, 0), { cmd: 'puback', messageId: 513, reasonCode: 0 }],
    ['PUBACK of MQTT 3.1.1', 4, encodePuback(4, 513, 0), { cmd: 'puback', messageId: 513 }],
    ['SUBACK', 5, encodeSuback(5, 3, [0, 1, 0x87]), { cmd: 'suback', messageId: 3, granted: [0, 1, 0x87] }],
    [
      'SUBACK of MQTT 3.1.1',
      4,
      encodeSuback(4, 3, [0, 1, 0x87]),
      { cmd: 'suback', messageId: 3, granted: [0, 1, 0x80] },
    ],
    ['UNSUBACK', 5, encodeUnsuback(5, 3, [0, 0x11]), { cmd: 'unsuback', messageId: 3, granted: [0, 0x11] }],
    ['UNSUBACK of MQTT 3.1.1', 4, encodeUnsuback(4, 3, [0, 0x11]), { cmd: 'unsuback', messageId: 3 }],
    ['PINGRESP', 4, PINGRESP, { cmd: 'pingresp' }],
    [
      'DISCONNECT',
      5,
      encodeDisconnect(0x8e, { reasonString: 'why' }),
      { cmd: 'disconnect', reasonCode: 0x8e, properties: { reasonString: 'why' } },
    ],
  ])('%s', (_, version, bytes, expected) => {
    expect(parse(bytes, version)).toMatchObject([expected]);
  });

  test('PUBLISH of any size, with any properties', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => !s.includes('\0'));
    const arbitrary = fc.record({
      topic: text.filter((topic) => topic !== ''),
      qos: fc.constantFrom(0 as const, 1 as const),
      retain: fc.boolean(),
      payload: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(20_000))),
      properties: fc.record(
        {
          contentType: text,
          correlationData: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
          messageExpiryInterval: fc.nat(),
          topicAlias: fc.integer({ min: 1, max: 65_535 }),
        },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(4 as const, 5 as const), (sample, version) => {
        const { payload, ...rest } = sample;
        const head = encodePublishHead(version, { ...rest, payloadLength: payload.length });
        if (rest.qos === 1) head.bytes.writeUInt16BE(513, head.packetIdAt);
        const [packet] = parse(Buffer.concat([head.bytes, payload]), version);
        expect(packet).toMatchObject({
          cmd: 'publish',
          topic: rest.topic,
          qos: rest.qos,
          retain: rest.retain,
        });
        expect(packet).toMatchObject(rest.qos === 1 ? { messageId: 513 } : {});
        if (packet?.cmd === 'publish') expect(Buffer.compare(Buffer.from(packet.payload), payload)).toBe(0);
        if (version === 5)
          expect({ ...(packet as { properties?: object }).properties }).toMatchObject(rest.properties);
      }),
    );
  });
});

describe('what is malformed is refused', () => {
  const connect = (...body: number[]) => [0x10, body.length, ...body];
  const mqtt5 = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5];
  const malformed = ReasonCode.MalformedPacket;
  const protocol = ReasonCode.ProtocolError;

  test.each<[string, number[], number]>([
    ['[MQTT-1.5.5-1] a length longer than needed', [0xc0, 0x80, 0x00], malformed],
    ['a length of five bytes', [0xc0, 0x80, 0x80, 0x80, 0x80, 0x01], malformed],
    ['[MQTT-1.5.5-1] a property length longer than needed', [0x30, 6, 0, 1, 0x61, 0x80, 0x00, 0], malformed],
    ['[MQTT-2.1.3-1] flags of PINGREQ', [0xc1, 0], malformed],
    ['[MQTT-3.8.1-1] flags of SUBSCRIBE', [0x80, 7, 0, 1, 0, 0, 1, 0x61, 0], malformed],
    ['[MQTT-3.10.1-1] flags of UNSUBSCRIBE', [0xa0, 6, 0, 1, 0, 0, 1, 0x61], malformed],
    ['[MQTT-3.14.1-1] flags of DISCONNECT', [0xe1, 0], malformed],
    ['type 0', [0x00, 0], protocol],
    ['a packet of a server', [0x20, 2, 0, 0], protocol],
    ['AUTH', [0xf0, 0], protocol],
    ['PUBREL', [0x62, 2, 0, 1], protocol],
    ['bytes behind the end', [0xc0, 1, 0], malformed],
    ['[MQTT-1.5.4-1] a surrogate in UTF-8', [0x30, 7, 0, 3, 0xed, 0xa0, 0x80, 0, 0], malformed],
    ['[MQTT-3.3.2-1] a topic that is not UTF-8', [0x30, 5, 0, 1, 0xff, 0, 0], malformed],
    ['[MQTT-3.8.3-1] a filter that is not UTF-8', [0x82, 7, 0, 1, 0, 0, 1, 0xff, 0], malformed],
    ['[MQTT-3.10.3-1] a filter to unsubscribe that is not UTF-8', [0xa2, 6, 0, 1, 0, 0, 1, 0xff], malformed],
    ['[MQTT-1.5.4-2] U+0000', [0x30, 5, 0, 1, 0x00, 0, 0], malformed],
    ['a string longer than its packet', [0x30, 4, 0, 9, 0x61, 0], malformed],
    ['[MQTT-3.3.1-4] QoS 3', [0x36, 6, 0, 1, 0x61, 0, 1, 0], malformed],
    ['[MQTT-3.3.1-2] DUP with QoS 0', [0x38, 4, 0, 1, 0x61, 0], malformed],
    ['[MQTT-2.2.1-3] packet identifier 0', [0x32, 6, 0, 1, 0x61, 0, 0, 0], protocol],
    ['[MQTT-3.8.3-2] SUBSCRIBE without filter', [0x82, 3, 0, 1, 0], protocol],
    ['[MQTT-3.8.3-5] reserved bits of a subscription', [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0x40], malformed],
    ['QoS 3 of a subscription', [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0x03], malformed],
    ['retain handling 3', [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0x30], protocol],
    ['[MQTT-3.10.3-2] UNSUBSCRIBE without filter', [0xa2, 3, 0, 1, 0], protocol],
    ['an unknown property', [0x30, 6, 0, 1, 0x61, 2, 0x7f, 0], malformed],
    ['a property of another packet', [0x30, 7, 0, 1, 0x61, 3, 0x21, 0, 1], protocol],
    ['a property twice', [0x30, 8, 0, 1, 0x61, 4, 0x01, 1, 0x01, 1], protocol],
    ['a property with a wrong value', [0x30, 6, 0, 1, 0x61, 2, 0x01, 2], protocol],
    ['properties longer than the packet', [0x30, 5, 0, 1, 0x61, 9, 0x01], malformed],
    [
      '[MQTT-3.1.2-1] another protocol',
      connect(0, 4, 0x4d, 0x51, 0x54, 0x55, 5, 2, 0, 0, 0, 0, 0),
      ReasonCode.UnsupportedProtocolVersion,
    ],
    [
      '[MQTT-3.1.2-2] another version',
      connect(0, 4, 0x4d, 0x51, 0x54, 0x54, 6, 2, 0, 0, 0, 0, 0),
      ReasonCode.UnsupportedProtocolVersion,
    ],
    ['[MQTT-3.1.2-3] the reserved flag of CONNECT', connect(...mqtt5, 3, 0, 0, 0, 0, 0), malformed],
    ['[MQTT-3.1.2-11] QoS without will', connect(...mqtt5, 0x0a, 0, 0, 0, 0, 0), malformed],
    ['[MQTT-3.1.2-12] QoS 3 of the will', connect(...mqtt5, 0x1e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), malformed],
    ['[MQTT-3.1.2-13] retain without will', connect(...mqtt5, 0x22, 0, 0, 0, 0, 0), malformed],
    ['[MQTT-3.1.3-3] no client identifier', connect(...mqtt5, 2, 0, 0, 0), malformed],
    [
      '[MQTT-3.1.3-4] a client identifier that is not UTF-8',
      connect(...mqtt5, 2, 0, 0, 0, 0, 1, 0xff),
      malformed,
    ],
    ['[MQTT-3.1.2-19] a password flag without password', connect(...mqtt5, 0x42, 0, 0, 0, 0, 0), malformed],
    ['authentication data without method', connect(...mqtt5, 2, 0, 0, 4, 0x16, 0, 1, 0, 0, 0), protocol],
    [
      'MQTT 3.1.1 with a password and no user name',
      connect(0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0x42, 0, 0, 0, 0, 0, 0),
      malformed,
    ],
  ])('%s', (_, bytes, reasonCode) => {
    expect(() => read([Buffer.from(bytes)])).toThrow(
      expect.objectContaining({ name: 'MqttError', reasonCode }),
    );
  });

  test('[MQTT-3.2.2-15] a packet above the limit is refused by its length alone', () => {
    const header = Buffer.of(0x30, 0xff, 0xff, 0x03);
    expect(() => read([header], 5, 1000)).toThrow(
      expect.objectContaining({ reasonCode: ReasonCode.PacketTooLarge }),
    );
  });
});

describe('fuzz', () => {
  const onlyMqttErrors = (chunks: Buffer[], version: 3 | 4 | 5) => {
    try {
      read(chunks, version);
    } catch (error) {
      expect(error).toBeInstanceOf(MqttError);
    }
  };
  const version = fc.constantFrom(3 as const, 4 as const, 5 as const);

  test('random bytes', () => {
    const chunk = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
    fc.assert(fc.property(fc.array(chunk, { maxLength: 4 }), version, onlyMqttErrors), { numRuns: 2000 });
  });

  test('packets of every type with random bodies', () => {
    const packet = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 60 }))
      .map(([first, body]) => [Buffer.of(first, body.length), Buffer.from(body)]);
    fc.assert(fc.property(packet, version, onlyMqttErrors), { numRuns: 2000 });
  });

  test('valid packets with a few bytes changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(change, { maxLength: 4 }),
        ([, v, packet], changes) => {
          const bytes = generate(packet, v);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          onlyMqttErrors([bytes], v);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

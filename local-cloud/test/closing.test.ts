import { once } from 'node:events';
import { connect } from 'node:net';
import mqtt from 'mqtt';
import { expect, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../src/local-cloud.js';
import { temporaryDirectory } from './iot/cloud.js';
import { atEnd } from './support/at-end.js';
import { startCloud } from './support/cloud.js';
import { presigned } from './support/mqtt-over-websocket.js';

const account = { accessKeyId: 'test', secretAccessKey: 'test' };

/** A client of MQTT 5 over WebSocket. */
async function connectOverWebSocket(cloud: LocalCloud, clientId: string, will?: mqtt.IClientOptions['will']) {
  const options = { clientId, protocolVersion: 5, reconnectPeriod: 0, ...(will && { will }) } as const;
  const client = await mqtt.connectAsync(await presigned(cloud, account), options, false);
  atEnd(() => client.end(true));
  return client;
}

test('closing ends whatever is connected: clients are told, wills are not published', async () => {
  const directory = temporaryDirectory();
  atEnd(() => directory.remove());
  const settings = { stateDirectory: directory.path, ports: { http: 0, mqtt: 0, https: 0 } };
  const cloud = await startLocalCloud(settings);
  atEnd(() => cloud.close());
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: true } as const;
  const client = await connectOverWebSocket(cloud, 'ws', will);
  const disconnected = new Promise<mqtt.IDisconnectPacket>((resolve) => client.once('disconnect', resolve));
  // Connections that say nothing, not even a TLS handshake.
  const silent = Object.values(cloud.ports).map((port) => connect(port, '127.0.0.1'));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  const closed = silent.map((socket) => once(socket, 'close'));
  await cloud.close();
  await Promise.all(closed);
  // Server shutting down, or the like: MQTT 5 section 3.14.2.1.
  const { reasonCode } = await disconnected;
  expect(reasonCode).toBeGreaterThanOrEqual(0x80);

  const again = await startCloud({ stateDirectory: directory.path });
  const reader = await connectOverWebSocket(again, 'reader');
  const topics: string[] = [];
  reader.on('message', (topic) => topics.push(topic));
  await reader.subscribeAsync(['will', 'end'], { qos: 1 });
  const ended = new Promise((resolve) => reader.once('message', resolve));
  await reader.publishAsync('end', 'x', { qos: 1 });
  await ended;
  expect(topics).toEqual(['end']);
});

/**
 * An MQTT broker in a process of its own, to be killed. It takes mutual TLS (any client of the CA), MQTT 3.1.1
 * and 5, and speaks to its parent in lines of JSON: `{"event":"listening","port"}`, `{"event":"connect","clientId",
 * "certificate"}`, `{"event":"publish",…}` for each message that arrives, written before it is acknowledged, and
 * `{"event":"subscribe","clientId","filter"}`. A line `{"topic","payload"}` on its input is sent to subscribers.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createServer } from 'node:tls';
import mqttPacket from 'mqtt-packet';

const options = JSON.parse(process.argv[2]);
const connections = new Set();
// Synchronously: what was acknowledged was said before, even when the process is killed right after.
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

function matches(filter, topic) {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  return (
    wanted.every((level, index) => level === '#' || level === '+' || level === levels[index]) &&
    (wanted.at(-1) === '#' || wanted.length === levels.length)
  );
}

function handle(connection, packet) {
  const write = (reply) =>
    connection.socket.write(mqttPacket.generate(reply, { protocolVersion: connection.version }));
  switch (packet.cmd) {
    case 'connect':
      for (const other of connections) if (other.clientId === packet.clientId) other.socket.destroy();
      connection.version = packet.protocolVersion;
      connection.clientId = packet.clientId;
      connections.add(connection);
      write({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false });
      say({
        event: 'connect',
        clientId: packet.clientId,
        certificate: connection.socket.getPeerX509Certificate()?.fingerprint256,
      });
      break;
    case 'subscribe':
      for (const { topic } of packet.subscriptions) connection.filters.add(topic);
      write({
        cmd: 'suback',
        messageId: packet.messageId,
        granted: packet.subscriptions.map(({ qos }) => Math.min(qos, 1)),
      });
      for (const { topic } of packet.subscriptions)
        say({ event: 'subscribe', clientId: connection.clientId, filter: topic });
      break;
    case 'unsubscribe':
      for (const filter of packet.unsubscriptions) connection.filters.delete(filter);
      write({ cmd: 'unsuback', messageId: packet.messageId, granted: packet.unsubscriptions.map(() => 0) });
      break;
    case 'publish':
      say({
        event: 'publish',
        clientId: connection.clientId,
        topic: packet.topic,
        payload: packet.payload.toString(),
        qos: packet.qos,
        properties: packet.properties,
      });
      if (packet.qos > 0) write({ cmd: 'puback', messageId: packet.messageId, reasonCode: 0 });
      break;
    case 'pingreq':
      write({ cmd: 'pingresp' });
      break;
    case 'disconnect':
      connection.socket.end();
      break;
  }
}

const server = createServer({ ...options.tls, requestCert: true, rejectUnauthorized: true }, (socket) => {
  const connection = { socket, filters: new Set() };
  socket.setNoDelay(true);
  socket.on('error', () => {});
  const parser = mqttPacket.parser();
  parser.on('packet', (packet) => handle(connection, packet));
  parser.on('error', () => socket.destroy());
  socket.on('data', (data) => parser.parse(data));
  socket.on('close', () => {
    connections.delete(connection);
    say({ event: 'disconnect', clientId: connection.clientId });
  });
});
server.listen(options.port, '127.0.0.1', () => say({ event: 'listening', port: server.address().port }));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { topic, payload } = JSON.parse(line);
    for (const { socket, version, filters } of connections) {
      if (![...filters].some((filter) => matches(filter, topic))) continue;
      const packet = { cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false };
      socket.write(mqttPacket.generate(packet, { protocolVersion: version }));
    }
  })
  .on('close', () => process.exit());

import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { takes } from '../../src/cloud/topic-filter.js';

/** Reason code of MQTT 5. */
const NOT_AUTHORIZED = 0x87;

/**
 * The least of an MQTT 5 broker, over WebSocket at `/mqtt`: what the page needs of AWS IoT, and nothing that keeps
 * anything. That the page gets on with a real one is for the tests of the whole system.
 */
export class TestBroker {
  private readonly sockets = new WebSocketServer({ noServer: true });
  private readonly clients = new Map<Duplex, Set<string>>();
  /** Whether clients may publish to a topic. */
  mayPublish: (topic: string) => boolean = () => true;
  /** Told of what clients publish. */
  received: (topic: string, payload: Buffer) => void = () => {};
  /** Addresses that clients came to, with their signatures. */
  readonly addresses: string[] = [];

  constructor(server: Server) {
    server.on('upgrade', (request, socket, head) => {
      this.addresses.push(request.url ?? '');
      if (!request.url?.startsWith('/mqtt?')) return socket.destroy();
      this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.serve(createWebSocketStream(webSocket));
      });
    });
  }

  get connections(): number {
    return this.clients.size;
  }

  publish(topic: string, message: object): void {
    this.send(topic, Buffer.from(JSON.stringify(message)));
  }

  /** Ends all connections, as a cloud that goes away. */
  drop(): void {
    for (const socket of this.sockets.clients) socket.terminate();
  }

  private send(topic: string, payload: Buffer): void {
    const packet = generate(
      { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false },
      { protocolVersion: 5 },
    );
    for (const [client, filters] of this.clients) {
      if ([...filters].some((filter) => takes(filter, topic))) client.write(packet);
    }
  }

  private serve(client: Duplex): void {
    const filters = new Set<string>();
    const parse = parser({ protocolVersion: 5 });
    const answer = (packet: Packet) => client.write(generate(packet, { protocolVersion: 5 }));
    parse.on('packet', (packet: Packet) => {
      switch (packet.cmd) {
        case 'connect':
          this.clients.set(client, filters);
          return answer({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
        case 'subscribe':
          for (const { topic } of packet.subscriptions) filters.add(topic);
          return answer({
            cmd: 'suback',
            messageId: packet.messageId,
            granted: packet.subscriptions.map(() => 0),
          });
        case 'unsubscribe':
          for (const topic of packet.unsubscriptions) filters.delete(topic);
          return answer({ cmd: 'unsuback', messageId: packet.messageId, granted: [0] });
        case 'publish':
          return this.take(packet, answer);
        case 'pingreq':
          return answer({ cmd: 'pingresp' });
        default:
          return client.end();
      }
    });
    client.on('data', (bytes: Buffer) => parse.parse(bytes));
    client.on('error', () => client.destroy());
    client.on('close', () => this.clients.delete(client));
  }

  private take(packet: IPublishPacket, answer: (packet: Packet) => void): void {
    const { topic, messageId } = packet;
    const payload = Buffer.from(packet.payload);
    const may = this.mayPublish(topic);
    if (packet.qos === 1) answer({ cmd: 'puback', messageId, reasonCode: may ? 0 : NOT_AUTHORIZED });
    if (!may) return;
    this.send(topic, payload);
    this.received(topic, payload);
  }
}

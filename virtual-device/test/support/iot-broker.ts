import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet';
import { topicMatches } from '../../src/mqtt/topic-filter.js';
import { type Authority, fingerprint, makeAuthority, type Pair } from './authority.js';

export interface Rejection {
  readonly statusCode: number;
  readonly errorCode: string;
  readonly errorMessage: string;
}

interface Connection {
  readonly socket: TLSSocket;
  readonly version: number;
  readonly clientId: string;
  readonly certificate: string;
  readonly clean: boolean;
  readonly filters: Map<string, 0 | 1>;
}

/** What is asked of the broker's provisioning half, in order, and what it answers. */
export interface ProvisioningBehaviour {
  createCertificate(): 'accept' | 'silence' | 'drop' | Rejection;
  register(parameters: Record<string, string>): { thingName: string } | 'silence' | 'drop' | Rejection;
}

/**
 * A broker for tests that plays what a device needs of AWS IoT Core: mutual TLS, MQTT 3.1.1 and 5, QoS 0
 * and 1, and the fleet provisioning API. One process, loopback, any port.
 */
export class TestBroker extends EventEmitter {
  readonly connections = new Set<Connection>();
  readonly published: { topic: string; payload: string; clientId: string; qos: number }[] = [];
  /** Fingerprints of certificates that may connect. */
  readonly active = new Set<string>();
  /** Connections of certificates that may not: a device never makes one. */
  readonly violations: string[] = [];
  readonly certificates: { id: string; pem: string }[] = [];
  readonly tokens = new Map<string, string>();
  readonly registrations: Record<string, string>[] = [];
  readonly connects: {
    clientId: string;
    version: number;
    clean: boolean;
    keepalive: number;
    properties: unknown;
  }[] = [];
  /** Filters that SUBSCRIBE is refused for. */
  readonly refusedFilters = new Set<string>();
  provisioning: ProvisioningBehaviour = {
    createCertificate: () => 'accept',
    register: ({ SerialNumber }) => ({ thingName: SerialNumber ?? 'thing' }),
  };
  #server!: Server;
  #pair!: Pair;
  #port = 0;

  private constructor(readonly authority: Authority) {
    super();
    this.setMaxListeners(0);
  }

  static async start(): Promise<TestBroker> {
    const broker = new TestBroker(await makeAuthority());
    broker.#pair = await broker.authority.server();
    await broker.listen();
    return broker;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens (again) on the same port. */
  async listen(): Promise<void> {
    this.#server = createServer(
      {
        ca: this.authority.certificate,
        cert: this.#pair.certificate,
        key: this.#pair.privateKey,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => this.#serve(socket),
    );
    this.#server.on('tlsClientError', () => {});
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address && typeof address === 'object') this.#port = address.port;
  }

  /** Stops listening and cuts every connection. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  cut(): void {
    for (const { socket } of this.connections) socket.destroy();
    this.connections.clear();
  }

  /** A claim certificate that may connect. */
  async claim(): Promise<Pair> {
    const pair = await this.authority.client('claim');
    this.active.add(fingerprint(pair.certificate));
    return pair;
  }

  send(topic: string, payload: string): void {
    for (const connection of this.connections) {
      for (const [filter, qos] of connection.filters) {
        if (!topicMatches(filter, topic)) continue;
        this.#write(connection, {
          cmd: 'publish',
          topic,
          payload,
          qos,
          messageId: 1,
          dup: false,
          retain: false,
        });
        break;
      }
    }
  }

  /** Resolves with the first message, past or future, that fits. */
  async message(
    fits: (message: { topic: string; payload: string }) => boolean,
  ): Promise<{ topic: string; payload: string; clientId: string }> {
    for (;;) {
      const found = this.published.find(fits);
      if (found) return found;
      await once(this, 'publish');
    }
  }

  async connected(clientId: string): Promise<void> {
    while (![...this.connections].some((connection) => connection.clientId === clientId)) {
      await once(this, 'connection');
    }
  }

  async subscribed(filter: string): Promise<void> {
    while (![...this.connections].some((connection) => connection.filters.has(filter))) {
      await once(this, 'subscribe');
    }
  }

  #write(connection: Connection, packet: Packet): void {
    if (!connection.socket.writable) return;
    connection.socket.write(mqttPacket.generate(packet, { protocolVersion: connection.version }));
  }

  #serve(socket: TLSSocket): void {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const pem = socket.getPeerX509Certificate()?.toString() ?? '';
    let connection: Connection | undefined;
    const parser = mqttPacket.parser();
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        if (!this.active.has(fingerprint(pem))) {
          this.violations.push(packet.clientId);
          socket.destroy();
          return;
        }
        connection = {
          socket,
          version: packet.protocolVersion ?? 4,
          clientId: packet.clientId,
          certificate: pem,
          clean: packet.clean ?? false,
          filters: new Map(),
        };
        for (const other of this.connections) if (other.clientId === packet.clientId) other.socket.destroy();
        this.connections.add(connection);
        this.connects.push({
          clientId: packet.clientId,
          version: connection.version,
          clean: connection.clean,
          keepalive: packet.keepalive ?? 0,
          properties: packet.properties,
        });
        this.#write(connection, { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false });
        this.emit('connection');
      } else if (connection) void this.#handle(connection, packet);
    });
    parser.on('error', () => socket.destroy());
    socket.on('data', (data) => parser.parse(data));
    socket.on('close', () => {
      if (connection) this.connections.delete(connection);
      this.emit('disconnection');
    });
  }

  async #handle(connection: Connection, packet: Packet): Promise<void> {
    switch (packet.cmd) {
      case 'subscribe': {
        const granted = packet.subscriptions.map(({ topic, qos }) => {
          if (this.refusedFilters.has(topic)) return 128;
          connection.filters.set(topic, qos === 0 ? 0 : 1);
          return qos === 0 ? 0 : 1;
        });
        this.#write(connection, { cmd: 'suback', messageId: packet.messageId ?? 0, granted });
        this.emit('subscribe');
        return;
      }
      case 'unsubscribe':
        for (const filter of packet.unsubscriptions) connection.filters.delete(filter);
        this.#write(connection, { cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: [0] });
        this.emit('subscribe');
        return;
      case 'publish':
        await this.#published(connection, packet);
        return;
      case 'pingreq':
        this.#write(connection, { cmd: 'pingresp' });
        return;
      case 'disconnect':
        connection.socket.end();
        return;
      default:
        return;
    }
  }

  async #published(connection: Connection, packet: IPublishPacket): Promise<void> {
    const payload = packet.payload.toString();
    if (packet.qos > 0)
      this.#write(connection, { cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
    this.published.push({ topic: packet.topic, payload, clientId: connection.clientId, qos: packet.qos });
    this.emit('publish');
    if (packet.topic === '$aws/certificates/create-from-csr/json') {
      const answer = this.provisioning.createCertificate();
      if (answer !== 'accept') return this.#refuse(connection, packet.topic, answer);
      const { certificateSigningRequest } = JSON.parse(payload) as { certificateSigningRequest: string };
      const pem = await this.authority.sign(certificateSigningRequest);
      const id = fingerprint(pem).replaceAll(':', '').toLowerCase();
      const token = randomUUID();
      this.certificates.push({ id, pem });
      this.tokens.set(token, pem);
      this.#reply(connection, `${packet.topic}/accepted`, {
        certificateId: id,
        certificatePem: pem,
        certificateOwnershipToken: token,
      });
      return;
    }
    if (/^\$aws\/provisioning-templates\/[^/]+\/provision\/json$/.test(packet.topic)) {
      const { certificateOwnershipToken, parameters } = JSON.parse(payload) as {
        certificateOwnershipToken: string;
        parameters: Record<string, string>;
      };
      const pem = this.tokens.get(certificateOwnershipToken);
      if (!pem) {
        const errorMessage = 'The certificate ownership token is not valid.';
        return this.#refuse(connection, packet.topic, {
          statusCode: 400,
          errorCode: 'InvalidCertificateOwnershipToken',
          errorMessage,
        });
      }
      this.registrations.push(parameters);
      const answer = this.provisioning.register(parameters);
      if (answer === 'silence' || answer === 'drop' || !('thingName' in answer)) {
        return this.#refuse(connection, packet.topic, answer);
      }
      this.active.add(fingerprint(pem));
      this.#reply(connection, `${packet.topic}/accepted`, {
        thingName: answer.thingName,
        deviceConfiguration: {},
      });
      return;
    }
    this.send(packet.topic, payload);
  }

  #refuse(connection: Connection, topic: string, answer: 'silence' | 'drop' | Rejection): void {
    if (answer === 'drop') connection.socket.destroy();
    else if (answer !== 'silence') this.#reply(connection, `${topic}/rejected`, answer);
  }

  #reply(connection: Connection, topic: string, payload: unknown): void {
    this.#write(connection, {
      cmd: 'publish',
      topic,
      payload: JSON.stringify(payload),
      qos: 1,
      messageId: 2,
      dup: false,
      retain: false,
    });
  }
}

import { connect as connectSocket, type Socket } from 'node:net';
import mqttPacket, {
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
} from 'mqtt-packet';
import { atEnd } from '../support/at-end.js';

/** Keeps every property optional but for the command, which TypeScript's `Partial` of a union does not. */
type Answer<C extends Packet['cmd']> = Extract<Packet, { cmd: C }>;

/**
 * A client that does nothing by itself: it sends what the test says and shows what the broker answers. Its packets
 * are made and read by mqtt-packet, an implementation that is not ours.
 */
export class RawClient {
  readonly packets: Packet[] = [];
  readonly closed: Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #over = false;

  private constructor(
    readonly socket: Socket,
    readonly version: 3 | 4 | 5,
  ) {
    const parser = mqttPacket.parser({ protocolVersion: version });
    parser.on('packet', (packet) => {
      this.packets.push(packet);
      this.#wake();
    });
    parser.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => parser.parse(chunk));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.#over = true;
        this.#wake();
        resolve();
      }),
    );
  }

  static async open(port: number, version: 3 | 4 | 5 = 5): Promise<RawClient> {
    const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true });
    atEnd(() => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket, version);
  }

  /** Opens a connection and sends CONNECT; resolves with the client and its CONNACK. */
  static async connect(
    port: number,
    options: Partial<IConnectPacket> & { protocolVersion?: 3 | 4 | 5 } = {},
  ): Promise<{ client: RawClient; connack: IConnackPacket }> {
    const client = await RawClient.open(port, options.protocolVersion ?? 5);
    client.send(client.connectPacket(options));
    return { client, connack: await client.next('connack') };
  }

  connectPacket(options: Partial<IConnectPacket> = {}): IConnectPacket {
    return {
      cmd: 'connect',
      protocolId: this.version === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: this.version,
      clean: true,
      keepalive: 60,
      clientId: `raw-${this.socket.localPort}`,
      ...options,
    };
  }

  encode(packet: Packet): Buffer {
    return mqttPacket.generate(packet, { protocolVersion: this.version });
  }

  send(...packets: Packet[]): void {
    this.socket.write(Buffer.concat(packets.map((packet) => this.encode(packet))));
  }

  sendBytes(...bytes: number[]): void {
    this.socket.write(Buffer.from(bytes));
  }

  publish(packet: Partial<IPublishPacket> & { topic: string }): void {
    this.send({ cmd: 'publish', payload: '', qos: 0, dup: false, retain: false, ...packet });
  }

  /** Resolves with the next packet of that kind that no one has taken; rejects when the connection ends before. */
  async next<C extends Packet['cmd']>(cmd: C): Promise<Answer<C>> {
    for (;;) {
      const index = this.packets.findIndex((packet) => packet.cmd === cmd);
      if (index >= 0) return this.packets.splice(index, 1)[0] as Answer<C>;
      if (this.#over) throw new Error(`The connection ended without ${cmd}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends PINGREQ and resolves with all that came before its answer. */
  async settle(): Promise<Packet[]> {
    this.send({ cmd: 'pingreq' });
    await this.next('pingresp');
    return this.packets.splice(0);
  }

  /** Reads the DISCONNECT of MQTT 5, or just the end of the connection, and returns the reason code. */
  async ended(): Promise<number | undefined> {
    await this.closed;
    const packet = this.packets.find(({ cmd }) => cmd === 'disconnect');
    return packet?.cmd === 'disconnect' ? packet.reasonCode : undefined;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

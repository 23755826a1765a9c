import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ClientOutlet } from './client-outlet.js';
import { decode } from './codec/decode.js';
import { encodeConnack, encodeDisconnect, PINGRESP } from './codec/encode.js';
import { FrameReader } from './codec/framing.js';
import { type ClientPacket, type ConnectPacket, type DisconnectPacket, PacketType } from './codec/packets.js';
import type { Client, ConnectDecision, DisconnectReason } from './contract.js';
import { MqttError, ReasonCode } from './errors.js';
import { connackProperties, negotiate, type Terms } from './handshake.js';
import type { Hub } from './hub.js';
import { Outbox } from './outbox.js';
import { Publishing } from './publishing.js';
import type { Session } from './session.js';
import { Subscribing } from './subscribing.js';
import { WillKeeper } from './will.js';

/** How long a closed connection is given to take what was sent last, in milliseconds. */
const LINGER = 5000;

/** What there is of a connection once its CONNECT was accepted. */
interface Established<P> {
  readonly client: Client<P>;
  readonly session: Session;
  readonly terms: Terms;
  readonly will: WillKeeper<P>;
  readonly publishing: Publishing<P>;
  readonly subscribing: Subscribing<P>;
}

/** One client's connection: from its first byte over CONNECT to its end. Whatever the client sends, nothing is thrown. */
export class Connection<P> {
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  #state: 'new' | 'authorizing' | 'open' | 'closed' = 'new';
  #established: Established<P> | undefined;
  /** Milliseconds since 1970. */
  #lastReceived: number;
  #cancelDeadline: () => void;
  /** Set while the client does not take what is written to it. */
  #cancelStall: (() => void) | undefined;

  constructor(
    private readonly hub: Hub<P>,
    private readonly stream: Duplex,
    private readonly peer: P,
  ) {
    this.#reader = new FrameReader(hub.limits.packet);
    this.#outbox = new Outbox(stream);
    this.#lastReceived = hub.clock.now();
    this.#cancelDeadline = hub.wheel.at(this.#lastReceived + hub.limits.connectTimeout * 1000, () => {
      hub.log('info', 'A connection sent no CONNECT in time', {});
      this.close('CLIENT_ERROR');
    });
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('drain', () => this.#drained());
    stream.on('end', () => this.close('CONNECTION_LOST'));
    stream.on('close', () => this.close('CONNECTION_LOST'));
    stream.on('error', (error) => {
      hub.log('debug', 'A connection failed', { ...this.#name(), error: String(error) });
      this.close('CONNECTION_LOST');
    });
  }

  /** Whether the client takes what is written to it. */
  #flowing(): boolean {
    return this.#state === 'open' && this.#cancelStall === undefined;
  }

  close(reason: DisconnectReason, options: { preventWill?: boolean } = {}): void {
    this.#end(reason, DISCONNECT_CODES[reason], undefined, options.preventWill);
  }

  /** Ends the connection for what the client did, or for a defect of ours. */
  fail(error: unknown): void {
    if (error instanceof MqttError) {
      this.hub.log('info', error.message, { ...this.#name(), reasonCode: error.reasonCode });
      const reason = error.reasonCode === ReasonCode.NotAuthorized ? 'AUTH_ERROR' : 'CLIENT_ERROR';
      // [MQTT-4.13.1-1] A Malformed Packet or Protocol Error ends the connection, with its reason.
      this.#end(reason, error.reasonCode, error.message);
    } else {
      this.hub.log('error', 'A connection is closed because of an unexpected error', {
        ...this.#name(),
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      this.#end('SERVER_ERROR', ReasonCode.UnspecifiedError);
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#lastReceived = this.hub.clock.now();
    this.#reader.push(chunk);
    this.#process();
  }

  /** Handles what was received as far as the connection is ready for it, and reads on or not. */
  #process(): void {
    try {
      while (this.#readable()) {
        const frame = this.#reader.next();
        if (!frame) break;
        this.#handle(decode(frame, this.#established?.client.protocolVersion ?? 5));
      }
    } catch (error) {
      if (this.#state === 'new') this.#refuseUnread(error);
      else this.fail(error);
    }
    if (this.#state === 'closed') return;
    if (this.#readable()) this.stream.resume();
    else this.stream.pause();
  }

  #readable(): boolean {
    if (this.#state === 'new') return true;
    const unacknowledged = this.#established?.publishing.unacknowledged ?? 0;
    // MQTT 3 has no Receive Maximum: the client is not read until its messages are acknowledged.
    const full =
      this.#established?.client.protocolVersion !== 5 && unacknowledged >= this.hub.limits.inboundInFlight;
    return this.#flowing() && !full;
  }

  #handle(packet: ClientPacket): void {
    const established = this.#established;
    if (!established) {
      // [MQTT-3.1.0-1] The first packet is CONNECT.
      if (packet.type !== PacketType.Connect) {
        throw new MqttError(ReasonCode.ProtocolError, 'The first packet is not CONNECT');
      }
      this.#state = 'authorizing';
      this.#connect(packet).catch((error) => this.fail(error));
      return;
    }
    switch (packet.type) {
      case PacketType.Connect:
        // [MQTT-3.1.0-2] A second CONNECT is a Protocol Error.
        throw new MqttError(ReasonCode.ProtocolError, 'CONNECT was sent a second time');
      case PacketType.Publish:
        established.publishing.receive(packet);
        return;
      case PacketType.Puback:
        established.session.acknowledge(packet.packetId);
        return;
      case PacketType.Subscribe:
        established.subscribing.subscribe(packet);
        return;
      case PacketType.Unsubscribe:
        established.subscribing.unsubscribe(packet);
        return;
      case PacketType.Pingreq:
        // [MQTT-3.12.4-1]
        this.#write(PINGRESP);
        return;
      case PacketType.Disconnect:
        this.#disconnected(packet, established);
        return;
    }
  }

  async #connect(packet: ConnectPacket): Promise<void> {
    const { hub, peer } = this;
    let terms: Terms;
    try {
      terms = negotiate(packet, hub.limits);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      this.#refuse(packet, packet.clientId, error, 'CLIENT_ERROR');
      return;
    }
    const { clientId, cleanStart } = terms;
    const { protocolVersion, will, username, password } = packet;
    let decision: ConnectDecision;
    try {
      decision = await hub.authorizer.connect({
        peer,
        clientId,
        protocolVersion,
        cleanStart,
        persistent: terms.sessionExpiry > 0,
        will: will && { topic: will.topic, retain: will.retain },
        username,
        password,
      });
    } catch (error) {
      hub.log('error', 'The decision on a CONNECT failed', { clientId, error: String(error) });
      this.#refuse(
        packet,
        clientId,
        new MqttError(ReasonCode.UnspecifiedError, 'Server error'),
        'SERVER_ERROR',
      );
      return;
    }
    // The client may be gone by now.
    if (this.#state !== 'authorizing') return;
    if (!decision.allowed) {
      const code =
        decision.reason === 'bad-credentials' ? ReasonCode.BadUserNameOrPassword : ReasonCode.NotAuthorized;
      this.#refuse(packet, clientId, new MqttError(code, decision.because), 'AUTH_ERROR');
      return;
    }
    this.#establish(packet, terms);
  }

  #establish(packet: ConnectPacket, terms: Terms): void {
    const { hub, peer } = this;
    const { protocolVersion, username } = packet;
    const { clientId } = terms;
    const client: Client<P> = {
      clientId,
      peer,
      protocolVersion,
      username,
      sessionIdentifier: randomUUID(),
      connectedAt: hub.clock.now(),
    };
    // [MQTT-3.1.4-3] A client that is connected with the same identifier is disconnected first.
    hub.enter({ client, close: (reason, options) => this.close(reason, options) });
    const family = protocolVersion === 5 ? 5 : 3;
    const { session, present } = hub.sessions.open(clientId, family, terms.cleanStart, terms.sessionExpiry);
    const write = (bytes: Buffer) => this.#write(bytes);
    const fail = (error: unknown) => this.fail(error);
    this.#established = {
      client,
      session,
      terms,
      will: new WillKeeper(hub, client, session, packet.will),
      publishing: new Publishing(hub, client, { write, fail, acknowledged: () => this.#acknowledged() }),
      subscribing: new Subscribing(hub, client, session, { write, fail }),
    };
    this.#state = 'open';
    session.attach(
      new ClientOutlet(protocolVersion === 5 ? 5 : 4, terms, {
        write,
        flowing: () => this.#flowing(),
        now: () => hub.clock.now(),
        receives: (topic) => hub.authorizer.receive(client, topic),
      }),
    );
    session.save()?.catch(fail);
    // [MQTT-3.1.4-5] [MQTT-3.2.0-1] CONNACK comes before everything else. [MQTT-3.2.2-2] [MQTT-3.2.2-3]
    write(
      encodeConnack(protocolVersion, {
        sessionPresent: present,
        reasonCode: ReasonCode.Success,
        returnCode: 0,
        properties: connackProperties(packet, terms, hub.limits),
      }),
    );
    this.#cancelDeadline();
    this.#watch(terms.keepAlive);
    hub.emit('connected', { client, sessionPresent: present });
    hub.sessions.online(session);
    this.#process();
  }

  /** [MQTT-3.1.2-22] Ends the connection when nothing came for one and a half times the keep alive. */
  #watch(keepAlive: number): void {
    const patience = keepAlive * 1500;
    this.#cancelDeadline = this.hub.wheel.at(this.#lastReceived + patience, () => {
      if (this.hub.clock.now() - this.#lastReceived >= patience) this.close('MQTT_KEEP_ALIVE_TIMEOUT');
      else this.#watch(keepAlive);
    });
  }

  #disconnected(
    { reasonCode, properties }: DisconnectPacket,
    { session, terms, will }: Established<P>,
  ): void {
    const expiry = properties.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (expiry > 0 && terms.sessionExpiry === 0) {
        throw new MqttError(ReasonCode.ProtocolError, 'DISCONNECT makes a session last that was to end');
      }
      session.setExpiry(Math.min(expiry, this.hub.limits.sessionExpiry));
    }
    // [MQTT-3.14.4-3] [MQTT-3.1.2-10] A normal disconnection removes the will.
    if (reasonCode === ReasonCode.Success) will.remove();
    this.#end('CLIENT_INITIATED_DISCONNECT', undefined);
  }

  #refuse(packet: ConnectPacket, clientId: string, error: MqttError, reason: DisconnectReason): void {
    const { protocolVersion } = packet;
    this.hub.log('info', `CONNECT is refused: ${error.message}`, { clientId, reasonCode: error.reasonCode });
    const returnCode = RETURN_CODES.get(error.reasonCode);
    // [MQTT-3.2.2-6] No Session Present; MQTT 3 has no code for some refusals and closes without an answer.
    if (protocolVersion === 5 || returnCode !== undefined) {
      const { reasonCode, message } = error;
      const properties = { reasonString: message };
      this.#write(
        encodeConnack(protocolVersion, {
          sessionPresent: false,
          reasonCode,
          returnCode: returnCode ?? 0,
          properties,
        }),
      );
    }
    this.hub.emit('refused', { clientId, peer: this.peer, reason });
    // [MQTT-3.2.2-7] [MQTT-3.1.4-2]
    this.#end(reason, undefined);
  }

  /** What came first could not be read as CONNECT. */
  #refuseUnread(error: unknown): void {
    if (!(error instanceof MqttError)) {
      this.fail(error);
      return;
    }
    this.hub.log('info', `A connection is refused: ${error.message}`, { reasonCode: error.reasonCode });
    if (error.reasonCode === ReasonCode.UnsupportedProtocolVersion) {
      // The only answer that a client of any version understands.
      const { reasonCode } = error;
      this.#write(encodeConnack(4, { sessionPresent: false, reasonCode, returnCode: 1 }));
    }
    // [MQTT-3.1.4-1] [MQTT-3.14.0-1] Closed, without DISCONNECT as there was no CONNACK.
    this.#end('CLIENT_ERROR', undefined);
  }

  #acknowledged(): void {
    if (this.stream.isPaused()) this.#process();
  }

  #write(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    this.#outbox.write(bytes);
    if (this.#cancelStall || this.#outbox.pending <= this.hub.limits.outgoingBytes) return;
    this.#cancelStall = this.hub.wheel.at(this.hub.clock.now() + this.hub.limits.stalled * 1000, () => {
      this.hub.log('warn', 'A client does not take what is sent to it', this.#name());
      this.close('SERVER_INITIATED_DISCONNECT');
      this.stream.destroy();
    });
    this.stream.pause();
  }

  #drained(): void {
    if (!this.#cancelStall) return;
    this.#cancelStall();
    this.#cancelStall = undefined;
    this.#established?.session.pump();
    this.#process();
  }

  #end(reason: DisconnectReason, code: number | undefined, message?: string, preventWill?: boolean): void {
    if (this.#state === 'closed') return;
    const established = this.#established;
    if (established?.client.protocolVersion === 5 && code !== undefined && reason !== 'CONNECTION_LOST') {
      const full = encodeDisconnect(code, { reasonString: message });
      // [MQTT-3.14.2-3] The reason string is left out where it would make the packet too large.
      this.#outbox.write(full.length <= established.terms.largestPacket ? full : encodeDisconnect(code));
    }
    // [MQTT-3.14.4-1] Nothing is sent after DISCONNECT.
    this.#state = 'closed';
    this.#cancelDeadline();
    this.#cancelStall?.();
    this.#outbox.flush();
    this.#closeStream();
    if (!established) return;
    const { client, session, will } = established;
    this.hub.leave(client);
    if (preventWill) will.remove();
    this.hub.log('debug', 'A client was disconnected', { clientId: client.clientId, reason });
    this.hub.emit('disconnected', {
      client,
      reason,
      clientInitiated: reason === 'CLIENT_INITIATED_DISCONNECT',
    });
    will.disconnected();
    this.hub.sessions.offline(session);
  }

  /** [MQTT-3.14.4-2] Closes, but lets the client read what was sent last; what it still sends is thrown away. */
  #closeStream(): void {
    const { stream } = this;
    if (stream.destroyed) return;
    stream.removeAllListeners('data');
    stream.end();
    stream.resume();
    const cancel = this.hub.wheel.at(this.hub.clock.now() + LINGER, () => stream.destroy());
    stream.once('close', cancel);
  }

  #name(): { clientId?: string } {
    return { clientId: this.#established?.client.clientId };
  }
}

/** What a client of MQTT 5 is told when the broker ends its connection. */
const DISCONNECT_CODES: Readonly<Partial<Record<DisconnectReason, number>>> = {
  AUTH_ERROR: ReasonCode.NotAuthorized,
  FORBIDDEN_ACCESS: ReasonCode.NotAuthorized,
  CLIENT_ERROR: ReasonCode.ProtocolError,
  DUPLICATE_CLIENTID: ReasonCode.SessionTakenOver,
  MQTT_KEEP_ALIVE_TIMEOUT: ReasonCode.KeepAliveTimeout,
  SERVER_ERROR: ReasonCode.UnspecifiedError,
  SERVER_INITIATED_DISCONNECT: ReasonCode.ServerShuttingDown,
  API_INITIATED_DISCONNECT: ReasonCode.AdministrativeAction,
  WEBSOCKET_TTL_EXPIRATION: ReasonCode.AdministrativeAction,
  THROTTLED: ReasonCode.QuotaExceeded,
};

/** The return codes of MQTT 3 for refusals (MQTT 3.1.1 section 3.2.2.3). */
const RETURN_CODES: ReadonlyMap<number, number> = new Map([
  [ReasonCode.ClientIdentifierNotValid, 2],
  [ReasonCode.UnspecifiedError, 3],
  [ReasonCode.BadUserNameOrPassword, 4],
  [ReasonCode.NotAuthorized, 5],
]);

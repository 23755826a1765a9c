import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ClientOutlet } from './client-outlet.js';
import { decode } from './codec/decode.js';
import { encodeConnack, encodeDisconnect, PINGRESP } from './codec/encode.js';
import type { Frame } from './codec/framing.js';
import { type ClientPacket, type ConnectPacket, type DisconnectPacket, PacketType } from './codec/packets.js';
import type { Client, ConnectDecision, DisconnectReason } from './contract.js';
import { MqttError, ReasonCode } from './errors.js';
import { connackProperties, negotiate, type Terms } from './handshake.js';
import type { Hub } from './hub.js';
import { Link } from './link.js';
import { Publishing } from './publishing.js';
import { DISCONNECT_CODES, RETURN_CODES, refusalLevel } from './reasons.js';
import type { Session } from './session.js';
import { Subscribing } from './subscribing.js';
import { WillKeeper } from './will.js';

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
  readonly #link: Link;
  #state: 'new' | 'authorizing' | 'open' | 'closed' = 'new';
  #established: Established<P> | undefined;
  #cancelDeadline: () => void;

  constructor(
    private readonly hub: Hub<P>,
    stream: Duplex,
    private readonly peer: P,
  ) {
    this.#link = new Link(hub, stream, {
      wants: () => this.#wants(),
      frame: (frame) => this.#receive(frame),
      failed: (error) => this.#fail(error),
      drained: () => this.#established?.session.pump(),
      stalled: () => {
        hub.log('warn', 'A client does not take what is sent to it', this.#name());
        this.#close('SERVER_INITIATED_DISCONNECT');
      },
      lost: (error) => {
        if (error) hub.log('debug', 'A connection broke', { ...this.#name(), error: String(error) });
        this.#close('CONNECTION_LOST');
      },
    });
    this.#cancelDeadline = hub.wheel.at(hub.clock.now() + hub.limits.connectTimeout * 1000, () => {
      hub.log('info', 'A connection sent no CONNECT in time', {});
      this.#close('CLIENT_ERROR');
    });
  }

  /** Ends the connection because the broker stops, which may leave the will unpublished (MQTT 5 section 3.1.2.5). */
  shutDown(): void {
    this.#close('SERVER_INITIATED_DISCONNECT', { preventWill: true });
    this.#link.shutDown();
  }

  #wants(): boolean {
    if (this.#state === 'new') return true;
    const established = this.#established;
    if (this.#state !== 'open' || !established || !this.#link.flowing) return false;
    // MQTT 3 has no Receive Maximum: its clients are not read until enough of their messages are acknowledged.
    const { client, publishing } = established;
    return client.protocolVersion === 5 || publishing.unacknowledged < this.hub.limits.inboundInFlight;
  }

  #receive(frame: Frame): void {
    const established = this.#established;
    if (established) {
      this.#handle(decode(frame, established.client.protocolVersion), established);
      return;
    }
    const packet = decode(frame, 5);
    // [MQTT-3.1.0-1] The first packet is CONNECT.
    if (packet.type !== PacketType.Connect) {
      throw new MqttError(ReasonCode.ProtocolError, 'The first packet is not CONNECT');
    }
    this.#state = 'authorizing';
    this.#connect(packet).catch((error) => this.#fail(error));
  }

  #handle(packet: ClientPacket, established: Established<P>): void {
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
        this.#link.write(PINGRESP);
        return;
      case PacketType.Disconnect:
        this.#disconnected(packet, established);
        return;
    }
  }

  async #connect(packet: ConnectPacket): Promise<void> {
    let terms: Terms;
    try {
      terms = negotiate(packet, this.hub.limits);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      this.#refuse(packet, packet.clientId, error, 'CLIENT_ERROR');
      return;
    }
    const decision = await this.#decide(packet, terms);
    // The client may be gone by now.
    if (this.#state !== 'authorizing') return;
    if (decision?.allowed) {
      this.#establish(packet, terms);
    } else if (!decision) {
      const error = new MqttError(ReasonCode.UnspecifiedError, 'The decision failed');
      this.#refuse(packet, terms.clientId, error, 'SERVER_ERROR');
    } else {
      const { reason, because } = decision;
      const code = reason === 'bad-credentials' ? ReasonCode.BadUserNameOrPassword : ReasonCode.NotAuthorized;
      this.#refuse(packet, terms.clientId, new MqttError(code, because), 'AUTH_ERROR');
    }
  }

  /** Undefined when the decision failed. */
  async #decide(packet: ConnectPacket, terms: Terms): Promise<ConnectDecision | undefined> {
    const { hub, peer } = this;
    const { clientId, cleanStart } = terms;
    const { protocolVersion, will, username, password } = packet;
    try {
      return await hub.authorizer.connect({
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
      return undefined;
    }
  }

  #establish(packet: ConnectPacket, terms: Terms): void {
    const { hub, peer } = this;
    const { protocolVersion, username } = packet;
    const { clientId, cleanStart, sessionExpiry } = terms;
    const connectedAt = hub.clock.now();
    const sessionIdentifier = randomUUID();
    const client: Client<P> = { clientId, peer, protocolVersion, username, sessionIdentifier, connectedAt };
    // [MQTT-3.1.4-3] A client that is connected with the same identifier is disconnected first.
    hub.enter({ client, close: (reason, options) => this.#close(reason, options) });
    const family = protocolVersion === 5 ? 5 : 3;
    const { session, present } = hub.sessions.open(clientId, family, cleanStart, sessionExpiry);
    const write = (bytes: Buffer) => this.#link.write(bytes);
    const fail = (error: unknown) => this.#fail(error);
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
        flowing: () => this.#link.flowing,
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
    this.#link.proceed();
  }

  /** [MQTT-3.1.2-22] Ends the connection when nothing came for one and a half times the keep alive. */
  #watch(keepAlive: number): void {
    const patience = keepAlive * 1500;
    this.#cancelDeadline = this.hub.wheel.at(this.#link.lastReceived + patience, () => {
      if (this.hub.clock.now() - this.#link.lastReceived < patience) this.#watch(keepAlive);
      else this.#close('MQTT_KEEP_ALIVE_TIMEOUT');
    });
  }

  #disconnected({ reasonCode, properties }: DisconnectPacket, { session, will }: Established<P>): void {
    const expiry = properties.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (expiry > 0 && !session.persistent) {
        throw new MqttError(ReasonCode.ProtocolError, 'DISCONNECT makes a session last that was to end');
      }
      session.setExpiry(Math.min(expiry, this.hub.limits.sessionExpiry));
    }
    // [MQTT-3.14.4-3] [MQTT-3.1.2-10] A normal disconnection removes the will.
    if (reasonCode === ReasonCode.Success) will.remove();
    this.#end('CLIENT_INITIATED_DISCONNECT');
  }

  #refuse(packet: ConnectPacket, clientId: string, error: MqttError, reason: DisconnectReason): void {
    const { protocolVersion } = packet;
    const { reasonCode, message } = error;
    this.hub.log(refusalLevel(reasonCode), `CONNECT is refused: ${message}`, { clientId, reasonCode });
    const returnCode = RETURN_CODES.get(reasonCode);
    // [MQTT-3.2.2-6] No Session Present; MQTT 3 has no code for some refusals and closes without an answer.
    if (protocolVersion === 5 || returnCode !== undefined) {
      const properties = { reasonString: message };
      this.#link.write(
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
    this.#end(reason);
  }

  #acknowledged(): void {
    if (this.#established?.client.protocolVersion !== 5) this.#link.proceed();
  }

  /** Ends the connection for what the client did, or for a defect of ours. */
  #fail(error: unknown): void {
    if (!(error instanceof MqttError)) {
      this.hub.log('error', 'A connection is closed because of an unexpected error', {
        ...this.#name(),
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      this.#end('SERVER_ERROR', ReasonCode.UnspecifiedError);
      return;
    }
    const { reasonCode, message } = error;
    this.hub.log(refusalLevel(reasonCode), `A connection is closed: ${message}`, {
      ...this.#name(),
      reasonCode,
    });
    if (reasonCode === ReasonCode.UnsupportedProtocolVersion) {
      // The only answer that a client of any version understands.
      this.#link.write(encodeConnack(4, { sessionPresent: false, reasonCode, returnCode: 1 }));
    }
    // [MQTT-4.13.1-1] [MQTT-3.1.4-1] A Malformed Packet or Protocol Error ends the connection.
    this.#end(reasonCode === ReasonCode.NotAuthorized ? 'AUTH_ERROR' : 'CLIENT_ERROR', reasonCode, message);
  }

  #close(reason: DisconnectReason, options: { preventWill?: boolean } = {}): void {
    if (options.preventWill) this.#established?.will.remove();
    this.#end(reason, DISCONNECT_CODES[reason]);
  }

  /** With a `code`, a client of MQTT 5 is told it. */
  #end(reason: DisconnectReason, code?: number, message?: string): void {
    if (this.#state === 'closed') return;
    const established = this.#established;
    // [MQTT-3.14.0-1] No DISCONNECT without CONNACK.
    if (established?.client.protocolVersion === 5 && code !== undefined) {
      const full = encodeDisconnect(code, { reasonString: message });
      // [MQTT-3.14.2-3] The reason string is left out where it would make the packet too large.
      this.#link.write(full.length <= established.terms.largestPacket ? full : encodeDisconnect(code));
    }
    // [MQTT-3.14.4-1] [MQTT-3.14.4-2] Nothing is sent after DISCONNECT, and the connection is closed.
    this.#state = 'closed';
    this.#cancelDeadline();
    this.#link.close();
    if (!established) return;
    const { client, session, will } = established;
    this.hub.leave(client);
    this.hub.log('debug', 'A client was disconnected', { clientId: client.clientId, reason });
    const clientInitiated = reason === 'CLIENT_INITIATED_DISCONNECT';
    this.hub.emit('disconnected', { client, reason, clientInitiated });
    will.disconnected();
    this.hub.sessions.offline(session);
  }

  #name(): { clientId?: string } {
    return { clientId: this.#established?.client.clientId };
  }
}

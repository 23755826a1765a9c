/**
 * One client's connection: the handshake, then streams. A client that breaks the protocol, or that does
 * not read what it is sent, loses this connection; nobody else notices.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.js';
import { IpcError, type IpcLimits, type IpcLog, type IpcPrincipal } from './capabilities.js';
import { EventStreamDecoder, EventStreamError } from './event-stream.js';
import { MODEL_NAMESPACE, type Operation, principalName } from './operation.js';
import {
  encodeRpcMessage,
  jsonHeaders,
  jsonPayload,
  MessageFlag,
  MessageType,
  PROTOCOL_VERSION,
  parseRpcMessage,
  type RpcMessage,
  RpcProtocolError,
  stringHeader,
} from './rpc-message.js';
import { RpcStream } from './rpc-stream.js';

/** Enough for any token; a stranger gets no more of the device's memory than this. */
const MAX_UNAUTHENTICATED_MESSAGE_BYTES = 65_536;
/** Milliseconds that a client has to say who it is: connections that say nothing take others' places. */
const HANDSHAKE_TIMEOUT = 30_000;

const NO_HEADERS: RpcMessage['headers'] = new Map();
const NO_PAYLOAD = new Uint8Array(0);

export interface RpcService {
  authenticate(token: string): IpcPrincipal | undefined;
  /** @param name with its namespace */
  operation(name: string): Operation | undefined;
}

export class RpcConnection {
  readonly #decoder = new EventStreamDecoder(MAX_UNAUTHENTICATED_MESSAGE_BYTES);
  readonly #streams = new Map<number, RpcStream>();
  #principal: IpcPrincipal | undefined;
  #latestStreamId = 0;
  readonly #handshakeTimer: Timer;
  #closing = false;

  constructor(
    private readonly socket: Socket,
    private readonly service: RpcService,
    private readonly limits: IpcLimits,
    private readonly log: IpcLog,
    clock: Clock,
  ) {
    this.#handshakeTimer = clock.after(HANDSHAKE_TIMEOUT, () => {
      if (this.#principal !== undefined || this.#closing) return;
      this.log('warn', 'Closed an IPC connection: the client did not say who it is.');
      this.destroy();
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) =>
      this.log('debug', `The IPC connection of ${this.#who()} broke: ${error.message}`),
    );
    socket.on('close', () => {
      this.#handshakeTimer.cancel();
      this.#closeStreams();
    });
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#closing = true;
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#closing) return;
    try {
      for (const message of this.#decoder.feed(chunk)) {
        this.#handle(parseRpcMessage(message));
        if (this.#closing) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A connection whose messages cannot be taken any further ends, and the client is told why. */
  #fail(error: unknown): void {
    const isClientsFault = error instanceof EventStreamError || error instanceof RpcProtocolError;
    if (isClientsFault) {
      this.log(
        'warn',
        `Closed the IPC connection of ${this.#who()}, which broke the protocol: ${error.message}.`,
      );
    } else {
      this.log('error', `Closed the IPC connection of ${this.#who()} after a failure: ${String(error)}`);
    }
    this.#send({
      type: isClientsFault ? MessageType.ProtocolError : MessageType.InternalError,
      flags: MessageFlag.None,
      streamId: 0,
      headers: jsonHeaders(),
      payload: jsonPayload({ message: isClientsFault ? error.message : 'internal error' }),
    });
    this.#end();
  }

  #handle(message: RpcMessage): void {
    if (this.#principal === undefined) {
      if (message.type !== MessageType.Connect || message.streamId !== 0) {
        throw new RpcProtocolError('the first message was not connect');
      }
      this.#connect(message);
    } else if (message.streamId === 0) {
      this.#handleProtocolMessage(message);
    } else {
      this.#handleStreamMessage(message, this.#principal);
    }
  }

  #connect(message: RpcMessage): void {
    const version = stringHeader(message.headers, ':version');
    const principal =
      version === PROTOCOL_VERSION ? this.service.authenticate(authToken(message.payload) ?? '') : undefined;
    this.#send({
      type: MessageType.ConnectAck,
      flags: principal === undefined ? MessageFlag.None : MessageFlag.ConnectionAccepted,
      streamId: 0,
      headers: NO_HEADERS,
      payload: NO_PAYLOAD,
    });
    if (principal === undefined) {
      const reason =
        version === PROTOCOL_VERSION ? 'its token is not known' : `its protocol version is ${version}`;
      this.log('warn', `Refused an IPC connection: ${reason}.`);
      this.#end();
      return;
    }
    this.#principal = principal;
    this.#decoder.maxMessageBytes = this.limits.maxMessageBytes;
    this.#handshakeTimer.cancel();
    this.log('debug', `${this.#who()} connected over IPC.`);
  }

  #handleProtocolMessage(message: RpcMessage): void {
    switch (message.type) {
      case MessageType.Ping:
        this.#send({
          type: MessageType.PingResponse,
          flags: MessageFlag.None,
          streamId: 0,
          headers: new Map([...message.headers].filter(([name]) => !name.startsWith(':'))),
          payload: message.payload,
        });
        return;
      case MessageType.PingResponse:
        return;
      default:
        throw new RpcProtocolError(`a message of type ${message.type} came where none can be`);
    }
  }

  #handleStreamMessage(message: RpcMessage, principal: IpcPrincipal): void {
    if (message.type !== MessageType.ApplicationMessage && message.type !== MessageType.ApplicationError) {
      throw new RpcProtocolError(`a message of type ${message.type} came on a stream`);
    }
    const terminates = (message.flags & MessageFlag.TerminateStream) !== 0;
    if (message.streamId > this.#latestStreamId) {
      const operation = stringHeader(message.headers, 'operation');
      if (message.streamId !== this.#latestStreamId + 1)
        throw new RpcProtocolError('a stream id was left out');
      if (operation === undefined) throw new RpcProtocolError('a new stream names no operation');
      this.#latestStreamId = message.streamId;
      // A stream that ends with its request asks for nothing.
      if (!terminates) this.#openStream(message, principal, operation);
      return;
    }
    const stream = this.#streams.get(message.streamId);
    if (terminates) {
      // Both sides may end a stream at the same time, so it may be gone already.
      stream?.close();
    } else if (stream === undefined) {
      throw new RpcProtocolError('a message came on a stream that has ended');
    }
    // No operation of this service takes messages after its request.
  }

  #openStream(message: RpcMessage, principal: IpcPrincipal, operationName: string): void {
    const { streamId } = message;
    const operation = this.service.operation(operationName);
    if (operation === undefined) {
      this.#send({
        type: MessageType.ApplicationError,
        flags: MessageFlag.TerminateStream,
        streamId,
        headers: jsonHeaders(),
        payload: jsonPayload({
          error: 'Unsupported Operation',
          message: `${operationName} is an unsupported operation.`,
        }),
      });
      return;
    }
    const stream = new RpcStream(
      principal,
      this.#streams.size < this.limits.maxStreams
        ? operation
        : tooManyStreams(operation, this.limits.maxStreams),
      (reply) => this.#send({ ...reply, streamId }),
      this.log,
      () => this.#streams.delete(streamId),
    );
    this.#streams.set(streamId, stream);
    void stream.run(message.payload);
  }

  #send(message: RpcMessage): void {
    if (this.socket.destroyed || this.#closing) return;
    this.socket.write(encodeRpcMessage(message));
    const waiting = this.socket.writableLength;
    if (waiting <= this.limits.maxOutgoingBytes) return;
    this.log('warn', `Closed the IPC connection of ${this.#who()}: it left ${waiting} bytes unread.`, {
      principal: this.#who(),
      waiting,
    });
    this.destroy();
  }

  /** Ends the connection after what was sent; at once when the client is not reading. */
  #end(): void {
    this.#closing = true;
    this.#closeStreams();
    if (this.socket.writableNeedDrain) this.socket.destroy();
    else this.socket.destroySoon();
  }

  #closeStreams(): void {
    this.#closing = true;
    for (const stream of [...this.#streams.values()]) stream.close();
  }

  #who(): string {
    return this.#principal === undefined ? 'a client not yet authenticated' : principalName(this.#principal);
  }
}

function authToken(payload: Uint8Array): string | undefined {
  try {
    const connect: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (typeof connect !== 'object' || connect === null || !('authToken' in connect)) return undefined;
    return typeof connect.authToken === 'string' ? connect.authToken : undefined;
  } catch {
    return undefined;
  }
}

function tooManyStreams(operation: Operation, maxStreams: number): Operation {
  return {
    name: operation.name,
    handle() {
      throw new IpcError(
        'ServiceError',
        `${MODEL_NAMESPACE}${operation.name} is refused: the connection has ${maxStreams} streams open already. Close some.`,
      );
    },
  };
}

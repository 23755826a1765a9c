/**
 * Messages of the event stream RPC protocol 0.1.0: event stream messages whose `:`-headers say what they
 * are. Stream 0 carries the protocol's own messages, each other stream one operation.
 */
import {
  type EventStreamHeaders,
  type EventStreamMessage,
  encodeMessage,
  type HeaderValue,
} from './event-stream.js';

export const PROTOCOL_VERSION = '0.1.0';

export const MessageType = {
  ApplicationMessage: 0,
  ApplicationError: 1,
  Ping: 2,
  PingResponse: 3,
  Connect: 4,
  ConnectAck: 5,
  ProtocolError: 6,
  InternalError: 7,
} as const;

export const MessageFlag = { None: 0, ConnectionAccepted: 1, TerminateStream: 2 } as const;

const CONTENT_TYPE_JSON = 'application/json';

/** A client broke the protocol's rules; its connection is closed. */
export class RpcProtocolError extends Error {
  override readonly name = 'RpcProtocolError';
}

export interface RpcMessage {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** All other headers. */
  readonly headers: EventStreamHeaders;
  readonly payload: Uint8Array;
}

const TYPE_HEADER = ':message-type';
const FLAGS_HEADER = ':message-flags';
const STREAM_HEADER = ':stream-id';

/** @throws RpcProtocolError when a header of the protocol is missing or of another type */
export function parseRpcMessage(message: EventStreamMessage): RpcMessage {
  const headers = new Map(message.headers);
  const take = (name: string): number => {
    const header = headers.get(name);
    headers.delete(name);
    if (header?.type !== 'integer') throw new RpcProtocolError(`a message lacks the integer header ${name}`);
    return header.value;
  };
  const [type, flags, streamId] = [take(TYPE_HEADER), take(FLAGS_HEADER), take(STREAM_HEADER)];
  if (streamId < 0) throw new RpcProtocolError(`${streamId} is no stream id`);
  return { type, flags, streamId, headers, payload: message.payload };
}

export function encodeRpcMessage(message: RpcMessage): Buffer {
  const integer = (value: number): HeaderValue => ({ type: 'integer', value });
  return encodeMessage({
    headers: new Map<string, HeaderValue>([
      [TYPE_HEADER, integer(message.type)],
      [FLAGS_HEADER, integer(message.flags)],
      [STREAM_HEADER, integer(message.streamId)],
      ...message.headers,
    ]),
    payload: message.payload,
  });
}

/** @returns the header's value when it is there and a string */
export function stringHeader(headers: EventStreamHeaders, name: string): string | undefined {
  const header = headers.get(name);
  return header?.type === 'string' ? header.value : undefined;
}

/** Headers of a message whose payload is a shape of the service model, or plain JSON without one. */
export function jsonHeaders(serviceModelType?: string): EventStreamHeaders {
  const headers = new Map<string, HeaderValue>([
    [':content-type', { type: 'string', value: CONTENT_TYPE_JSON }],
  ]);
  if (serviceModelType !== undefined) {
    headers.set('service-model-type', { type: 'string', value: serviceModelType });
  }
  return headers;
}

export function jsonPayload(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

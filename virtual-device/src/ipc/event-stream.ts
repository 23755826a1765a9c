/**
 * The codec of `application/vnd.amazon.eventstream`: length-prefixed messages of typed headers and a
 * payload, guarded by two CRC-32 checksums.
 *
 * Layout, all integers big endian: total length u32, headers length u32, CRC of these 8 bytes u32,
 * headers, payload, CRC of everything before u32. A header is name length u8, name, type u8, value.
 */
import { crc32 } from 'node:zlib';

/** Headers' types and what carries them; 64-bit integers and timestamps (ms since the epoch) are bigints. */
export type HeaderValue =
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'byte' | 'short' | 'integer'; readonly value: number }
  | { readonly type: 'long' | 'timestamp'; readonly value: bigint }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'string' | 'uuid'; readonly value: string };

export type EventStreamHeaders = ReadonlyMap<string, HeaderValue>;

export interface EventStreamMessage {
  readonly headers: EventStreamHeaders;
  readonly payload: Uint8Array;
}

export type EventStreamErrorCode =
  | 'CHECKSUM_MISMATCH'
  | 'INVALID_HEADER'
  | 'INVALID_LENGTH'
  | 'MESSAGE_TOO_LARGE';

/** Bytes that are no event stream, or a message that cannot be one. */
export class EventStreamError extends Error {
  override readonly name = 'EventStreamError';

  constructor(
    readonly code: EventStreamErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const OVERHEAD_BYTES = PRELUDE_BYTES + CHECKSUM_BYTES;
/** Limits of aws-c-event-stream, which every AWS client is built on. */
const MAX_HEADERS_BYTES = 131_072;
const MAX_HEADER_NAME_BYTES = 127;
const MAX_HEADER_VALUE_BYTES = 32_767;

const EMPTY = Buffer.alloc(0);
const MIN_BUFFER_BYTES = 4_096;
/** The decoder's memory between messages. */
const KEPT_BYTES = 131_072;

/**
 * Encodes one message.
 *
 * @throws EventStreamError when a header does not fit the format
 */
export function encodeMessage(message: EventStreamMessage): Buffer {
  const headers = Buffer.concat([...message.headers].map(([name, value]) => encodeHeader(name, value)));
  if (headers.length > MAX_HEADERS_BYTES) {
    throw invalidHeader(`headers of ${headers.length} bytes exceed ${MAX_HEADERS_BYTES}`);
  }
  const total = OVERHEAD_BYTES + headers.length + message.payload.length;
  const bytes = Buffer.allocUnsafe(total);
  bytes.writeUInt32BE(total, 0);
  bytes.writeUInt32BE(headers.length, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  headers.copy(bytes, PRELUDE_BYTES);
  bytes.set(message.payload, PRELUDE_BYTES + headers.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, total - CHECKSUM_BYTES)), total - CHECKSUM_BYTES);
  return bytes;
}

/** Takes a byte stream apart into messages, however it is cut into chunks. */
export class EventStreamDecoder {
  /** What is between start and end has come and is not taken apart yet. */
  #buffer = EMPTY;
  #start = 0;
  #end = 0;
  #expected: number | undefined;

  /** @param maxMessageBytes largest message accepted, all of it; may be changed between messages */
  constructor(public maxMessageBytes: number) {}

  /**
   * Takes in a chunk and yields every message it completes. Exhaust the generator before the next call.
   *
   * @throws EventStreamError at the first malformed byte; the decoder is of no use afterwards
   */
  *feed(chunk: Uint8Array): Generator<EventStreamMessage, void, void> {
    this.#append(chunk);
    for (;;) {
      const buffered = this.#buffer.subarray(this.#start, this.#end);
      if (this.#expected === undefined) {
        if (buffered.length < PRELUDE_BYTES) return;
        this.#expected = readPrelude(buffered, this.maxMessageBytes);
      }
      if (buffered.length < this.#expected) return;
      const message = decodeMessage(buffered.subarray(0, this.#expected));
      this.#start += this.#expected;
      this.#expected = undefined;
      if (this.#start === this.#end) {
        [this.#start, this.#end] = [0, 0];
        // A large message's memory is not held for the small ones after it.
        if (this.#buffer.length > KEPT_BYTES) this.#buffer = EMPTY;
      }
      yield message;
    }
  }

  /** Memory is that of what waits, at most twice, whatever the size of the chunks it came in. */
  #append(chunk: Uint8Array): void {
    const waiting = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const needed = waiting + chunk.length;
      const target =
        needed * 2 <= this.#buffer.length
          ? this.#buffer
          : Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, MIN_BUFFER_BYTES));
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      [this.#start, this.#end] = [0, waiting];
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

function readPrelude(bytes: Buffer, maxMessageBytes: number): number {
  const total = bytes.readUInt32BE(0);
  const headersLength = bytes.readUInt32BE(4);
  if (bytes.readUInt32BE(8) !== crc32(bytes.subarray(0, 8))) {
    throw new EventStreamError('CHECKSUM_MISMATCH', 'the prelude does not match its checksum');
  }
  if (total > maxMessageBytes) {
    throw new EventStreamError(
      'MESSAGE_TOO_LARGE',
      `a message of ${total} bytes exceeds the limit of ${maxMessageBytes}`,
    );
  }
  if (headersLength > MAX_HEADERS_BYTES || total < OVERHEAD_BYTES + headersLength) {
    throw new EventStreamError(
      'INVALID_LENGTH',
      `a message of ${total} bytes cannot have headers of ${headersLength}`,
    );
  }
  return total;
}

function decodeMessage(bytes: Buffer): EventStreamMessage {
  const end = bytes.length - CHECKSUM_BYTES;
  if (bytes.readUInt32BE(end) !== crc32(bytes.subarray(0, end))) {
    throw new EventStreamError('CHECKSUM_MISMATCH', 'the message does not match its checksum');
  }
  const payloadStart = PRELUDE_BYTES + bytes.readUInt32BE(4);
  return {
    headers: decodeHeaders(bytes.subarray(PRELUDE_BYTES, payloadStart)),
    payload: new Uint8Array(bytes.subarray(payloadStart, end)),
  };
}

function decodeHeaders(bytes: Buffer): EventStreamHeaders {
  const headers = new Map<string, HeaderValue>();
  const reader = new Reader(bytes);
  while (!reader.done) {
    const name = reader.text(reader.take(1).readUInt8());
    if (name === '') throw invalidHeader('a header has an empty name');
    if (headers.has(name)) throw invalidHeader(`the header ${JSON.stringify(name)} occurs twice`);
    headers.set(name, decodeValue(reader, name));
  }
  return headers;
}

function decodeValue(reader: Reader, name: string): HeaderValue {
  const type = reader.take(1).readUInt8();
  switch (type) {
    case 0:
      return { type: 'boolean', value: true };
    case 1:
      return { type: 'boolean', value: false };
    case 2:
      return { type: 'byte', value: reader.take(1).readInt8() };
    case 3:
      return { type: 'short', value: reader.take(2).readInt16BE() };
    case 4:
      return { type: 'integer', value: reader.take(4).readInt32BE() };
    case 5:
      return { type: 'long', value: reader.take(8).readBigInt64BE() };
    case 6:
      return { type: 'binary', value: new Uint8Array(reader.take(reader.length16())) };
    case 7:
      return { type: 'string', value: reader.text(reader.length16()) };
    case 8:
      return { type: 'timestamp', value: reader.take(8).readBigInt64BE() };
    case 9:
      return { type: 'uuid', value: formatUuid(reader.take(16)) };
    default:
      throw invalidHeader(`the header ${JSON.stringify(name)} has the unknown type ${type}`);
  }
}

/** Reads forward; running past the end is a malformed header. */
class Reader {
  #offset = 0;
  // A byte order mark is a character like any other here.
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.#offset === this.bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.bytes.length) throw invalidHeader('a header runs past the end of the headers');
    const taken = this.bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  length16(): number {
    return this.take(2).readUInt16BE();
  }

  text(length: number): string {
    const bytes = this.take(length);
    try {
      return this.#utf8.decode(bytes);
    } catch {
      throw invalidHeader('a header is not valid UTF-8');
    }
  }
}

function encodeHeader(name: string, header: HeaderValue): Buffer {
  const nameBytes = Buffer.from(name, 'utf8');
  if (nameBytes.length === 0 || nameBytes.length > MAX_HEADER_NAME_BYTES) {
    throw invalidHeader(`the header name ${JSON.stringify(name)} is not 1 to ${MAX_HEADER_NAME_BYTES} bytes`);
  }
  const [type, value] = encodeValue(header);
  return Buffer.concat([Buffer.of(nameBytes.length), nameBytes, Buffer.of(type), value]);
}

function encodeValue(header: HeaderValue): readonly [type: number, value: Buffer] {
  switch (header.type) {
    case 'boolean':
      return [header.value ? 0 : 1, Buffer.alloc(0)];
    case 'byte':
      return [2, integer(1, (bytes) => bytes.writeInt8(header.value))];
    case 'short':
      return [3, integer(2, (bytes) => bytes.writeInt16BE(header.value))];
    case 'integer':
      return [4, integer(4, (bytes) => bytes.writeInt32BE(header.value))];
    case 'long':
      return [5, integer(8, (bytes) => bytes.writeBigInt64BE(header.value))];
    case 'binary':
      return [6, lengthPrefixed(Buffer.from(header.value))];
    case 'string':
      return [7, lengthPrefixed(Buffer.from(header.value, 'utf8'))];
    case 'timestamp':
      return [8, integer(8, (bytes) => bytes.writeBigInt64BE(header.value))];
    case 'uuid':
      return [9, parseUuid(header.value)];
  }
}

function integer(size: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(size);
  try {
    write(bytes);
  } catch {
    throw invalidHeader(`a header's value does not fit into ${size} bytes`);
  }
  return bytes;
}

function lengthPrefixed(value: Buffer): Buffer {
  if (value.length > MAX_HEADER_VALUE_BYTES) {
    throw invalidHeader(`a header's value of ${value.length} bytes exceeds ${MAX_HEADER_VALUE_BYTES}`);
  }
  return Buffer.concat([integer(2, (bytes) => bytes.writeUInt16BE(value.length)), value]);
}

function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function parseUuid(uuid: string): Buffer {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) {
    throw invalidHeader(`${JSON.stringify(uuid)} is not a UUID`);
  }
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function invalidHeader(message: string): EventStreamError {
  return new EventStreamError('INVALID_HEADER', message);
}

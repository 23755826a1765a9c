import {
  closeSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { DeviceError, messageOf } from '../errors.js';
import { makeFolder } from '../folder.js';
import type { SpooledMessage } from './spooled-message.js';

/** Where a message stands in the journal. */
export interface JournalEntry {
  readonly id: number;
  readonly qos: 0 | 1;
  readonly topicBytes: number;
  readonly payloadBytes: number;
}

interface Place {
  offset: number;
  readonly length: number;
}

/**
 * A record: body length u32, CRC-32 of all that follows u32, kind u8, id u48, then the body. A message's
 * body is its head's length u32, the head (JSON) and the payload; that of what was settled is empty.
 */
const HEADER_BYTES = 15;
const MESSAGE = 1;
const SETTLED = 2;
/** Far above any message that is spooled; a greater length is damage. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Settled bytes in the file that are left alone. */
const SLACK_BYTES = 1024 * 1024;

const UserProperties = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
const Head = z.object({
  topic: z.string(),
  qos: z.union([z.literal(0), z.literal(1)]),
  retain: z.boolean().optional(),
  properties: z
    .object({
      payloadFormatIndicator: z.boolean().optional(),
      messageExpiryInterval: z.number().optional(),
      responseTopic: z.string().optional(),
      /** base64 */
      correlationData: z.string().optional(),
      userProperties: UserProperties.optional(),
      contentType: z.string().optional(),
    })
    .optional(),
});

const flushData = promisify(fdatasync);

/**
 * Spooled messages on disk: a file that is only appended to, so that a power cut at any instant costs at
 * most the message that was being written. It is written anew when most of it is settled.
 */
export class SpoolJournal {
  readonly #places = new Map<number, Place>();
  #file: number;
  #size = 0;
  #live = 0;
  #nextId = 1;
  #flushing: Promise<void> = Promise.resolve();
  #nextFlush: Promise<void> | undefined;

  private constructor(private readonly path: string) {
    makeFolder(dirname(path));
    this.#file = openSync(path, 'a+', 0o600);
  }

  /**
   * Opens the journal and cuts off what a power cut left incomplete.
   *
   * @returns the messages that are not settled, oldest first, and the damaged bytes that were dropped
   * @throws DeviceError ROOT_UNUSABLE
   */
  static open(path: string): {
    journal: SpoolJournal;
    entries: readonly JournalEntry[];
    droppedBytes: number;
  } {
    try {
      const journal = new SpoolJournal(path);
      return { journal, ...journal.#recover() };
    } catch (error) {
      throw new DeviceError(
        'ROOT_UNUSABLE',
        `The message spool ${path} cannot be used: ${messageOf(error)}.`,
        { cause: error },
      );
    }
  }

  /** Writes a message behind all others. @throws the system's error; nothing is written then */
  append(message: SpooledMessage): JournalEntry {
    const id = this.#nextId;
    const head = encodeHead(message);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    const record = encodeRecord(MESSAGE, id, Buffer.concat([length, head, message.payload]));
    const offset = this.#write(record);
    this.#nextId++;
    this.#places.set(id, { offset, length: record.length });
    this.#live += record.length;
    return {
      id,
      qos: message.options.qos === 1 ? 1 : 0,
      topicBytes: Buffer.byteLength(message.topic),
      payloadBytes: message.payload.length,
    };
  }

  /** @returns undefined when it cannot be read any more */
  read(id: number): SpooledMessage | undefined {
    const place = this.#places.get(id);
    if (!place) return undefined;
    const record = Buffer.alloc(place.length);
    if (readSync(this.#file, record, 0, record.length, place.offset) < record.length) return undefined;
    return decodeMessage(record.subarray(HEADER_BYTES));
  }

  /** The message need not be kept. Losing that to a power cut only means that it is sent once more. */
  settle(id: number): void {
    const place = this.#places.get(id);
    if (!place) return;
    this.#places.delete(id);
    this.#live -= place.length;
    if (this.#places.size === 0) {
      ftruncateSync(this.#file, 0);
      this.#size = 0;
    } else if (this.#size - this.#live > Math.max(SLACK_BYTES, this.#live)) {
      this.#compact();
    } else {
      this.#write(encodeRecord(SETTLED, id, Buffer.alloc(0)));
    }
  }

  /** Resolves when what was appended before is on the disk; calls at the same time share one flush. */
  flush(): Promise<void> {
    this.#nextFlush ??= this.#flushing.then(async () => {
      this.#nextFlush = undefined;
      const file = this.#file;
      this.#flushing = flushData(file).catch((error: unknown) => {
        // Written anew meanwhile, which flushes too.
        if (file === this.#file) throw error;
      });
      await this.#flushing.finally(() => {
        this.#flushing = Promise.resolve();
      });
    });
    return this.#nextFlush;
  }

  /** Nothing can be done with it afterwards. */
  close(): void {
    closeSync(this.#file);
    // Another file may get the number.
    this.#file = -1;
  }

  #recover(): { entries: readonly JournalEntry[]; droppedBytes: number } {
    const entries = new Map<number, JournalEntry>();
    const end = fstatSync(this.#file).size;
    const header = Buffer.alloc(HEADER_BYTES);
    let offset = 0;
    while (readSync(this.#file, header, 0, HEADER_BYTES, offset) === HEADER_BYTES) {
      const bodyLength = header.readUInt32BE(0);
      const length = HEADER_BYTES + bodyLength;
      if (bodyLength > MAX_BODY_BYTES || offset + length > end) break;
      const record = Buffer.alloc(length);
      readSync(this.#file, record, 0, length, offset);
      if (crc32(record.subarray(8)) !== record.readUInt32BE(4)) break;
      const id = record.readUIntBE(9, 6);
      this.#nextId = Math.max(this.#nextId, id + 1);
      const message = record[8] === MESSAGE ? decodeMessage(record.subarray(HEADER_BYTES)) : undefined;
      if (message) {
        this.#places.set(id, { offset, length });
        this.#live += length;
        entries.set(id, {
          id,
          qos: message.options.qos === 1 ? 1 : 0,
          topicBytes: Buffer.byteLength(message.topic),
          payloadBytes: message.payload.length,
        });
      } else if (record[8] === SETTLED) {
        this.#live -= this.#places.get(id)?.length ?? 0;
        this.#places.delete(id);
        entries.delete(id);
      }
      offset += length;
    }
    if (offset < end) ftruncateSync(this.#file, offset);
    this.#size = offset;
    return { entries: [...entries.values()], droppedBytes: end - offset };
  }

  /** @returns the offset of what was written */
  #write(record: Buffer): number {
    const offset = this.#size;
    try {
      if (writeSync(this.#file, record) < record.length) throw new Error('the disk is full');
    } catch (error) {
      ftruncateSync(this.#file, offset);
      throw error;
    }
    this.#size += record.length;
    return offset;
  }

  #compact(): void {
    const temporary = `${this.path}.tmp`;
    const file = openSync(temporary, 'w+', 0o600);
    const moved: { place: Place; offset: number }[] = [];
    let size = 0;
    try {
      for (const place of this.#places.values()) {
        const record = Buffer.alloc(place.length);
        readSync(this.#file, record, 0, record.length, place.offset);
        writeSync(file, record, 0, record.length, size);
        moved.push({ place, offset: size });
        size += record.length;
      }
      fsyncSync(file);
      renameSync(temporary, this.path);
    } catch (error) {
      closeSync(file);
      rmSync(temporary, { force: true });
      throw error;
    }
    closeSync(file);
    const old = this.#file;
    this.#file = openSync(this.path, 'a+', 0o600);
    closeSync(old);
    for (const { place, offset } of moved) place.offset = offset;
    this.#size = size;
  }
}

function encodeRecord(kind: number, id: number, body: Buffer): Buffer {
  const record = Buffer.alloc(HEADER_BYTES + body.length);
  record.writeUInt32BE(body.length, 0);
  record.writeUInt8(kind, 8);
  record.writeUIntBE(id, 9, 6);
  body.copy(record, HEADER_BYTES);
  record.writeUInt32BE(crc32(record.subarray(8)), 4);
  return record;
}

function encodeHead({ topic, options }: SpooledMessage): Buffer {
  const { properties } = options;
  const head: z.input<typeof Head> = {
    topic,
    qos: options.qos === 1 ? 1 : 0,
    ...(options.retain !== undefined && { retain: options.retain }),
    ...(properties && {
      properties: {
        payloadFormatIndicator: properties.payloadFormatIndicator,
        messageExpiryInterval: properties.messageExpiryInterval,
        responseTopic: properties.responseTopic,
        correlationData: properties.correlationData?.toString('base64'),
        userProperties: properties.userProperties,
        contentType: properties.contentType,
      },
    }),
  };
  return Buffer.from(JSON.stringify(head), 'utf8');
}

/** @returns undefined for a body that is none, as one of another version would be */
function decodeMessage(body: Buffer): SpooledMessage | undefined {
  if (body.length < 4) return undefined;
  const payloadStart = 4 + body.readUInt32BE(0);
  if (payloadStart > body.length) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(body.subarray(4, payloadStart).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = Head.safeParse(json);
  if (!parsed.success) return undefined;
  const { topic, qos, retain, properties } = parsed.data;
  const { correlationData, ...others } = properties ?? {};
  return {
    topic,
    payload: new Uint8Array(body.subarray(payloadStart)),
    options: {
      qos,
      ...(retain !== undefined && { retain }),
      ...(properties && {
        properties: {
          ...others,
          ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData, 'base64') }),
        },
      }),
    },
  };
}

import { MqttError, ReasonCode } from '../errors.js';
import { malformed } from './cursor.js';

/** A control packet as it came: its first byte, and all that its Remaining Length counts. */
export interface Frame {
  readonly first: number;
  readonly body: Buffer;
}

/**
 * Cuts a byte stream into control packets. What is larger than the limit is refused by its length, before it is
 * collected; a packet in one piece is not copied.
 */
export class FrameReader {
  readonly #largest: number;
  /** What is being cut; chunks that came while a packet was not whole wait behind it. */
  #bytes: Buffer = NOTHING;
  #at = 0;
  #later: Buffer[] = [];
  #length = 0;
  /** Bytes needed before it is worth looking again. */
  #needed = 2;

  /** @param largest bytes of the largest control packet, fixed header included */
  constructor(largest: number) {
    this.#largest = largest;
  }

  push(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#at === this.#bytes.length) {
      this.#bytes = chunk;
      this.#at = 0;
    } else {
      this.#later.push(chunk);
    }
  }

  /**
   * The next whole packet, if it has come.
   *
   * @throws MqttError when the length is malformed or above the limit; the reader is of no use then.
   */
  next(): Frame | undefined {
    if (this.#length < this.#needed) return undefined;
    if (this.#later.length > 0) this.#join();
    const bytes = this.#bytes;
    let at = this.#at + 1;
    let remaining = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw malformed('The Remaining Length has more than four bytes');
      const byte = bytes[at];
      if (byte === undefined) {
        this.#needed = at + 1 - this.#at;
        return undefined;
      }
      at += 1;
      remaining += (byte & 0x7f) << shift;
      if (byte < 0x80) {
        // [MQTT-1.5.5-1]
        if (byte === 0 && shift > 0) throw malformed('The Remaining Length is longer than it needs to be');
        break;
      }
    }
    const total = at - this.#at + remaining;
    // [MQTT-3.2.2-15] A packet above the Maximum Packet Size ends the connection.
    if (total > this.#largest) {
      throw new MqttError(
        ReasonCode.PacketTooLarge,
        `A packet of ${total} bytes is larger than the ${this.#largest} allowed`,
      );
    }
    if (this.#length < total) {
      this.#needed = total;
      return undefined;
    }
    const frame = { first: bytes[this.#at] as number, body: bytes.subarray(at, at + remaining) };
    this.#at = at + remaining;
    this.#length -= total;
    this.#needed = 2;
    if (this.#length === 0) {
      // An idle connection keeps nothing of what it received.
      this.#bytes = NOTHING;
      this.#at = 0;
    }
    return frame;
  }

  #join(): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#later], this.#length);
    this.#at = 0;
    this.#later = [];
  }
}

const NOTHING = Buffer.alloc(0);

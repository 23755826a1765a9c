import type { Duplex } from 'node:stream';

/** Up to this many bytes are joined into one write; a larger lot is handed over piece by piece. */
const JOINED = 64 * 1024;

/** Outboxes that have something to send at the end of this turn. */
let waiting: Outbox[] = [];

function flushAll(): void {
  const outboxes = waiting;
  waiting = [];
  for (const outbox of outboxes) outbox.flush();
}

/** Collects what is written to a stream in one turn of the event loop and hands it over at once. */
export class Outbox {
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(private readonly stream: Duplex) {}

  /** Bytes that the other side has not taken. */
  get pending(): number {
    return this.#bytes + this.stream.writableLength;
  }

  write(bytes: Buffer): void {
    if (this.#parts.length === 0) {
      if (waiting.length === 0) process.nextTick(flushAll);
      waiting.push(this);
    }
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }

  flush(): void {
    const parts = this.#parts;
    const bytes = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    const [only] = parts;
    if (!only || !this.stream.writable) return;
    if (parts.length === 1) {
      this.stream.write(only);
    } else if (bytes <= JOINED) {
      this.stream.write(Buffer.concat(parts, bytes));
    } else {
      this.stream.cork();
      for (const part of parts) this.stream.write(part);
      this.stream.uncork();
    }
  }
}

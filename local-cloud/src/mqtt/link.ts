import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { type Frame, FrameReader } from './codec/framing.js';
import type { BrokerLimits } from './limits.js';
import { Outbox } from './outbox.js';
import type { TimerWheel } from './timer-wheel.js';

/** How long a closed link is given to take what was sent last, in milliseconds. */
const LINGER = 5000;

export interface LinkEnvironment {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly limits: BrokerLimits;
}

export interface LinkOwner {
  /** Whether the next frame is wanted now; the link is not read while it is not. Ask by `Link.proceed` when that changes. */
  wants(): boolean;
  frame(frame: Frame): void;
  /** `frame` threw, or what came is no frame. */
  failed(error: unknown): void;
  /** The other side takes again what is sent to it. */
  drained(): void;
  /** The other side has taken nothing for `limits.stalled` seconds. */
  stalled(): void;
  /** The stream ended or broke. */
  lost(error?: Error): void;
}

/** A byte stream as frames in and bytes out, with flow control in both directions. */
export class Link {
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  #closed = false;
  /** Set while frames are handed over: what that brings about does not begin anew. */
  #proceeding = false;
  #lastReceived: number;
  /** Set while the other side does not take what is written to it. */
  #cancelStall: (() => void) | undefined;

  constructor(
    private readonly environment: LinkEnvironment,
    private readonly stream: Duplex,
    private readonly owner: LinkOwner,
  ) {
    this.#reader = new FrameReader(environment.limits.packet);
    this.#outbox = new Outbox(stream);
    this.#lastReceived = environment.clock.now();
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('drain', () => this.#drained());
    stream.on('end', () => owner.lost());
    stream.on('close', () => owner.lost());
    stream.on('error', (error) => owner.lost(error));
  }

  /** Milliseconds since 1970. */
  get lastReceived(): number {
    return this.#lastReceived;
  }

  /** Whether the other side takes what is written to it. */
  get flowing(): boolean {
    return this.#cancelStall === undefined;
  }

  write(bytes: Buffer): void {
    if (this.#closed) return;
    this.#outbox.write(bytes);
    const { limits, wheel, clock } = this.environment;
    if (this.#cancelStall || this.#outbox.pending <= limits.outgoingBytes) return;
    // Who does not read is not read either, so that its requests do not pile up answers.
    this.#cancelStall = wheel.at(clock.now() + limits.stalled * 1000, () => {
      this.owner.stalled();
      this.stream.destroy();
    });
    this.stream.pause();
  }

  /** Hands over the frames that have come, as far as they are wanted, and reads on or not. */
  proceed(): void {
    if (this.#proceeding) return;
    this.#proceeding = true;
    try {
      while (!this.#closed && this.owner.wants()) {
        const frame = this.#reader.next();
        if (!frame) break;
        this.owner.frame(frame);
      }
    } catch (error) {
      this.owner.failed(error);
    } finally {
      this.#proceeding = false;
    }
    if (this.#closed) return;
    if (this.owner.wants()) this.stream.resume();
    else this.stream.pause();
  }

  /** Closes, but lets the other side read what was sent last; what it still sends is thrown away. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelStall?.();
    this.#outbox.flush();
    const { stream } = this;
    if (stream.destroyed) return;
    stream.removeAllListeners('data');
    stream.end();
    stream.resume();
    const { wheel, clock } = this.environment;
    stream.once(
      'close',
      wheel.at(clock.now() + LINGER, () => stream.destroy()),
    );
  }

  /** Closes without waiting for the other side to do the same. */
  shutDown(): void {
    this.close();
    const { stream } = this;
    if (stream.writableFinished) stream.destroy();
    else stream.once('finish', () => stream.destroy());
  }

  #receive(chunk: Buffer): void {
    this.#lastReceived = this.environment.clock.now();
    this.#reader.push(chunk);
    this.proceed();
  }

  #drained(): void {
    if (!this.#cancelStall) return;
    this.#cancelStall();
    this.#cancelStall = undefined;
    try {
      this.owner.drained();
    } catch (error) {
      this.owner.failed(error);
    }
    this.proceed();
  }
}

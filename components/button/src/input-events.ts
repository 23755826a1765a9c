import { endianness } from 'node:os';

/** One event of an input device, as `struct input_event` of linux/input.h has it. */
export interface InputEvent {
  /** When it happened, in milliseconds of the device's clock; 0 when the writer did not say. */
  readonly time: number;
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

/** How `struct input_event` is laid out for a process. */
export interface InputEventLayout {
  /** Bytes of each of the two fields of the time, which are the kernel's `unsigned long`. */
  readonly wordSize: 4 | 8;
  readonly littleEndian: boolean;
}

/** The layout of this process: 24 bytes an event in 64-bit processes, 16 in 32-bit ones. */
export const nativeLayout: InputEventLayout = {
  wordSize: ['arm', 'ia32', 'mips', 'mipsel', 'ppc'].includes(process.arch) ? 4 : 8,
  littleEndian: endianness() === 'LE',
};

/** Cuts the bytes of an input device into events, however reads have cut them. */
export class InputEventParser {
  #rest = new Uint8Array(0);

  constructor(private readonly layout: InputEventLayout = nativeLayout) {}

  /** @returns the events that are complete with this chunk, in order */
  push(chunk: Uint8Array): InputEvent[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const { wordSize, littleEndian } = this.layout;
    const size = 2 * wordSize + 8;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const word = (at: number) =>
      wordSize === 8 ? Number(view.getBigInt64(at, littleEndian)) : view.getUint32(at, littleEndian);
    const events: InputEvent[] = [];
    let at = 0;
    for (; at + size <= bytes.length; at += size) {
      const fields = at + 2 * wordSize;
      events.push({
        time: word(at) * 1000 + word(at + wordSize) / 1000,
        type: view.getUint16(fields, littleEndian),
        code: view.getUint16(fields + 2, littleEndian),
        value: view.getInt32(fields + 4, littleEndian),
      });
    }
    this.#rest = Uint8Array.from(bytes.subarray(at));
    return events;
  }
}

/** `struct input_event` of a 64-bit Linux: two 64-bit time fields, type, code and value (linux/input.h). */
export const INPUT_EVENT_BYTES = 24;

export const EV_SYN = 0;
export const EV_KEY = 1;
export const SYN_REPORT = 0;
/** linux/input-event-codes.h: a key for programs to give a meaning to. */
export const KEY_PROG1 = 148;

export interface InputEvent {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

/** One event as the kernel writes it on a little-endian machine. */
export function encodeInputEvent({ time, type, code, value }: InputEvent): Buffer {
  const bytes = Buffer.alloc(INPUT_EVENT_BYTES);
  bytes.writeBigInt64LE(BigInt(Math.floor(time / 1000)), 0);
  bytes.writeBigInt64LE(BigInt((Math.floor(time) % 1000) * 1000), 8);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}

/** A key pressed (value 1) or released (0), with the report that ends every change of state. */
export function encodeKey(time: number, code: number, value: 0 | 1): Buffer {
  return Buffer.concat([
    encodeInputEvent({ time, type: EV_KEY, code, value }),
    encodeInputEvent({ time, type: EV_SYN, code: SYN_REPORT, value: 0 }),
  ]);
}

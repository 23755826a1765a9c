import { type InputEvent, type InputEventLayout, nativeLayout } from '../../button/src/input-events.js';

/** A `struct input_event`. */
export function record(
  event: InputEvent,
  { wordSize, littleEndian }: InputEventLayout = nativeLayout,
): Buffer {
  const bytes = Buffer.alloc(2 * wordSize + 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seconds = Math.floor(event.time / 1000);
  const microseconds = Math.round((event.time - seconds * 1000) * 1000);
  if (wordSize === 8) {
    view.setBigInt64(0, BigInt(seconds), littleEndian);
    view.setBigInt64(8, BigInt(microseconds), littleEndian);
  } else {
    view.setUint32(0, seconds, littleEndian);
    view.setUint32(4, microseconds, littleEndian);
  }
  view.setUint16(2 * wordSize, event.type, littleEndian);
  view.setUint16(2 * wordSize + 2, event.code, littleEndian);
  view.setInt32(2 * wordSize + 4, event.value, littleEndian);
  return bytes;
}

/** What the kernel reports for a key that is pressed and released: two events and two reports. */
export function pressRecords(key: number, time: number): Buffer {
  return Buffer.concat([
    record({ time, type: 1, code: key, value: 1 }),
    record({ time, type: 0, code: 0, value: 0 }),
    record({ time: time > 0 ? time + 80 : 0, type: 1, code: key, value: 0 }),
    record({ time: time > 0 ? time + 80 : 0, type: 0, code: 0, value: 0 }),
  ]);
}

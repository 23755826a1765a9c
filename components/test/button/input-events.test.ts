import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InputEvent, type InputEventLayout, InputEventParser } from '../../button/src/input-events.js';
import { record } from '../support/input-record.js';

const layouts: InputEventLayout[] = [
  { wordSize: 8, littleEndian: true },
  { wordSize: 8, littleEndian: false },
  { wordSize: 4, littleEndian: true },
  { wordSize: 4, littleEndian: false },
];

const event = fc.record({
  time: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  type: fc.integer({ min: 0, max: 0xffff }),
  code: fc.integer({ min: 0, max: 0xffff }),
  value: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
});

/** Cuts bytes at the given places, as reads do. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  return ends.map((end) => {
    const piece = bytes.subarray(from, end);
    from = end;
    return piece;
  });
}

describe.each(layouts)('InputEventParser with %j', (layout) => {
  it('gives back what was written, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(fc.nat()), (events, places) => {
        const bytes = Buffer.concat(events.map((written) => record(written, layout)));
        const parser = new InputEventParser(layout);
        const read: InputEvent[] = cut(bytes, places).flatMap((piece) => parser.push(piece));
        expect(read).toEqual(events);
      }),
    );
  });

  it('makes of any bytes as many events as there are whole records', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat()), (bytes, places) => {
        const parser = new InputEventParser(layout);
        const read = cut(bytes, places).flatMap((piece) => parser.push(piece));
        expect(read).toHaveLength(Math.floor(bytes.length / (layout.wordSize * 2 + 8)));
      }),
    );
  });

  it('does not look at memory that the reader uses again', () => {
    const parser = new InputEventParser(layout);
    const written = { time: 1_000, type: 1, code: 148, value: 1 };
    const bytes = record(written, layout);
    const reused = Buffer.from(bytes.subarray(0, 7));
    parser.push(reused);
    reused.fill(0xff);
    expect(parser.push(bytes.subarray(7))).toEqual([written]);
  });
});

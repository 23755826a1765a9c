import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  pieces,
  splitEvents,
  startsWithText,
  streamName,
  structuredOf,
  timeOf,
} from '../../src/log-upload/events.js';

const split = (text: string, isEnd = true, starts = startsWithText) =>
  splitEvents(Buffer.from(text), starts, isEnd).map(({ text: event }) => event);

describe('events of a log file', () => {
  it('are lines, with those that continue them', () => {
    expect(split('one\ntwo\n  at a\n\tat b\n\nthree\r\n')).toEqual(['one', 'two\n  at a\n\tat b\n', 'three']);
    expect(split('BEGIN a\nb\nBEGIN c\n', true, (line) => /BEGIN/.test(line))).toEqual([
      'BEGIN a\nb',
      'BEGIN c',
    ]);
  });

  it('are complete when another begins, or nothing follows', () => {
    expect(split('one\ntwo\n', false)).toEqual(['one']);
    expect(split('one\ntwo', false)).toEqual([]);
    expect(split('one\ntwo')).toEqual(['one', 'two']);
    expect(split('one\ntwo\nthr', false)).toEqual(['one']);
  });

  const log = fc
    .array(fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('', ' x', '\tx', 'é€😀', 'BEGIN')), {
      maxLength: 30,
    })
    .map((lines) => Buffer.from(lines.join('\n')));

  it('count every byte once', () => {
    fc.assert(
      fc.property(log, fc.boolean(), (bytes, isEnd) => {
        const events = splitEvents(bytes, startsWithText, isEnd);
        const total = events.reduce((sum, event) => sum + event.bytes, 0);
        expect(events.every((event) => event.bytes > 0)).toBe(true);
        if (isEnd) expect(total).toBe(bytes.length);
        else expect(total).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  it('are the same however the file grew', () => {
    fc.assert(
      fc.property(log, fc.array(fc.nat({ max: 200 }), { maxLength: 8 }), (bytes, cuts) => {
        const found: string[] = [];
        let position = 0;
        for (const end of [...cuts.sort((a, b) => a - b), bytes.length]) {
          const isEnd = end === bytes.length;
          if (end < position || end > bytes.length) continue;
          for (const event of splitEvents(bytes.subarray(position, end), startsWithText, isEnd)) {
            found.push(event.text);
            position += event.bytes;
          }
        }
        expect(found).toEqual(splitEvents(bytes, startsWithText, true).map(({ text }) => text));
      }),
    );
  });
});

describe('a long event', () => {
  it('goes in pieces that fit, cut between characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        fc.integer({ min: 8, max: 64 }),
        (text, max) => {
          const parts = pieces(text, max);
          expect(parts.join('')).toBe(Buffer.from(text).toString());
          for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(max);
        },
      ),
    );
    expect(pieces('')).toEqual([]);
    expect(pieces('x'.repeat(600_000)).map((part) => part.length)).toEqual([262_118, 262_118, 75_764]);
  });
});

describe('the time of an event', () => {
  it.each([
    ['2026-11-22T01:02:03.004Z [INFO] (main) x: y. {}', Date.UTC(2026, 10, 22, 1, 2, 3, 4)],
    ['[2026-11-22T01:02:03+02:00] x', Date.UTC(2026, 10, 21, 23, 2, 3)],
    ['at 2026-11-22T01:02:03Z', undefined],
    ['2026-13-45T99:99:99Z', undefined],
    ['hello', undefined],
    ['', undefined],
  ])('of %j', (text, time) => expect(timeOf(text)).toBe(time));

  it('and its level are in the nucleus’s JSON format', () => {
    expect(structuredOf('{"timestamp":5,"level":"warn","message":"x"}')).toEqual({
      timestamp: 5,
      level: 'WARN',
    });
    for (const text of [
      '{',
      '{}',
      '{"timestamp":"5","level":"INFO"}',
      '{"timestamp":5,"level":"LOUD"}',
      'x',
    ]) {
      expect(structuredOf(text)).toBeUndefined();
    }
  });

  it('never fails on any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        timeOf(text);
        structuredOf(text);
      }),
    );
  });

  it('names its stream', () => {
    expect(streamName(Date.UTC(2026, 0, 2, 23, 59), 'a:b')).toBe('/2026/01/02/thing/a+b');
  });
});

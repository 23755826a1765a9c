import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AllowlistError, parseAllowlist } from '../src/allowlist.js';
import { ButtonMessage, FrequencyMessage, parseMessage } from '../src/messages.js';
import { topics } from '../src/topics.js';

test('topics carry the thing name as one level', () => {
  expect(topics.setFrequency('1000000000000001')).toBe('device/1000000000000001/frequency');
  expect(topics.button('a:b_c-1')).toBe('lambda/a:b_c-1/button');
});

test.each(['', 'a/b', '+', '#', 'a b', `x${'y'.repeat(128)}`, '${iot:ClientId}'])(
  'thing name %j cannot widen a topic',
  (name) => {
    expect(() => topics.frequency(name)).toThrow(RangeError);
  },
);

test.each([
  ['{"frequency":0.1}', 0.1],
  ['{"frequency":50}', 50],
  ['{"frequency":2,"extra":true}', 2],
])('%s is a frequency', (payload, frequency) => {
  expect(parseMessage(FrequencyMessage, payload)).toEqual({ ok: true, value: { frequency } });
});

test.each(['', '{', 'null', '[]', '{}', '{"frequency":"2"}', '{"frequency":0}', '{"frequency":50.1}'])(
  '%j is no frequency, and says why',
  (payload) => {
    const parsed = parseMessage(FrequencyMessage, payload);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.problem).not.toBe('');
  },
);

test('any bytes parse to a message or a problem, never a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const parsed = parseMessage(ButtonMessage, bytes);
      if (parsed.ok) expect(typeof parsed.value.state).toBe('boolean');
    }),
  );
});

test('an allowlist is its serial numbers, without comments, blanks and white space', () => {
  expect([...parseAllowlist('# fleet\n\n 10 \r\nabc-1\n')]).toEqual(['10', 'abc-1']);
  expect(parseAllowlist('').size).toBe(0);
});

test.each([
  ['10\n1 1\n', 2],
  ['10\n\n# c\n10', 4],
  ['ok\nno/slash', 2],
  ['.*', 1],
])('allowlist %j names its bad line', (text, line) => {
  expect(() => parseAllowlist(text)).toThrow(expect.objectContaining({ name: 'AllowlistError', line }));
});

test('any text parses to serial numbers that stand alone on a line, or names a line', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('1', 'a', '\n', ' ', '#', '*', '-') }), (text) => {
      try {
        const lines = text.split('\n').map((line) => line.trim());
        for (const serial of parseAllowlist(text)) expect(lines).toContain(serial);
      } catch (error) {
        expect(error).toBeInstanceOf(AllowlistError);
      }
    }),
  );
});

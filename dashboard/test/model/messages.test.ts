import { expect, test } from 'vitest';
import { MessageLog, shorten } from '../../src/model/messages.js';

const frames = { next: (draw: () => void) => draw(), now: () => Number.POSITIVE_INFINITY };
const bytes = (text: string) => new TextEncoder().encode(text);

test('keeps the last two hundred, newest first', () => {
  const log = new MessageLog(frames);
  for (let at = 0; at < 300; at += 1) {
    log.add({ topic: 'device/t/frequency', payload: bytes(`{"frequency":${at}}`), at: at * 100 });
  }
  expect(log.shown.value).toHaveLength(200);
  expect(log.shown.value[0]).toMatchObject({
    toDevice: true,
    topic: 'frequency',
    payload: '{"frequency":299}',
  });
});

test('shows once what came for two subscriptions, and twice what was said twice', () => {
  const log = new MessageLog(frames);
  const message = { topic: 'lambda/t/button', payload: bytes('{"state":true}') };
  log.add({ ...message, at: 1_000 });
  log.add({ ...message, at: 1_002 });
  log.add({ ...message, at: 1_500 });
  expect(log.shown.value).toHaveLength(2);
  // Nobody follows this one for the whole fleet.
  log.add({ topic: 'device/t/button', payload: bytes('{}'), at: 2_000 });
  log.add({ topic: 'device/t/button', payload: bytes('{}'), at: 2_001 });
  expect(log.shown.value).toHaveLength(4);
});

test('shortens certificates, what is long, and what is no text', () => {
  const pem = '-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n';
  expect(shorten(bytes(`{"certificatePem":"${pem}"}`))).toBe(
    `{"certificatePem":"‹certificate, ${pem.length} characters›"}`,
  );
  expect(shorten(bytes('x'.repeat(500)))).toBe(`${'x'.repeat(400)}…`);
  expect(shorten(new Uint8Array([0xff, 0xfe]))).toBe('2 bytes');
});

import { expect, test } from 'vitest';
import { CloudProblem } from '../../src/cloud/problem.js';
import { type LiveTopics, pressButton, setFrequency } from '../../src/model/ask-device.js';
import { testClock } from '../support/test-clock.js';

type Handler = Parameters<LiveTopics['subscribe']>[1];

function liveOf(publish: (topic: string, message: object) => Promise<void>) {
  const handlers = new Set<Handler>();
  const live: LiveTopics = {
    publish,
    subscribe: (_, handler) => {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
  };
  const say = (topic: string, message: object) => {
    const payload = new TextEncoder().encode(JSON.stringify(message));
    for (const handler of [...handlers]) handler({ topic, payload, at: 0 });
  };
  return { live, say, handlers };
}

test('a frequency is set when the device says so, not when it was sent', async () => {
  const clock = testClock();
  const sent: unknown[] = [];
  const { live, say, handlers } = liveOf(async (topic, message) => void sent.push(topic, message));
  const answer = setFrequency(live, clock, 't', 5);
  say('lambda/other/frequency', { frequency: 5 });
  say('lambda/t/frequency', { frequency: 2 });
  clock.advance(300);
  say('lambda/t/frequency', { frequency: 5 });
  expect(await answer).toEqual({ value: 5, after: 300 });
  expect(sent).toEqual(['device/t/frequency', { frequency: 5 }]);
  expect(handlers.size).toBe(0);
});

test('an answer may come before the broker says that it took the message', async () => {
  const { live, say } = liveOf(() => new Promise(() => {}));
  const answer = pressButton(live, testClock(), 't');
  say('lambda/t/button', { state: false });
  expect((await answer).value).toBe(false);
});

test('no answer after ten seconds', async () => {
  const clock = testClock();
  const { live, handlers } = liveOf(async () => {});
  const answer = expect(pressButton(live, clock, 't')).rejects.toThrow('no answer in 10 s');
  clock.advance(10_000);
  await answer;
  expect(handlers.size).toBe(0);
});

test('who is refused does not wait', async () => {
  const refusal = new CloudProblem('Forbidden', 'you may not', 403);
  const { live, handlers } = liveOf(() => Promise.reject(refusal));
  await expect(setFrequency(live, testClock(), 't', 5)).rejects.toBe(refusal);
  expect(handlers.size).toBe(0);
});

test.each([0, 51, Number.NaN])('%d Hz is not sent', async (frequency) => {
  const { live } = liveOf(() => Promise.reject(new Error('sent')));
  await expect(setFrequency(live, testClock(), 't', frequency)).rejects.toThrow('between 0.1 and 50 Hz');
});

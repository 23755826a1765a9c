import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { contentOf, isAlive, numberAfter } from './processes.js';
import { startLambda } from './support.js';

const BUSY = `
  const { writeFileSync } = require('node:fs');
  const { spawn } = require('node:child_process');
  exports.handler = async (event) => {
    if (event.busy) {
      const child = spawn('sleep', ['1000']);
      writeFileSync(event.busy, 'pid=' + process.pid + ' child=' + child.pid + ' ');
      for (;;) {}
    }
    return process.pid;
  };
`;

test('a function that takes too long is ended with all that it started, in Lambda’s words', async () => {
  const clock = new ManualClock();
  const cloud = await startLambda(clock);
  await cloud.create('slow', BUSY, { Timeout: 3 });
  await cloud.invoke('slow', {});
  const busy = join(cloud.directory, 'busy');
  const late = cloud.invoke('slow', { busy }, { LogType: 'Tail' });
  const processes = await contentOf(busy);
  clock.advance(3000);
  const { FunctionError, result, LogResult, $metadata } = await late;
  expect(FunctionError).toBe('Unhandled');
  expect(result).toEqual({
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${$metadata.requestId} Error: Task timed out after 3.00 seconds`,
  });
  const log = Buffer.from(LogResult ?? '', 'base64').toString('utf8');
  expect(log).toContain(`2026-01-01T00:00:03.000Z ${$metadata.requestId} Task timed out after 3.00 seconds`);
  await vi.waitFor(() => {
    expect(isAlive(numberAfter('pid=', processes))).toBe(false);
    expect(isAlive(numberAfter('child=', processes))).toBe(false);
  });
  expect((await cloud.invoke('slow', {})).FunctionError).toBeUndefined();
});

test('a process without events is ended after a while', async () => {
  const clock = new ManualClock();
  const cloud = await startLambda(clock);
  await cloud.create('idle', BUSY);
  const { result: pid } = await cloud.invoke('idle', {});
  expect(isAlive(pid)).toBe(true);
  clock.advance(5 * 60_000);
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
  expect((await cloud.invoke('idle', {})).result).not.toBe(pid);
});

test('an asynchronous event is tried three times', async () => {
  const clock = new ManualClock();
  const cloud = await startLambda(clock);
  await cloud.create('failing', 'exports.handler = async () => { throw new Error("again"); };');
  await cloud.invoke('failing', {}, { InvocationType: 'Event' });
  const runs = () => cloud.messages('failing').filter((message) => message.startsWith('START')).length;
  for (const [attempt, wait] of [60_000, 120_000, 3_600_000].entries()) {
    await vi.waitFor(() => expect(runs()).toBe(attempt + 1));
    clock.advance(wait);
  }
  expect(runs()).toBe(3);
});

test('closing leaves no process, not even of a function that is at work', async () => {
  const cloud = await startLambda();
  await cloud.create('working', BUSY, { Timeout: 900 });
  const { result: idle } = await cloud.invoke('working', {});
  const busy = join(cloud.directory, 'busy');
  // One takes the warm process, the other a new one.
  const working = [cloud.invoke('working', { busy }), cloud.invoke('working', { busy: `${busy}-2` })];
  const ended = Promise.allSettled(working);
  const processes = [await contentOf(busy), await contentOf(`${busy}-2`)];
  await cloud.close();
  await ended;
  expect(isAlive(idle)).toBe(false);
  for (const text of processes) {
    expect(isAlive(numberAfter('pid=', text))).toBe(false);
    await vi.waitFor(() => expect(isAlive(numberAfter('child=', text))).toBe(false));
  }
});

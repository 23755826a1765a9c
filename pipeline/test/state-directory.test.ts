import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StateDirectory } from '../src/state-directory.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mooring-state-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const running = {
  pid: process.pid,
  endpointUrl: 'http://127.0.0.1:1',
  region: 'eu-west-1',
  mqttPort: 2,
  httpsPort: 3,
};

test('what runs is known while its process lives', () => {
  const state = new StateDirectory(directory);
  state.prepare();
  expect(state.running()).toBeUndefined();
  state.setRunning(running);
  expect(state.running()).toEqual(running);
  state.setRunning({ ...running, pid: 2 ** 22 + 1 });
  expect(state.running()).toBeUndefined();
  writeFileSync(join(directory, 'running.json'), '{"pid":');
  expect(state.running()).toBeUndefined();
});

test('it is not removed while something runs on it, and removed whole after', () => {
  const state = new StateDirectory(join(directory, 'state'));
  expect(state.remove()).toBe(false);
  state.prepare();
  state.setRunning(running);
  expect(() => state.remove()).toThrow(expect.objectContaining({ code: 'Running' }));
  state.clearRunning(running.pid);
  expect(state.remove()).toBe(true);
  expect(existsSync(state.path)).toBe(false);
});

test('a start that comes second leaves the record of the first', () => {
  const state = new StateDirectory(directory);
  state.prepare();
  state.setRunning(running);
  state.clearRunning(running.pid + 1);
  expect(state.running()).toEqual(running);
});

test('a directory that is not ours is never removed', () => {
  writeFileSync(join(directory, 'thesis.txt'), 'years of work');
  const state = new StateDirectory(directory);
  expect(() => state.remove()).toThrow(expect.objectContaining({ code: 'NotAStateDirectory' }));
  expect(existsSync(join(directory, 'thesis.txt'))).toBe(true);
});

test('a directory that cannot be made is named', () => {
  writeFileSync(join(directory, 'file'), '');
  const state = new StateDirectory(join(directory, 'file', 'state'));
  expect(() => state.prepare()).toThrow(
    expect.objectContaining({
      code: 'StateDirectoryNotWritable',
      message: expect.stringContaining(directory),
    }),
  );
});

test('a place where the kernel makes no directories is refused at once', () => {
  expect(() => new StateDirectory('/proc/nowhere/state').prepare()).toThrow(
    expect.objectContaining({ code: 'StateDirectoryNotWritable' }),
  );
});

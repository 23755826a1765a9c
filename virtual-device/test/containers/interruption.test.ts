import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeCommands } from '../../src/component/command-folder.js';
import { makeLayout } from '../../src/layout.js';
import { temporaryFolder } from '../support/fixtures.js';
import { TestRegistry } from '../support/images.js';

it('a pull that is killed is gone on with where it stopped', async () => {
  const registry = await TestRegistry.start();
  const reference = await registry.add('app', {
    layers: [[{ name: 'big', content: Array.from({ length: 20_000 }, (_, n) => `${n * 7919}`).join() }]],
    compress: (archive) => archive,
  });
  const layout = makeLayout(join(temporaryFolder(), 'v2'));
  writeCommands(layout, { kind: 'process', imageStore: layout.images });
  const pull = () =>
    spawn(join(layout.commands, 'docker'), ['pull', reference], { stdio: 'ignore', detached: true });
  const halfway = new Promise<void>((resolve) => {
    registry.hold = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  registry.interfere = (digest) => {
    const blob = registry.blobs.get(digest) ?? Buffer.alloc(0);
    return blob.length > 100_000 ? blob.subarray(0, 65_536) : undefined;
  };
  const first = pull();
  await halfway;
  const partial = () => readdirSync(join(layout.images, 'downloads'));
  while (partial().length === 0) await new Promise((wait) => setTimeout(wait, 5));
  process.kill(-(first.pid ?? 0), 'SIGKILL');
  await once(first, 'exit');
  registry.interfere = () => undefined;
  const [code] = await once(pull(), 'exit');
  expect(code).toBe(0);
  expect(partial()).toEqual([]);
  expect(readdirSync(join(layout.images, 'making'))).toEqual([]);
  expect(readdirSync(join(layout.images, 'layers'))).toHaveLength(1);
});

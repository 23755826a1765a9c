import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PULUMI_VERSION } from '../../src/deploy/prerequisites.js';
import { installedPulumi } from '../../src/deploy/pulumi-command.js';

const root = mkdtempSync(join(tmpdir(), 'mooring-pulumi-'));
const bin = join(root, 'bin');
mkdirSync(bin);
writeFileSync(join(bin, 'pulumi'), `#!/bin/sh\necho v${PULUMI_VERSION}\n`);
chmodSync(join(bin, 'pulumi'), 0o755);
afterAll(() => rmSync(root, { recursive: true }));

test('the command on the PATH is used when it will do', async () => {
  expect(await installedPulumi({ PATH: bin }, join(root, 'empty'))).toBeUndefined();
});

test('otherwise the one that was installed before', async () => {
  const command = await installedPulumi({ PATH: '/nowhere' }, root);
  expect(command?.command).toBe(join(bin, 'pulumi'));
});

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { INFRASTRUCTURE } from '../../src/deploy/fleet-stack.js';
import { readStackConfig } from '../../src/deploy/stack-config.js';
import { stacks } from '../../src/target.js';

const directory = mkdtempSync(join(tmpdir(), 'mooring-stack-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const name = join(directory, 'Pulumi.test.yaml');
  writeFileSync(name, text);
  return name;
}

describe('readStackConfig', () => {
  it('reads every value as text', async () => {
    expect(await readStackConfig(file('config:\n  a:b: 7\n  a:c: "x"\n  a:d: true\n'))).toEqual({
      'a:b': '7',
      'a:c': 'x',
      'a:d': 'true',
    });
    expect(await readStackConfig(file(''))).toEqual({});
    expect(await readStackConfig(file('encryptionsalt: v1:x\n'))).toEqual({});
  });

  it.each([
    ['config: [', /is not YAML/],
    ['config: 7', /Pulumi\.test\.yaml: config: /],
    ['config:\n  a:b:\n    secure: x', /config\.a:b: /],
  ])('refuses %j', async (text, message) => {
    await expect(readStackConfig(file(text))).rejects.toThrow(message);
  });

  it('names a file that is missing', async () => {
    await expect(readStackConfig(join(directory, 'Pulumi.none.yaml'))).rejects.toThrow(
      /Pulumi\.none\.yaml cannot be read/,
    );
  });

  it('finds a file for each stack, and no other', () => {
    const found = readdirSync(INFRASTRUCTURE).flatMap(
      (name) => /^Pulumi\.(\w+)\.yaml$/.exec(name)?.[1] ?? [],
    );
    expect(found.sort()).toEqual([...stacks].sort());
  });
});

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { scanSecrets } from '../../src/scan/secrets.js';

const root = mkdtempSync(join(tmpdir(), 'mooring-secrets-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: 'pipe' });
const key = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });

test('says that there is no repository', async () => {
  await expect(scanSecrets(root)).rejects.toThrow(/^git does not tell which files it tracks: /);
});

test('finds private keys and tokens in the files that git tracks, and does not repeat them', async () => {
  git('init', '--quiet');
  const token = `ghp_${randomBytes(18).toString('hex')}`;
  mkdirSync(join(root, 'deep'));
  writeFileSync(join(root, 'deep', 'token.ts'), `// Nothing here.\nexport const token = '${token}';\n`);
  writeFileSync(join(root, 'key.pem'), key());
  writeFileSync(join(root, 'untracked.pem'), key());
  writeFileSync(join(root, 'gone.pem'), key());
  writeFileSync(join(root, 'picture.png'), Buffer.from([0, 1, 2, 3]));
  git('add', 'deep', 'key.pem', 'gone.pem', 'picture.png');
  rmSync(join(root, 'gone.pem'));
  const report = await scanSecrets(root);
  expect(report).toMatchObject({ scan: 'secrets', looked: '4 files' });
  expect(report.findings.map(({ where }) => where).sort()).toEqual(['deep/token.ts:2', 'key.pem:1']);
  expect(JSON.stringify(report)).not.toContain(token);
});

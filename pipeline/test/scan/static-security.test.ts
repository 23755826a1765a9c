import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { scanStatic } from '../../src/scan/static-security.js';

const root = mkdtempSync(join(tmpdir(), 'mooring-static-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder with one compiled program; each of its lines stands a line later in its source. */
function program(folder: string, code: string, { withSource = true } = {}): void {
  for (const name of ['dist', 'src']) mkdirSync(join(root, folder, name), { recursive: true });
  writeFileSync(join(root, folder, 'dist', 'main.js'), code);
  const mappings = `AACA${';AACA'.repeat(code.split('\n').length - 1)}`;
  writeFileSync(
    join(root, folder, 'dist', 'main.js.map'),
    JSON.stringify({ version: 3, file: 'main.js', sources: ['../src/main.ts'], names: [], mappings }),
  );
  if (withSource) writeFileSync(join(root, folder, 'src', 'main.ts'), `\n${code}`);
}

test.each([
  ['evaluated text', 'eval(text);', 'no-eval'],
  ['a command of parts', "import { exec } from 'node:child_process';\nexec(`rm ${path}`);", 'child-process'],
  ['an expression that takes for ever', 'export const e = /(a+)+b$/;', 'no-super-linear-backtracking'],
  ['an expression from outside', 'export const e = new RegExp(text);', 'non-literal-regexp'],
  ['TLS without trust', 'connect({ rejectUnauthorized: false });', 'no TLS'],
  ['a shell', "spawn('ls', { shell: true });", 'What a shell reads'],
  ['a broken hash', "createHash('md5');", 'SHA-256'],
  ['a broken hash, elsewhere', "crypto.createHmac('SHA1', key);", 'SHA-256'],
])('finds %s, and tells the line of the source', async (_, code, says) => {
  program('found', code);
  const { findings } = await scanStatic(root, ['found']);
  const line = code.split('\n').length + 1;
  expect(findings).toEqual([{ where: `found/src/main.ts:${line}`, what: expect.stringContaining(says) }]);
});

test('lets pass what has a reason, and nothing that has none or needs none', async () => {
  const exception = '// eslint-disable-next-line no-eval';
  program('reason', `${exception} -- the text is ours\neval(text);`);
  expect(await scanStatic(root, ['reason'])).toMatchObject({
    looked: '1 files, 1 exceptions with reasons',
    findings: [],
  });
  program('reason', `${exception}\neval(text);`);
  expect((await scanStatic(root, ['reason'])).findings).toEqual([
    { where: 'reason/src/main.ts:3', what: expect.stringContaining('gives no reason (no-eval)') },
  ]);
  program('reason', `${exception} -- the text is ours\nuse(text);`);
  expect((await scanStatic(root, ['reason'])).findings).toEqual([
    { where: 'reason/src/main.ts:2', what: expect.stringMatching(/^Unused eslint-disable directive/) },
  ]);
});

test('leaves out what has no source any more, and says what is not built', async () => {
  program('removed', 'eval(text);', { withSource: false });
  expect(await scanStatic(root, ['removed'])).toMatchObject({ findings: [] });
  await expect(scanStatic(root, ['nothing'])).rejects.toThrow(
    'nothing is not built: run npm run build first',
  );
});

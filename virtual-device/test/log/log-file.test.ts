import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatLogEvent } from '../../src/log/greengrass-log.js';
import { LogFile } from '../../src/log/log-file.js';
import { temporaryFolder } from '../support/fixtures.js';

it('bounds each file and all of them together, dropping the oldest', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'c.log');
  const log = new LogFile(path, { fileBytes: 100, totalBytes: 400 });
  new LogFile(join(folder, 'c_other.log'), { fileBytes: 100, totalBytes: 400 }).write(['kept'], 0);
  for (let line = 0; line < 200; line++)
    log.write([`line ${line}`], Date.UTC(2026, 0, 1, Math.floor(line / 50)));
  const files = readdirSync(folder).filter((file) => /^c(_2026.*)?\.log$/.test(file));
  expect(files.length).toBeGreaterThan(2);
  expect(files.every((file) => statSync(join(folder, file)).size <= 100)).toBe(true);
  expect(files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)).toBeLessThanOrEqual(400);
  expect(readFileSync(path, 'utf8')).toMatch(/line 199\n$/);
  expect(files).toContain('c.log');
  expect(readdirSync(folder)).toContain('c_other.log');
  const rotated = files.filter((file) => file !== 'c.log').sort();
  expect(
    rotated.map((file) => readFileSync(join(folder, file), 'utf8')).join('') + readFileSync(path, 'utf8'),
  ).toMatch(/^(line \d+\n)+$/);
});

it('never breaks a line', () => {
  const line = formatLogEvent(
    { level: 'warn', thread: 't', logger: 'l', message: 'a\nb\r', fields: { k: 'c\nd' } },
    0,
  );
  expect(line).toBe('1970-01-01T00:00:00.000Z [WARN] (t) l: a\\nb. {k=c\\nd}');
});

it('bounds what comes at once, too', () => {
  const folder = temporaryFolder();
  const log = new LogFile(join(folder, 'c.log'), { fileBytes: 100, totalBytes: 400 });
  log.write(
    Array.from({ length: 1000 }, (_, line) => `line ${line}`),
    0,
  );
  const sizes = readdirSync(folder).map((file) => statSync(join(folder, file)).size);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(400);
  expect(readFileSync(join(folder, 'c.log'), 'utf8')).toMatch(/line 999\n$/);
});

it('goes on when somebody takes its file away', () => {
  const path = join(temporaryFolder(), 'c.log');
  const log = new LogFile(path, { fileBytes: 20, totalBytes: 400 });
  log.write(['x'.repeat(15)], 0);
  rmSync(path);
  for (const line of ['first', 'second', 'third']) log.write([line.padEnd(10)], 0);
  expect(readFileSync(path, 'utf8')).toMatch(/third/);
});

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatLogEvent } from '../../src/log/greengrass-log.js';
import { LogFile } from '../../src/log/log-file.js';
import { temporaryFolder } from '../support/fixtures.js';

it('bounds each file and all of them together, dropping the oldest', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'c.log');
  const log = new LogFile(path, { fileBytes: 100, totalBytes: 400 });
  new LogFile(join(folder, 'c_other.log'), { fileBytes: 100, totalBytes: 400 }).write('kept', 0);
  for (let line = 0; line < 200; line++)
    log.write(`line ${line}`, Date.UTC(2026, 0, 1, Math.floor(line / 50)));
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

import { existsSync, readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';

/** Whether a process runs; one that ended and waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return stat !== '' && !/\) Z /.test(stat);
  } catch {
    return false;
  }
}

/** The number behind a label in a text. */
export function numberAfter(label: string, text: string): number {
  const found = new RegExp(`${label}(\\d+)`).exec(text)?.[1];
  if (found === undefined) throw new Error(`There is no ${label} in ${text}`);
  return Number(found);
}

/** The text of a file as soon as it has some. */
export function contentOf(file: string): Promise<string> {
  return vi.waitFor(
    () => {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      expect(text).not.toBe('');
      return text;
    },
    { timeout: 30_000 },
  );
}

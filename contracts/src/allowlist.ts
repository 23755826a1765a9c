import { THING_NAME } from './topics.js';

/** A line of an allowlist that is neither a serial number nor a comment. */
export class AllowlistError extends Error {
  override readonly name = 'AllowlistError';

  /** @param line the line's number, counted from 1. */
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(`allowlist line ${line}: ${problem}`);
  }
}

/**
 * Parses an allowlist: one serial number a line; blank lines and lines that start with `#` are skipped,
 * white space around a serial number too.
 *
 * @returns the serial numbers, in the order of the file.
 * @throws AllowlistError naming the first line that is malformed or listed twice.
 */
export function parseAllowlist(text: string): ReadonlySet<string> {
  const serials = new Set<string>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (!THING_NAME.test(line)) {
      throw new AllowlistError(
        index + 1,
        `${JSON.stringify(line)} is not a serial number (1 to 128 letters, digits, ":", "_" or "-")`,
      );
    }
    if (serials.has(line)) throw new AllowlistError(index + 1, `serial number ${line} is listed twice`);
    serials.add(line);
  }
  return serials;
}

/**
 * Adds serial numbers to an allowlist's text, each on a line at its end; those that are listed already change
 * nothing.
 *
 * @throws AllowlistError when the text is malformed.
 */
export function withSerials(text: string, serials: readonly string[]): string {
  const listed = parseAllowlist(text);
  const added = [...new Set(serials)].filter((serial) => !listed.has(serial));
  if (added.length === 0) return text;
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${end}${added.join('\n')}\n`;
}

/**
 * Takes the lines of these serial numbers out of an allowlist's text; all other lines, comments too, stay as they
 * are.
 *
 * @throws AllowlistError when the text is malformed.
 */
export function withoutSerials(text: string, serials: readonly string[]): string {
  parseAllowlist(text);
  const gone = new Set(serials);
  return text
    .split(/(?<=\n)/)
    .filter((line) => !gone.has(line.trim()))
    .join('');
}

import { parseAllowlist, THING_NAME } from '@mooring/contracts';
import { MooringError } from '../errors.js';

/**
 * Adds serial numbers to an allowlist's text, each on a line at its end; those that are listed already change
 * nothing.
 *
 * @throws AllowlistError when the text is malformed; MooringError when a serial number is.
 */
export function withSerials(text: string, serials: readonly string[]): string {
  checkSerials(serials);
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
 * @throws AllowlistError when the text is malformed; MooringError when a serial number is.
 */
export function withoutSerials(text: string, serials: readonly string[]): string {
  checkSerials(serials);
  parseAllowlist(text);
  const gone = new Set(serials);
  return text
    .split(/(?<=\n)/)
    .filter((line) => !gone.has(line.trim()))
    .join('');
}

function checkSerials(serials: readonly string[]): void {
  const wrong = serials.find((serial) => !THING_NAME.test(serial));
  if (wrong === undefined) return;
  throw new MooringError(
    'InvalidSerial',
    `"${wrong}" is not a serial number: use 1 to 128 letters, digits, ":", "_" or "-"`,
  );
}

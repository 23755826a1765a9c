import * as contracts from '@mooring/contracts';
import { MooringError } from '../errors.js';

/**
 * Adds serial numbers to an allowlist's text, each on a line at its end; those that are listed already change
 * nothing.
 *
 * @throws AllowlistError when the text is malformed; MooringError when a serial number is.
 */
export function withSerials(text: string, serials: readonly string[]): string {
  checkSerials(serials);
  return contracts.withSerials(text, serials);
}

/**
 * Takes the lines of these serial numbers out of an allowlist's text; all other lines, comments too, stay as they
 * are.
 *
 * @throws AllowlistError when the text is malformed; MooringError when a serial number is.
 */
export function withoutSerials(text: string, serials: readonly string[]): string {
  checkSerials(serials);
  return contracts.withoutSerials(text, serials);
}

function checkSerials(serials: readonly string[]): void {
  const wrong = serials.find((serial) => !contracts.THING_NAME.test(serial));
  if (wrong === undefined) return;
  throw new MooringError(
    'InvalidSerial',
    `"${wrong}" is not a serial number: use 1 to 128 letters, digits, ":", "_" or "-"`,
  );
}

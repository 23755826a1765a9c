import { THING_NAME } from '@mooring/contracts';
import { MooringError } from '../errors.js';

/** @throws MooringError when `thing` cannot be a thing name. */
export function checkThing(thing: string): void {
  if (!THING_NAME.test(thing)) {
    throw new MooringError(
      'InvalidThing',
      `"${thing}" is not a thing name: a device is named by its serial number, 1 to 128 letters, digits, ":", "_" or "-"`,
    );
  }
}

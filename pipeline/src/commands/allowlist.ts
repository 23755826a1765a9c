import { readFile } from 'node:fs/promises';
import { MooringError } from '../errors.js';

/**
 * Reads an allowlist's text.
 *
 * @throws MooringError `NoAllowlist`
 */
export async function readAllowlistFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new MooringError(
      'NoAllowlist',
      `The allowlist ${file} cannot be read: make it, with one serial number a line`,
    );
  }
}

import { fileURLToPath } from 'node:url';
import { names } from '@mooring/contracts';

/**
 * The module that each Lambda function starts from, by the function's name; its export `handler` is called.
 * Importing this list loads none of them.
 */
export const functionEntries: Readonly<Record<string, string>> = {
  [names.allowlistFunction]: fileURLToPath(new URL('./allowlist-hook/index.js', import.meta.url)),
};

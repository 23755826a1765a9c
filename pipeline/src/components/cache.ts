import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where downloads and what is made of them are kept: `MOORING_CACHE_DIRECTORY`, or `mooring` below
 * `XDG_CACHE_HOME` (XDG Base Directory Specification), or `~/.cache/mooring`. It may be deleted at any time.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env.MOORING_CACHE_DIRECTORY || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mooring');
}

import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether every user may enter a folder. */
function isOpenToAll(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false;
  return folder === dirname(folder) || isOpenToAll(dirname(folder));
}

/**
 * Whether tests can run programs of this repository as another user: they run as root, and the repository
 * does not lie where only its owner may read.
 */
export const otherUsersRunPrograms = process.getuid?.() === 0 && isOpenToAll(import.meta.dirname);

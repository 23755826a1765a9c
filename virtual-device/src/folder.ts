import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it; one that is there already is fine. Node's own recursive `mkdir` never
 * returns where the kernel makes no folders, as below `/proc`.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  if (dirname(path) === path) return true;
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // What cannot be seen is left to `mkdir`, which says why.
  }
}

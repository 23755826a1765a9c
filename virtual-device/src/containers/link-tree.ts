import { chmod, copyFile, lchown, link, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';

const IS_ROOT = process.getuid?.() === 0;

/**
 * Makes a copy of a folder that shares its files by hard links; folders and symbolic links are its own.
 *
 * @throws the system's error EPERM for files of another owner, where Linux lets them not be linked
 *   (`fs.protected_hardlinks`)
 */
export async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await linkTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (entry.isFile()) await linkFile(source, target);
  }
  const { mode, uid, gid } = await lstat(from);
  if (IS_ROOT) await lchown(to, uid, gid);
  // Its maker fills and removes it.
  await chmod(to, (mode & 0o7777) | (IS_ROOT ? 0 : 0o700));
}

async function linkFile(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EXDEV' || code === 'EMLINK') await copyFile(source, target);
    else throw error;
  }
}

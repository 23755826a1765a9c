import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

/**
 * A folder for PATH with one command, a Node.js program, that stands where a tool of libgpiod 2 would: a
 * machine that runs tests has no GPIO lines.
 */
export async function toolFolder(tool: string, program: string): Promise<string> {
  const folder = await temporaryFolder();
  const path = join(folder, tool);
  await writeFile(path, `#!${process.execPath}\n${program}\n`);
  await chmod(path, 0o755);
  return folder;
}

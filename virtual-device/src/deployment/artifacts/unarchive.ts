import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve, sep } from 'node:path';
import { unzipSync } from 'fflate';
import { messageOf } from '../../errors.js';
import { DeploymentError } from '../failure.js';

/** No archive may unpack to more than this many bytes. */
const MAX_UNPACKED_BYTES = 2 ** 30;

/**
 * Unpacks a ZIP archive into a folder that takes the place of what is there.
 *
 * @param mode of the files
 * @throws DeploymentError
 */
export function unzip(archive: string, target: string, mode: number): void {
  const fresh = `${target}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const [name, content] of Object.entries(readEntries(archive))) {
    const path = resolve(fresh, name);
    if (path !== fresh && !path.startsWith(fresh + sep)) {
      rmSync(fresh, { recursive: true, force: true });
      throw invalid(`${basename(archive)} holds ${name}, which leads out of its folder`);
    }
    if (name.endsWith('/')) mkdirSync(path, { recursive: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content, { mode });
    }
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
}

function readEntries(archive: string): Record<string, Uint8Array> {
  let total = 0;
  try {
    return unzipSync(readFileSync(archive), {
      filter: ({ originalSize }) => {
        total += originalSize;
        if (total > MAX_UNPACKED_BYTES)
          throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
        return true;
      },
    });
  } catch (error) {
    throw invalid(`${basename(archive)} is no ZIP archive: ${messageOf(error)}`);
  }
}

function invalid(message: string): DeploymentError {
  return new DeploymentError(['ARTIFACT_DOWNLOAD_ERROR', 'IO_UNZIP_ERROR'], `${message}.`);
}

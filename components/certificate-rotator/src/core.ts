import { readFile, stat } from 'node:fs/promises';
import { errnoOf } from '../../runtime/src/errors.js';

/**
 * Which run of the core device is there now. Each makes its IPC socket anew, so boot id and the socket's own marks
 * tell one run from the next, whatever becomes of the time of day.
 *
 * @param socket the path of the IPC socket
 */
export async function coreRun(socket: string): Promise<string> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  try {
    const { dev, ino, mtimeNs } = await stat(socket, { bigint: true });
    return `${boot} ${dev}:${ino} ${mtimeNs}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return `${boot} none`;
    throw error;
  }
}

import { type FSWatcher, readFileSync, rmSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Watches for a request that a command makes of the agent by a file; one of an earlier run is dropped.
 *
 * @param request the file that a request is
 * @param onRequest called once, with the command that asked
 * @returns ends the watch
 */
export function watchRequest(request: string, onRequest: (command: string) => void): () => void {
  rmSync(request, { force: true });
  let watcher: FSWatcher | undefined;
  const look = () => {
    let command: string;
    try {
      command = readFileSync(request, 'utf8').trim();
    } catch {
      return; // Another file.
    }
    // The shell makes the file before it writes the command.
    if (command === '') return;
    watcher?.close();
    watcher = undefined;
    rmSync(request, { force: true });
    onRequest(command);
  };
  watcher = watch(dirname(request), (_event, name) => {
    if (name === basename(request)) look();
  });
  watcher.on('error', () => {});
  return () => watcher?.close();
}

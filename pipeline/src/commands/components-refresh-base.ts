import { Command } from 'commander';
import { processOutput } from '../output.js';

/** `mooring components refresh-base` */
export function refreshBaseCommand(): Command {
  return new Command('refresh-base')
    .description('pin the base of the images anew: the newest Node.js of its line, and what Debian has now')
    .option('--json', 'print the result as JSON')
    .action(async (options: { json?: true }) => {
      const { refreshLock } = await import('../components/base/refresh.js');
      const { lockFile } = await import('../components/base/lock.js');
      const out = processOutput(options.json === true);
      const lock = await refreshLock(out.progress, Date.now());
      out.line(`Wrote ${lockFile}`);
      out.data(lock);
    });
}

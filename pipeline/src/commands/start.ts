import { join } from 'node:path';
import { Command } from 'commander';
import { repositoryRoot } from '../repository.js';
import type { RunOptions } from '../start/run.js';
import { type CommonOptions, contextOf, wholeNumber, withCommonOptions } from './context.js';

interface StartArguments extends CommonOptions, RunOptions {}

/** `mooring start` */
export function startCommand(): Command {
  return withCommonOptions(new Command('start'))
    .description('run the whole system on this machine: cloud, infrastructure, devices; Ctrl-C stops it')
    .option('--devices <count>', 'how many virtual devices to boot', wholeNumber(0, 1000), 2)
    .option(
      '--allowlist <file>',
      'serial numbers that may join, one a line',
      join(repositoryRoot, 'allowlist.txt'),
    )
    .option('--http-port <port>', 'AWS APIs over HTTP; 0: any free port', wholeNumber(0, 65535), 4566)
    .option('--mqtt-port <port>', 'MQTT over mutual TLS; 0: any free port', wholeNumber(0, 65535), 8883)
    .option('--https-port <port>', 'HTTPS over mutual TLS; 0: any free port', wholeNumber(0, 65535), 8443)
    .option('--timings', 'print how long each stage took')
    .action(async (options: StartArguments) => {
      const { runSystem } = await import('../start/run.js');
      const { out, state } = contextOf(options);
      await runSystem(options, state, out);
    });
}

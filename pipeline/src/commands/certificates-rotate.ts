import { componentNames } from '@mooring/contracts';
import { Command } from 'commander';
import type { RotatedThing } from '../certificates/rotate.js';
import type { Output } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, wholeNumber, withStack } from './context.js';

interface RotateArguments extends CommonOptions {
  stack: Stack;
  wait: boolean;
  timeout: number;
}

const HELP = `
Devices whose certificate expires within 30 days are asked by themselves, every day; \`mooring certificates audit\`
does so now. The exit status is 1 when a device was refused, or was not through in time.`;

/** `mooring certificates rotate` */
export function rotateCertificatesCommand(): Command {
  return withStack(new Command('rotate'))
    .description('ask devices for new certificates now, and wait until the old ones are gone')
    .argument('<things...>', 'the devices: their serial numbers')
    .option('--no-wait', 'do not wait for the devices')
    .option('--timeout <seconds>', 'wait no longer than this', wholeNumber(1), 120)
    .addHelpText('after', HELP)
    .action(async (things: string[], options: RotateArguments) => {
      const { rotateCertificates } = await import('../certificates/rotate.js');
      const { out, ownTarget } = contextOf(options);
      const { wait, timeout } = options;
      const rotated = await rotateCertificates(await ownTarget(), things, {
        wait,
        timeout,
        onProgress: out.progress,
      });
      for (const one of rotated) out.line(rotatedLine(one, timeout, out));
      out.data(rotated);
      if (rotated.some(({ outcome }) => outcome === 'refused' || outcome === 'unfinished')) {
        process.exitCode = 1;
      }
    });
}

function rotatedLine(rotated: RotatedThing, timeout: number, out: Output): string {
  const { thing, outcome, certificateId = '', old, stage, reason } = rotated;
  const ids = (list: readonly string[]) => list.map((id) => id.slice(0, 8)).join(', ');
  switch (outcome) {
    case 'rotated':
      return `${thing} ${out.style('green', `has certificate ${ids([certificateId])}`)}; ${ids(old.filter((id) => id !== certificateId))} is revoked and deleted`;
    case 'requested':
      return `${thing} was asked`;
    case 'away':
      return `${thing} ${out.style('yellow', 'is not connected')}: it was asked, and rotates when it is back`;
    case 'unfinished':
      return `${thing} ${out.style('red', `was not through within ${timeout} s`)}: ${stage}; see with \`mooring status\` whether it is connected and ${componentNames.certificateRotator} runs`;
    case 'refused':
      return `${thing} ${out.style('red', 'was refused')}: ${reason}`;
  }
}

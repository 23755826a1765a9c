import { Command, InvalidArgumentError } from 'commander';
import { type CommonOptions, contextOf, wholeNumber, withCommonOptions } from './context.js';

interface CostOptions extends CommonOptions {
  devices: number;
  messageBytes: number;
  perMinute: number;
}

/** The largest payload that AWS IoT Core takes (AWS IoT Core endpoints and quotas). */
const LARGEST_MESSAGE = 128 * 1024;

/** `mooring cost` */
export function costCommand(): Command {
  return withCommonOptions(new Command('cost'))
    .description('what a fleet costs on AWS in a month, by service; asks no account')
    .option('--devices <number>', 'devices of the fleet', wholeNumber(1, 10_000_000), 100)
    .option(
      '--message-bytes <bytes>',
      'payload of a message, at most 131072',
      wholeNumber(1, LARGEST_MESSAGE),
      10_240,
    )
    .option('--per-minute <messages>', 'messages of each device in a minute', rate, 1)
    .action(async ({ devices, messageBytes, perMinute, ...options }: CostOptions) => {
      const { compareDesigns } = await import('../cost/estimate.js');
      const { costLines } = await import('../cost/render.js');
      const { PRICE_REGION, prices } = await import('../cost/prices.js');
      const { out } = contextOf(options);
      const comparison = compareDesigns({ devices, messageBytes, perMinute });
      for (const line of costLines(comparison, out)) out.line(line);
      out.data({ ...comparison, region: PRICE_REGION, prices });
    });
}

function rate(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number <= 6_000) return number;
  throw new InvalidArgumentError('It must be a number from 0 to 6000.');
}

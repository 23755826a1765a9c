import { Command } from 'commander';
import { statusTable } from '../fleet/status-table.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring status` */
export function statusCommand(): Command {
  return withStack(new Command('status'))
    .description('the devices of the fleet: connection, certificate, health and components')
    .action(async (options: CommonOptions & { stack: Stack }) => {
      const { fleetStatus } = await import('../fleet/status.js');
      const { out, target } = contextOf(options);
      const devices = await fleetStatus(target());
      out.data(devices);
      out.line(devices.length > 0 ? statusTable(devices, out) : 'No device has joined the fleet yet');
    });
}

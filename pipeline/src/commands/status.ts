import { Command } from 'commander';
import { certificatesData } from '../certificates/certificates-table.js';
import { brokenLines, deploymentLine, statusTable } from '../fleet/status-table.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring status` */
export function statusCommand(): Command {
  return withStack(new Command('status'))
    .description(
      'the fleet: connection, certificate, health and components of its devices, the deployment in force, what is broken',
    )
    .action(async (options: CommonOptions & { stack: Stack }) => {
      const { fleetOverview } = await import('../fleet/overview.js');
      const { out, target } = contextOf(options);
      const { devices, deployment, broken } = await fleetOverview(target());
      out.data({
        devices: devices.map((device) => ({ ...device, ...certificatesData(device, Date.now()) })),
        deployment,
        broken,
      });
      out.line(devices.length > 0 ? statusTable(devices, out) : 'No device has joined the fleet yet');
      out.line();
      out.line(deploymentLine(deployment));
      for (const line of brokenLines(broken, out)) out.line(line);
    });
}

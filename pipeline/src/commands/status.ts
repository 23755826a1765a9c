import { Command } from 'commander';
import { type DeviceStatus, fleetStatus } from '../fleet/status.js';
import { type Output, table } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring status` */
export function statusCommand(): Command {
  return withStack(new Command('status'))
    .description('the devices of the fleet: connection, certificate, health and components')
    .action(async (options: CommonOptions & { stack: Stack }) => {
      const { out, target } = contextOf(options);
      const devices = await fleetStatus(target());
      out.data(devices);
      out.line(devices.length > 0 ? statusTable(devices, out) : 'No device has joined the fleet yet');
    });
}

/** The fleet as a table for people. */
export function statusTable(devices: readonly DeviceStatus[], out: Output): string {
  const rows = devices.map((device) => [
    device.thing,
    connection(device, out),
    device.health === undefined
      ? '-'
      : out.style(device.health === 'HEALTHY' ? 'green' : 'red', device.health),
    device.certificates
      .map(({ certificateId, status }) => `${certificateId.slice(0, 8)} ${status}`)
      .join(', ') || '-',
    device.components.map(({ name, version, state }) => `${name} ${version} ${state}`).join(', ') || '-',
  ]);
  return table(['DEVICE', 'CONNECTION', 'HEALTH', 'CERTIFICATE', 'COMPONENTS'], rows);
}

function connection({ connected }: DeviceStatus, out: Output): string {
  if (connected === undefined) return '-';
  return connected ? out.style('green', 'connected') : out.style('yellow', 'disconnected');
}

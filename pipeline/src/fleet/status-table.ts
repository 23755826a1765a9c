import { type Output, table } from '../output.js';
import type { DeviceStatus } from './status.js';

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

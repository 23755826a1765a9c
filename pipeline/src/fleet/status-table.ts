import { rotationText } from '../certificates/certificates-table.js';
import { daysLeft, isUnderWay } from '../certificates/rotation.js';
import { type Output, table } from '../output.js';
import type { BrokenStatus, DeploymentStatus } from './overview.js';
import type { DeviceStatus } from './status.js';

/**
 * The fleet as a table for people.
 *
 * @param now milliseconds since 1970.
 */
export function statusTable(devices: readonly DeviceStatus[], out: Output, now = Date.now()): string {
  const rows = devices.map((device) => [
    device.thing,
    connection(device, out),
    device.health === undefined
      ? '-'
      : out.style(device.health === 'HEALTHY' ? 'green' : 'red', device.health),
    certificateText(device, out, now),
    componentsText(device.components, out),
  ]);
  return table(['DEVICE', 'CONNECTION', 'HEALTH', 'CERTIFICATE', 'COMPONENTS'], rows);
}

/** The certificates, and what there is to know of their rotation: nothing while it is not due. */
function certificateText({ certificates, rotation }: DeviceStatus, out: Output, now: number): string {
  const texts = certificates.map(({ certificateId, status }) => `${certificateId.slice(0, 8)} ${status}`);
  if (texts.length === 0) return '-';
  if (!isUnderWay(rotation) || rotation.state === 'no certificate') return texts.join(', ');
  const [soonest] = certificates.flatMap(({ expires }) => expires ?? []).sort((a, b) => a - b);
  const days = Math.floor(daysLeft(soonest, now));
  const due = days < 0 ? 'one has expired' : `expires in ${days} d`;
  const text = rotation.state === 'due' ? out.style('yellow', due) : rotationText(rotation, out, now);
  return `${texts.join(', ')}, ${text}`;
}

function connection({ connected }: DeviceStatus, out: Output): string {
  if (connected === undefined) return '-';
  return connected ? out.style('green', 'connected') : out.style('yellow', 'disconnected');
}

/** AWS's own components are only counted while they run. */
function componentsText(components: DeviceStatus['components'], out: Output): string {
  const isWell = ({ name, state }: DeviceStatus['components'][number]) =>
    name.startsWith('aws.greengrass.') && ['RUNNING', 'FINISHED'].includes(state);
  const shown = components.filter((component) => !isWell(component));
  const counted = components.length - shown.length;
  return (
    [
      ...shown.map((component) => componentText(component, out)),
      ...(counted > 0 ? [`${counted} of AWS`] : []),
    ].join(', ') || '-'
  );
}

function componentText({ name, version, state }: DeviceStatus['components'][number], out: Output): string {
  const text = `${name} ${version} ${state}`;
  return state === 'BROKEN' ? out.style('red', text) : text;
}

/** The deployment in force, in a line. */
export function deploymentLine(deployment: DeploymentStatus | undefined): string {
  if (deployment === undefined) return 'Nothing is deployed to the fleet yet';
  const { revision, status, created, devices } = deployment;
  const counts = Object.entries(devices).map(([outcome, count]) => `${count} ${outcome}`);
  const when = created === undefined ? '' : ` of ${created}`;
  const stopped = status === 'ACTIVE' ? '' : `, ${status}: it reaches no further device`;
  return `Deployment revision ${revision}${when}${stopped}: ${counts.join(', ') || 'no device has it yet'}`;
}

/** A line for each version that is broken. */
export function brokenLines(broken: readonly BrokenStatus[], out: Output): string[] {
  return broken.map(({ name, version, devices, since, reason, heldBack }) => {
    const shown = devices.slice(0, 3).join(', ');
    const where =
      devices.length === 0
        ? ', on no device any more,'
        : ` on ${devices.length} device${devices.length === 1 ? '' : 's'} (${shown}${devices.length > 3 ? ', …' : ''})`;
    const when = since === undefined ? '' : ` since ${since}`;
    const why = reason === undefined ? '' : `: ${reason}`;
    const what = heldBack
      ? 'held back, publish a corrected version'
      : 'not held back: the next deployment decides';
    const is = devices.length === 0 ? 'is broken' : 'is BROKEN';
    return `${out.style('red', `${name} ${version} ${is}`)}${where}${when}${why}; ${what}`;
  });
}

import { type Output, table } from '../output.js';
import {
  type ComponentChange,
  type ComponentsDeployment,
  devicesText,
  type Rollout,
} from './deploy-components.js';
import { summary } from './watch.js';

/** A deployment for people. */
export function deploymentText(deployment: ComponentsDeployment, out: Output): string {
  const { components, changed, revision, fleetSize, rollout, correction } = deployment;
  const lines = [componentsTable(components, out), ''];
  if (!changed) {
    lines.push(`No changes: revision ${revision.revision} is in force already`);
    return lines.join('\n');
  }
  if (rollout === undefined) {
    lines.push(
      fleetSize === 0
        ? `Revision ${revision.revision} is in force: no device has joined the fleet yet, those that do get it`
        : `Revision ${revision.revision} is in force; nobody waited for its ${fleetSize} devices`,
    );
    return lines.join('\n');
  }
  lines.push(...rolloutLines(revision.revision, rollout, out));
  if (correction) {
    const back = correction.takenBack.map(({ name, from, to }) => `${name} ${from} → ${to ?? 'left out'}`);
    lines.push(`Taken back: ${back.join(', ')}`);
    lines.push(...rolloutLines(correction.revision.revision, correction.rollout, out));
  }
  return lines.join('\n');
}

function componentsTable(components: readonly ComponentChange[], out: Output): string {
  return table(
    ['COMPONENT', 'BEFORE', 'NOW', ''],
    components.map(({ name, before, version, configured, heldBack }) => [
      name,
      before ?? '-',
      version ?? '-',
      heldBack.length > 0
        ? out.style('red', `${heldBack.join(', ')} held back: broken on devices`)
        : out.style('dim', noteOf(before, version, configured)),
    ]),
  );
}

function noteOf(before: string | undefined, version: string | undefined, configured: boolean): string {
  if (before === version) return configured ? 'configured' : 'unchanged';
  if (version === undefined) return 'removed';
  if (before === undefined) return 'new';
  return configured ? 'updated, configured' : 'updated';
}

function rolloutLines(revision: string, { outcomes, missing, broken, end }: Rollout, out: Output): string[] {
  const lines = [`Revision ${revision}: ${summary(outcomes) || 'no devices'}`];
  for (const one of broken) {
    const reason = one.devices.find((device) => device.reason !== undefined)?.reason;
    lines.push(
      out.style('red', `${one.name} ${one.version} is BROKEN on ${devicesText(one)}`) +
        (reason === undefined ? '' : `: ${reason}`) +
        (one.heldBack ? '; it is not deployed any more' : '; too few to hold it back'),
    );
  }
  if (missing.length > 0 && end !== 'stopped' && end !== 'failing') {
    const offline = missing.filter((device) => device.offline);
    const names = missing.slice(0, 5).map(({ thing }) => thing);
    const which = `${names.join(', ')}${missing.length > names.length ? ', …' : ''}`;
    lines.push(
      offline.length === missing.length
        ? `Not connected, and so without it until they are: ${which}`
        : `Not through yet, the rollout goes on without this command: ${which}`,
    );
  }
  return lines;
}

/** A deployment for machines. */
export function deploymentData({ rollout, correction, ...deployment }: ComponentsDeployment) {
  return {
    ...deployment,
    ...(rollout && { rollout: rolloutData(rollout) }),
    ...(correction && { correction: { ...correction, rollout: rolloutData(correction.rollout) } }),
  };
}

function rolloutData({ outcomes, ...rollout }: Rollout) {
  return { ...rollout, devices: Object.fromEntries(outcomes) };
}

/** Whether something failed: a device, a component, or the rollout as a whole. Devices that are away did not. */
export function hasFailures({ rollout, correction }: ComponentsDeployment): boolean {
  if (rollout === undefined) return false;
  return (
    correction !== undefined ||
    rollout.failed.length > 0 ||
    rollout.broken.length > 0 ||
    rollout.end === 'stopped' ||
    rollout.end === 'failing'
  );
}

import { plain } from '../model/words.js';

const ORDER = ['succeeded', 'inProgress', 'queued', 'failed', 'timedOut', 'rejected', 'removed', 'canceled'];

/** In which place a status of job executions is shown. */
export function deploymentOrder(status: string): number {
  const place = ORDER.indexOf(status);
  return place < 0 ? ORDER.length : place;
}

/** How many devices are how far, as a bar of parts and, for those who do not see it, in words. */
export function DeploymentBar({ devices }: { devices: Readonly<Record<string, number>> }) {
  const parts = Object.entries(devices)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => deploymentOrder(a) - deploymentOrder(b));
  const words = parts.map(([state, count]) => `${count} ${plain(state)}`).join(', ');
  return (
    <span class="bar" role="img" aria-label={words || 'no devices'} title={words}>
      {parts.map(([state, count]) => (
        <span key={state} class={`bar-part bar-${state}`} style={{ flexGrow: count }} />
      ))}
    </span>
  );
}

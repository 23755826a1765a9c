import type { DeploymentDetails } from '@mooring/contracts';
import type { FleetCounts, ListFilter } from '../model/device-list.js';
import { hrefs } from '../model/route.js';
import { counted, plain } from '../model/words.js';
import { useDashboard, useResource } from './context.js';
import { DeploymentBar } from './deployment-bar.js';

/** The fleet in a few numbers, each of which shows its devices, and the deployment in force. */
export function FleetSummary({
  counts,
  show,
}: {
  counts: FleetCounts;
  show: (which: ListFilter['show']) => void;
}) {
  const tile = (which: ListFilter['show'], label: string, count: number, tone: string) => (
    <button type="button" class={`tile tile-${tone}`} onClick={() => show(which)}>
      <span class="tile-count">{count.toLocaleString('en')}</span>
      <span class="tile-label">{label}</span>
    </button>
  );
  return (
    <div class="summary">
      {tile('all', 'devices', counts.devices, 'plain')}
      {tile('connected', 'connected', counts.connected, 'ok')}
      {tile('healthy', 'healthy', counts.healthy, 'ok')}
      {tile('unhealthy', 'unhealthy', counts.unhealthy, counts.unhealthy > 0 ? 'bad' : 'plain')}
      {tile('rotating', 'rotating', counts.rotating, counts.rotating > 0 ? 'busy' : 'plain')}
      <LatestDeployment />
    </div>
  );
}

function LatestDeployment() {
  const { api, happenings } = useDashboard();
  const { value, loading, problem } = useResource(
    'latest',
    async (): Promise<DeploymentDetails | null> => {
      const { deployments } = await api.deployments();
      const latest = deployments.find((deployment) => deployment.latest) ?? deployments[0];
      return latest === undefined ? null : api.deployment(latest.deploymentId);
    },
    happenings,
  );
  if (!value) {
    const words = loading ? 'reading the deployment' : (problem ?? 'nothing is deployed yet');
    return <div class="tile tile-deployment soft">{words}</div>;
  }
  const total = Object.values(value.devices).reduce((sum, count) => sum + count, 0);
  const done = value.devices.succeeded ?? 0;
  return (
    <a class="tile tile-deployment" href={hrefs.deployment(value.deploymentId)}>
      <span class="tile-deployment-title">
        <span>
          Deployment {value.revision} <small>{plain(value.status)}</small>
        </span>
        <span class="number">
          {done.toLocaleString('en')} of {counted(total, 'device')}
        </span>
      </span>
      <DeploymentBar devices={value.devices} />
    </a>
  );
}

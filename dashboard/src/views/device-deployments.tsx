import type { FleetDevice } from '../model/fleet.js';
import { hrefs } from '../model/route.js';
import { ageOf, momentOf } from '../model/words.js';
import { Badge } from './badge.js';
import { useNow } from './context.js';
import { Empty, Loading } from './states.js';

/** The deployments as the device sees them. */
export function DeviceDeployments({ device }: { device: FleetDevice }) {
  const now = useNow();
  const deployments = device.details?.deployments;
  return (
    <section class="panel panel-deployments" aria-labelledby="device-deployments-title">
      <h2 id="device-deployments-title">Deployments</h2>
      {deployments === undefined ? (
        <Loading what="Reading its deployments" />
      ) : deployments.length === 0 ? (
        <Empty>The device has got no deployment yet.</Empty>
      ) : (
        <ul class="rows">
          {deployments.map(({ deploymentId, name, status, reason, at }) => (
            <li key={deploymentId}>
              <span>
                <a href={hrefs.deployment(deploymentId)}>{name ?? deploymentId.slice(0, 8)}</a>
                {status !== 'SUCCEEDED' && reason && <small class="reason">{reason}</small>}
              </span>
              <Badge state={status} />
              {at !== undefined && (
                <span class="soft" title={momentOf(at)}>
                  {ageOf(at, now)}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

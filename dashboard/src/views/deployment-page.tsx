import type { DeploymentDetails } from '@mooring/contracts';
import { hrefs } from '../model/route.js';
import { ageOf, counted, momentOf, plain } from '../model/words.js';
import { Badge } from './badge.js';
import { useDashboard, useNow, useResource, useTitle } from './context.js';
import { DeploymentBar, deploymentOrder } from './deployment-bar.js';
import { Empty, Failed, Loading } from './states.js';
import { Waves } from './waves.js';

/** One deployment: how far it is, its waves, and what failed where and why. */
export function DeploymentPage({ id }: { id: string }) {
  const { api, happenings } = useDashboard();
  const now = useNow();
  useTitle('Deployment');
  const { value, loading, problem } = useResource(id, () => api.deployment(id), happenings);
  return (
    <div class="page">
      <nav class="crumbs" aria-label="Where you are">
        <a href={hrefs.deployments}>Deployments</a> <span aria-hidden="true">/</span>{' '}
        <span aria-current="page">{value?.revision ?? id}</span>
      </nav>
      <div class="page-head">
        <h1>Deployment {value?.revision ?? ''}</h1>
        {value !== undefined && (
          <span class="page-facts">
            <Badge state={value.status} />
            <span class="soft">
              {value.name}
              {value.created !== undefined && `, made ${ageOf(value.created, now)}`}
            </span>
          </span>
        )}
      </div>
      {problem !== undefined && <Failed what="The deployment could not be read" problem={problem} />}
      {value === undefined && loading && <Loading what="Reading the deployment" />}
      {value !== undefined && <Details deployment={value} />}
    </div>
  );
}

function Details({ deployment }: { deployment: DeploymentDetails }) {
  return (
    <div class="deployment-grid">
      <Progress deployment={deployment} />
      <Contents deployment={deployment} />
      <section class="panel span-2" aria-labelledby="waves-title">
        <h2 id="waves-title">Waves</h2>
        <Waves deployment={deployment} />
      </section>
      <Failures deployment={deployment} />
      {deployment.broken.length > 0 && <Broken deployment={deployment} />}
    </div>
  );
}

function Progress({ deployment: { devices, rollout } }: { deployment: DeploymentDetails }) {
  const parts = Object.entries(devices)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => deploymentOrder(a) - deploymentOrder(b));
  const { baseRatePerMinute, perMinute, incrementFactor, maximumPerMinute, abortThreshold } = rollout;
  const rate = baseRatePerMinute ?? perMinute;
  return (
    <section class="panel" aria-labelledby="progress-title">
      <h2 id="progress-title">Progress</h2>
      <DeploymentBar devices={devices} />
      {parts.length === 0 ? (
        <p class="soft">No device is part of it yet.</p>
      ) : (
        <dl class="legend">
          {parts.map(([state, count]) => (
            <div key={state}>
              <dt>
                <span class={`legend-mark bar-part bar-${state}`} aria-hidden="true" /> {plain(state)}
              </dt>
              <dd class="number">{count.toLocaleString('en')}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="soft">
        {rate === undefined ? 'All devices at once.' : `It starts with ${counted(rate, 'device')} a minute`}
        {rate !== undefined && incrementFactor !== undefined && `, times ${incrementFactor} after each wave`}
        {rate !== undefined && maximumPerMinute !== undefined && `, at most ${maximumPerMinute} a minute`}
        {rate !== undefined && '.'}
        {abortThreshold !== undefined && ` It stops when ${abortThreshold} % failed.`}
      </p>
    </section>
  );
}

function Contents({ deployment: { components } }: { deployment: DeploymentDetails }) {
  return (
    <section class="panel" aria-labelledby="contents-title">
      <h2 id="contents-title">Components</h2>
      {components.length === 0 && <Empty>It deploys no component.</Empty>}
      <ul class="contents">
        {components.map(({ name, version, heldBack }) => (
          <li key={name}>
            <span>{name}</span> <b class="number">{version}</b>
            {heldBack && <span class="badge badge-warn">held back</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Failures({ deployment: { failures } }: { deployment: DeploymentDetails }) {
  const now = useNow();
  return (
    <section class="panel span-2" aria-labelledby="failures-title">
      <h2 id="failures-title">What failed</h2>
      {failures.length === 0 ? (
        <Empty>Nothing failed.</Empty>
      ) : (
        <table class="plain-table failures">
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Status</th>
              <th scope="col">Why</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {failures.map(({ thing, status, reason, at }) => (
              <tr key={thing}>
                <th scope="row">
                  <a class="mono" href={hrefs.device(thing)}>
                    {thing}
                  </a>
                </th>
                <td>
                  <Badge state={status} />
                </td>
                <td class="reason-cell">{reason ?? 'it gave no reason'}</td>
                <td class="soft" title={at === undefined ? undefined : momentOf(at)}>
                  {at === undefined ? '–' : ageOf(at, now)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Devices that are named of each broken version. */
const NAMED = 12;

function Broken({ deployment: { broken } }: { deployment: DeploymentDetails }) {
  return (
    <section class="panel span-2" aria-labelledby="broken-title">
      <h2 id="broken-title">Broken on devices</h2>
      <ul class="rows">
        {broken.map(({ name, version, things, reason }) => (
          <li key={`${name} ${version}`}>
            <span>
              <b>
                {name} {version}
              </b>
              , on {counted(things.length, 'device')}
              {reason !== undefined && <small class="reason">{reason}</small>}
            </span>
            {things.slice(0, NAMED).map((thing) => (
              <a key={thing} class="mono" href={hrefs.device(thing)}>
                {thing}
              </a>
            ))}
            {things.length > NAMED && <span class="soft">and {things.length - NAMED} more</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

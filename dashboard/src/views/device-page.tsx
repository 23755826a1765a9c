import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hrefs } from '../model/route.js';
import { ageOf, durationOf, momentOf } from '../model/words.js';
import { Badge } from './badge.js';
import { CertificatePanel } from './certificate-panel.js';
import { ComponentsPanel } from './components-panel.js';
import { useDashboard, useNow, useOperator, useResource, useTitle } from './context.js';
import { DeviceDeployments } from './device-deployments.js';
import { LedPanel } from './led-panel.js';
import { MessagesPanel } from './messages-panel.js';
import { RemoveDevice, type Removed } from './remove-device.js';
import { Empty, Failed, Loading } from './states.js';
import { TelemetryPanel } from './telemetry-panel.js';

/** Everything about one device. */
export function DevicePage({ thing }: { thing: string }) {
  const { fleet } = useDashboard();
  const operator = useOperator();
  const removed = useSignal<Removed | undefined>(undefined);
  const now = useNow();
  useTitle(thing);
  const { loading, problem } = useResource(thing, () => fleet.refresh(thing));
  useEffect(() => {
    fleet.look([thing]);
    return () => fleet.look([]);
  }, [fleet, thing]);
  fleet.version.value;
  const device = fleet.get(thing);

  if (device === undefined) {
    return (
      <div class="page">
        <Crumbs thing={thing} />
        {removed.value !== undefined ? (
          <p class="state" role="status">
            {removed.value.words}
          </p>
        ) : loading ? (
          <Loading what={`Reading device ${thing}`} />
        ) : problem !== undefined ? (
          <Failed what={`Device ${thing} could not be read`} problem={problem} />
        ) : (
          <Empty>There is no device {thing}. It may have been removed, or has not joined yet.</Empty>
        )}
      </div>
    );
  }

  const { summary } = device;
  return (
    <div class="page">
      <Crumbs thing={thing} />
      <div class="page-head">
        <h1 class="mono-title">{thing}</h1>
        <span class="page-facts">
          <Badge state={summary.connected ? 'connected' : 'disconnected'} />
          {summary.connectionAt !== undefined && (
            <span class="soft" title={momentOf(summary.connectionAt)}>
              for {durationOf(now - summary.connectionAt)}
            </span>
          )}
          {summary.health !== undefined && <Badge state={summary.health} />}
          {summary.healthAt !== undefined && (
            <span class="soft" title={momentOf(summary.healthAt)}>
              reported {ageOf(summary.healthAt, now)}
            </span>
          )}
        </span>
        {operator && <RemoveDevice serial={thing} removed={removed} />}
      </div>
      {problem !== undefined && <Failed what="Its details could not be read" problem={problem} />}
      <div class="device-grid">
        <LedPanel device={device} />
        <TelemetryPanel device={device} />
        <ComponentsPanel device={device} />
        <CertificatePanel device={device} />
        <MessagesPanel thing={thing} />
        <DeviceDeployments device={device} />
      </div>
    </div>
  );
}

function Crumbs({ thing }: { thing: string }) {
  return (
    <nav class="crumbs" aria-label="Where you are">
      <a href={hrefs.fleet}>Fleet</a> <span aria-hidden="true">/</span>{' '}
      <span aria-current="page">{thing}</span>
    </nav>
  );
}

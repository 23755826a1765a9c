import { useSignal } from '@preact/signals';
import { Fragment } from 'preact';
import type { FleetDevice } from '../model/fleet.js';
import { ageOf, momentOf } from '../model/words.js';
import { Badge } from './badge.js';
import { useNow } from './context.js';
import { LogView } from './log-view.js';
import { Empty, Loading } from './states.js';

/** What runs on the device: versions, states, and the log of each. */
export function ComponentsPanel({ device }: { device: FleetDevice }) {
  const chosen = useSignal<string | undefined>(undefined);
  const now = useNow();
  const components = device.details?.components;
  // Ours before AWS's own.
  const sorted = [...(components ?? [])].sort(
    (a, b) => Number(a.name.startsWith('aws.')) - Number(b.name.startsWith('aws.')),
  );
  return (
    <section class="panel panel-components" aria-labelledby="components-title">
      <h2 id="components-title">Components</h2>
      {components === undefined ? (
        <Loading what="Reading its components" />
      ) : sorted.length === 0 ? (
        <Empty>The device has reported no component yet.</Empty>
      ) : (
        <div class="scroll-x">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Component</th>
                <th scope="col">Version</th>
                <th scope="col">State</th>
                <th scope="col" class="wide-only">
                  Since
                </th>
                <th scope="col">
                  <span class="visually-hidden">Log</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sorted.map(({ name, version, state, since, reason }) => (
                <tr key={name}>
                  <th scope="row">
                    <ComponentName name={name} />
                    {reason !== undefined && reason !== '' && <small class="reason">{reason}</small>}
                  </th>
                  <td class="number">{version}</td>
                  <td>
                    <Badge state={state} />
                  </td>
                  <td class="soft wide-only" title={since === undefined ? undefined : momentOf(since)}>
                    {since === undefined ? '–' : ageOf(since, now)}
                  </td>
                  <td>
                    <button
                      type="button"
                      class="link-button"
                      aria-label={`Log of ${name}`}
                      aria-expanded={chosen.value === name}
                      onClick={() => {
                        chosen.value = chosen.value === name ? undefined : name;
                      }}
                    >
                      Log
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {chosen.value !== undefined && (
        <LogView key={chosen.value} thing={device.thing} component={chosen.value} />
      )}
    </section>
  );
}

/** Long names break after a separator. */
function ComponentName({ name }: { name: string }) {
  return (
    <span>
      {name.split(/(?<=[._])/).map((part, index) => (
        <Fragment key={`${index} ${part}`}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </span>
  );
}

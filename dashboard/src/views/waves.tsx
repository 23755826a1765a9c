import type { DeploymentDetails } from '@mooring/contracts';
import { thinned } from '../model/waves.js';
import { momentOf } from '../model/words.js';
import { Empty } from './states.js';

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

const LINES = 14;

/** How many devices had started and ended, and when: a line for each wave, its bar as long as it reached. */
export function Waves({ deployment: { waves, devices } }: { deployment: DeploymentDetails }) {
  if (waves.length === 0) return <Empty>No device has started yet.</Empty>;
  const total = Math.max(
    1,
    Object.values(devices).reduce((sum, count) => sum + count, 0),
    ...waves.map(({ started }) => started),
  );
  return (
    <table class="plain-table waves">
      <thead>
        <tr>
          <th scope="col">Until</th>
          <th scope="col" class="wave-bar">
            Reached
          </th>
          <th scope="col">Started</th>
          <th scope="col">Succeeded</th>
          <th scope="col">Failed</th>
        </tr>
      </thead>
      <tbody>
        {thinned(waves, LINES).map(({ at, started, succeeded, failed }) => (
          <tr key={at}>
            <th scope="row" class="number" title={momentOf(at)}>
              {CLOCK.format(at)}
            </th>
            <td class="wave-bar" aria-label={`${Math.round((started / total) * 100)} % of the fleet`}>
              <span class="bar">
                <span class="bar-part bar-succeeded" style={{ flexGrow: succeeded }} />
                <span class="bar-part bar-failed" style={{ flexGrow: failed }} />
                <span
                  class="bar-part bar-inProgress"
                  style={{ flexGrow: Math.max(0, started - succeeded - failed) }}
                />
                <span class="bar-rest" style={{ flexGrow: Math.max(0, total - started) }} />
              </span>
            </td>
            <td class="number">{started.toLocaleString('en')}</td>
            <td class="number">{succeeded.toLocaleString('en')}</td>
            <td class={`number${failed > 0 ? ' answer-bad' : ''}`}>{failed.toLocaleString('en')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

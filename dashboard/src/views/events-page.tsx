import type { FleetEvent, EventsPage as Page } from '@mooring/contracts';
import { useSignal } from '@preact/signals';
import { hrefs } from '../model/route.js';
import { ageOf, momentOf } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { useDashboard, useNow, useResource, useTitle } from './context.js';
import { Empty, Failed, Loading } from './states.js';

const WORDS: Record<FleetEvent['type'], { words: string; tone: string }> = {
  connected: { words: 'connected', tone: 'ok' },
  disconnected: { words: 'disconnected', tone: 'warn' },
  thing_created: { words: 'joined the fleet', tone: 'ok' },
  thing_deleted: { words: 'left the fleet', tone: 'warn' },
  deployment_succeeded: { words: 'deployment succeeded', tone: 'ok' },
  deployment_failed: { words: 'deployment failed', tone: 'bad' },
  rotation_requested: { words: 'rotation requested', tone: 'busy' },
  rotation_completed: { words: 'rotation completed', tone: 'ok' },
};

/** What happened to the fleet, newest first. */
export function EventsPage() {
  const { api, happenings } = useDashboard();
  const type = useSignal<FleetEvent['type'] | ''>('');
  const thing = useSignal('');
  const older = useSignal<Page[]>([]);
  const more = useAction();
  const now = useNow();
  useTitle('Events');
  const of = thing.value === '' ? undefined : thing.value;
  const first = useResource(
    `events ${of}`,
    async () => {
      const page = await api.events(of);
      older.value = [];
      return page;
    },
    happenings,
  );
  const pages = first.value === undefined ? [] : [first.value, ...older.value];
  const events = pages
    .flatMap((page) => page.events)
    .filter((event) => type.value === '' || event.type === type.value);
  const next = pages.at(-1)?.next;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Events</h1>
      </div>
      <div class="toolbar">
        <label class="search">
          <span class="visually-hidden">Serial number of a device</span>
          <input
            type="search"
            placeholder="Serial number of a device"
            onChange={(event) => {
              thing.value = event.currentTarget.value.trim();
            }}
          />
        </label>
        <select
          aria-label="Kind"
          value={type.value}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            type.value = chosen in WORDS ? (chosen as FleetEvent['type']) : '';
          }}
        >
          <option value="">All kinds</option>
          {Object.entries(WORDS).map(([value, { words }]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </div>
      {first.problem !== undefined && <Failed what="The events could not be read" problem={first.problem} />}
      {first.value === undefined && first.loading && <Loading what="Reading the events" />}
      {first.value !== undefined && events.length === 0 && <Empty>Nothing like that has happened.</Empty>}
      {events.length > 0 && (
        <section class="panel" aria-label="Events, newest first">
          <table class="plain-table events">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Device</th>
                <th scope="col">What</th>
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr key={event.id}>
                  <td class="soft" title={momentOf(event.at)}>
                    {ageOf(event.at, now)}
                  </td>
                  <th scope="row">
                    <a class="mono" href={hrefs.device(event.thing)}>
                      {event.thing}
                    </a>
                  </th>
                  <td>
                    <span class={`badge badge-${WORDS[event.type].tone}`}>{WORDS[event.type].words}</span>{' '}
                    {event.detail !== undefined && <small class="soft">{event.detail}</small>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {next !== undefined && (
            <button
              type="button"
              class="button"
              disabled={more.busy}
              onClick={() =>
                void more.run('reading', async () => {
                  older.value = [...older.value, await api.events(of, next)];
                  return '';
                })
              }
            >
              Older events
            </button>
          )}
          <Answer outcome={more.outcome} />
        </section>
      )}
    </div>
  );
}

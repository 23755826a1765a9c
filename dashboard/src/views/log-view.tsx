import type { LogPage } from '@mooring/contracts';
import { useSignal } from '@preact/signals';
import { momentOf } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { useDashboard, useResource } from './context.js';
import { Empty, Failed, Loading } from './states.js';

/** The log of a component, newest first, as CloudWatch Logs has it. */
export function LogView({ thing, component }: { thing: string; component: string }) {
  const { api } = useDashboard();
  const again = useSignal(0);
  const older = useSignal<LogPage[]>([]);
  const more = useAction();
  const first = useResource(
    `${thing} ${component}`,
    async () => {
      const page = await api.logs(thing, component);
      older.value = [];
      return page;
    },
    again,
  );
  const pages = first.value === undefined ? [] : [first.value, ...older.value];
  const next = pages.at(-1)?.next;
  return (
    <div class="log">
      <div class="log-head">
        <h3>Log of {component}</h3>
        <button type="button" class="link-button" onClick={() => (again.value += 1)}>
          Read again
        </button>
      </div>
      {first.problem !== undefined && <Failed what="The log could not be read" problem={first.problem} />}
      {first.value === undefined && first.loading && <Loading what="Reading the log" />}
      {first.value?.events.length === 0 && (
        <Empty>There are no lines. The device sends its logs to the cloud every few minutes.</Empty>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <ol class="log-lines mono" tabIndex={0} aria-label={`Lines of ${component}, newest first`}>
        {pages.flatMap((page, number) =>
          page.events.map((event, index) => (
            <li key={`${number} ${index}`}>
              <time dateTime={new Date(event.at).toISOString()}>{momentOf(event.at)}</time>
              <span>{event.message}</span>
            </li>
          )),
        )}
      </ol>
      {next !== undefined && (
        <button
          type="button"
          class="button"
          disabled={more.busy}
          onClick={() =>
            void more.run('reading', async () => {
              older.value = [...older.value, await api.logs(thing, component, next)];
              return '';
            })
          }
        >
          Older lines
        </button>
      )}
      <Answer outcome={more.outcome} />
    </div>
  );
}

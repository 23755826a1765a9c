import { THING_NAME } from '@mooring/contracts';
import { useSignal, useSignalEffect } from '@preact/signals';
import { CloudProblem } from '../cloud/problem.js';
import { hrefs } from '../model/route.js';
import { counted } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { Badge } from './badge.js';
import { useDashboard, useOperator, useResource, useTitle } from './context.js';
import { RemoveDevice, type Removed } from './remove-device.js';
import { Empty, Failed, Loading } from './states.js';

/** Rows that are shown; whoever looks for others narrows the list. */
const SHOWN = 200;

/** Which serial numbers may join, and have. */
export function AccessPage() {
  const { api } = useDashboard();
  const operator = useOperator();
  const again = useSignal(0);
  const text = useSignal('');
  const removed = useSignal<Removed | undefined>(undefined);
  useTitle('Access');
  const { value, loading, problem } = useResource('allowlist', () => api.allowlist(), again);
  useSignalEffect(() => {
    if (removed.value !== undefined) again.value = again.peek() + 1;
  });
  const found = (value?.serials ?? []).filter(({ serial }) =>
    serial.toLowerCase().includes(text.value.toLowerCase()),
  );
  return (
    <div class="page">
      <div class="page-head">
        <h1>Access</h1>
        <span class="page-facts soft">
          {value !== undefined &&
            `${counted(value.serials.length, 'serial number')} allowed, ${value.serials.filter(({ joined }) => joined).length.toLocaleString('en')} joined`}
        </span>
      </div>
      {operator ? (
        <AllowForm
          done={() => {
            again.value += 1;
          }}
        />
      ) : (
        <p class="soft access-note">
          Operators allow devices and remove them. <a href={hrefs.signIn}>Sign in</a> as one.
        </p>
      )}
      <p class="answer-place" role="status">
        {removed.value !== undefined && <span class="answer answer-ok">{removed.value.words}</span>}
      </p>
      {problem !== undefined && <Failed what="The allowlist could not be read" problem={problem} />}
      {value === undefined && loading && <Loading what="Reading the allowlist" />}
      {value !== undefined && (
        <>
          <div class="toolbar">
            <label class="search">
              <span class="visually-hidden">Find serial numbers</span>
              <input
                type="search"
                placeholder="Find by serial number"
                value={text.value}
                onInput={(event) => {
                  text.value = event.currentTarget.value.trim();
                }}
              />
            </label>
          </div>
          {found.length === 0 ? (
            <Empty>
              {text.value === '' ? 'No serial number is allowed.' : 'No serial number is like this.'}
            </Empty>
          ) : (
            <section class="panel" aria-label="Allowed serial numbers">
              <table class="plain-table">
                <thead>
                  <tr>
                    <th scope="col">Serial number</th>
                    <th scope="col">Joined</th>
                    {operator && (
                      <th scope="col">
                        <span class="visually-hidden">Remove</span>
                      </th>
                    )}
                  </tr>
                </thead>
                <tbody>
                  {found.slice(0, SHOWN).map(({ serial, joined }) => (
                    <tr key={serial}>
                      <th scope="row" class="mono">
                        {joined ? <a href={hrefs.device(serial)}>{serial}</a> : serial}
                      </th>
                      <td>{joined ? <Badge state="joined" /> : <span class="soft">not yet</span>}</td>
                      {operator && (
                        <td class="cell-end">
                          <RemoveDevice serial={serial} removed={removed} quiet />
                        </td>
                      )}
                    </tr>
                  ))}
                </tbody>
              </table>
              {found.length > SHOWN && (
                <p class="soft">
                  These are the first {SHOWN} of {counted(found.length, 'serial number')}: find others by
                  name.
                </p>
              )}
            </section>
          )}
        </>
      )}
    </div>
  );
}

function AllowForm({ done }: { done: () => void }) {
  const { api } = useDashboard();
  const serial = useSignal('');
  const action = useAction();
  return (
    <form
      class="allow-form"
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = serial.value.trim();
        void action
          .run(`allowing ${wanted}`, async () => {
            if (!THING_NAME.test(wanted)) {
              throw new CloudProblem(
                'BadSerial',
                'a serial number is 1 to 128 letters, digits, ":", "_" or "-"',
              );
            }
            const { changed } = await api.allow(wanted);
            return changed
              ? `${wanted} is allowed: it joins when it starts.`
              : `${wanted} was allowed before; nothing changed.`;
          })
          .then((well) => {
            if (!well) return;
            serial.value = '';
            done();
          });
      }}
    >
      <label class="field">
        <span>Serial number of a device that shall join</span>
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          required
          value={serial.value}
          onInput={(event) => {
            serial.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button button-primary" disabled={action.busy}>
        Allow
      </button>
      <Answer outcome={action.outcome} />
    </form>
  );
}

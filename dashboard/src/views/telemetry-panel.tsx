import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { chartDataOf, moved, type Range, zoomed } from '../model/chart-data.js';
import type { FleetDevice, LedState } from '../model/fleet.js';
import { durationOf, hertz, momentOf } from '../model/words.js';
import { useDashboard, useNow, useResource } from './context.js';
import { FrequencyChart } from './frequency-chart.js';
import { Failed } from './states.js';

const MINUTE = 60_000;
const SHORTEST = 5 * MINUTE;
const LENGTHS = [
  { label: '5 min', length: SHORTEST },
  { label: '1 h', length: 60 * MINUTE },
  { label: '24 h', length: 24 * 60 * MINUTE },
  { label: '7 d', length: 7 * 24 * 60 * MINUTE },
];
/** Points that are asked for: about one for two pixels. */
const POINTS = 400;
/** Live messages that are kept. */
const HEARD = 2_000;

/** Either the last so many milliseconds, which go on, or a stretch of the past. */
type Window = { live: true; length: number } | { live: false; range: Range };

/** The LED's frequency over time, and when it did not blink. */
export function TelemetryPanel({ device }: { device: FleetDevice }) {
  const { api } = useDashboard();
  const { thing, led } = device;
  const now = useNow(1_000);
  const view = useSignal<Window>({ live: true, length: SHORTEST });
  const heard = useSignal<readonly LedState[]>([]);

  useEffect(() => {
    if (led?.live) heard.value = [...heard.peek().slice(1 - HEARD), led];
  }, [led, heard]);

  const key = view.value.live
    ? `live ${view.value.length}`
    : `${view.value.range.from} ${view.value.range.to}`;
  const { value, loading, problem } = useResource(`${thing} ${key}`, async () => {
    return api.telemetry(thing, rangeOf(view.peek(), Date.now()), POINTS);
  });
  const until = Math.min(now, rangeOf(view.value, now).to);
  const data = chartDataOf(value?.points ?? [], view.value.live ? heard.value : [], until);
  const range = rangeOf(view.value, now);
  const show = (next: Range) => {
    view.value = { live: false, range: next };
  };

  return (
    <section class="panel panel-telemetry" aria-labelledby="telemetry-title">
      <div class="panel-head">
        <h2 id="telemetry-title">Frequency over time</h2>
        {/* biome-ignore lint/a11y/useSemanticElements: there is no form here for a fieldset to be part of */}
        <div class="panel-actions" role="group" aria-label="Time">
          {LENGTHS.map(({ label, length }) => (
            <button
              key={label}
              type="button"
              class="preset"
              aria-pressed={view.value.live && view.value.length === length}
              onClick={() => {
                view.value = { live: true, length };
              }}
            >
              {label}
            </button>
          ))}
          <span class="divider" aria-hidden="true" />
          <button
            type="button"
            class="preset"
            aria-label="Earlier"
            onClick={() => show(moved(range, -0.5, now))}
          >
            ←
          </button>
          <button
            type="button"
            class="preset"
            aria-label="Later"
            onClick={() => show(moved(range, 0.5, now))}
          >
            →
          </button>
          <button
            type="button"
            class="preset"
            aria-label="Zoom in"
            onClick={() => show(zoomed(range, 0.5, now))}
          >
            +
          </button>
          <button
            type="button"
            class="preset"
            aria-label="Zoom out"
            onClick={() => show(zoomed(range, 2, now))}
          >
            −
          </button>
        </div>
      </div>
      <FrequencyChart
        data={data}
        range={range}
        label={summaryOf(data.frequencies, range)}
        select={show}
        reset={() => {
          view.value = { live: true, length: SHORTEST };
        }}
      />
      <p class="chart-note soft">
        {problem !== undefined ? (
          <Failed what="The past could not be read" problem={problem} />
        ) : loading && value === undefined ? (
          'Reading the past'
        ) : data.times.length === 0 ? (
          'It told nothing in this time.'
        ) : (
          <>
            Drag over a stretch to zoom in, double-click to go back to now.
            {value !== undefined && value.resolution > 0 && (
              <> Each point stands for {durationOf(value.resolution)}; the band is the lowest and highest.</>
            )}
          </>
        )}
      </p>
      <details class="chart-table">
        <summary>As a table</summary>
        <Values times={data.times} frequencies={data.frequencies} />
      </details>
    </section>
  );
}

function rangeOf(view: Window, now: number): Range {
  return view.live ? { from: now - view.length, to: now } : view.range;
}

function summaryOf(frequencies: readonly (number | null)[], { from, to }: Range): string {
  const values = frequencies.filter((value) => value !== null);
  const what =
    values.length === 0
      ? 'nothing was told'
      : `between ${hertz(Math.min(...values))} and ${hertz(Math.max(...values))}, last ${hertz(values.at(-1) ?? 0)}`;
  return `Frequency from ${momentOf(from)} to ${momentOf(to)}: ${what}`;
}

/** The last values, for whoever does not see the chart. */
function Values({
  times,
  frequencies,
}: {
  times: readonly number[];
  frequencies: readonly (number | null)[];
}) {
  const first = Math.max(0, times.length - 30);
  return (
    <table class="plain-table">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Frequency</th>
        </tr>
      </thead>
      <tbody>
        {times.slice(first).map((time, index) => (
          <tr key={`${time} ${index}`}>
            <td>{momentOf(time * 1_000)}</td>
            <td class="number">{hertz(frequencies[first + index] ?? 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

import { FREQUENCY_RANGE } from '@mooring/contracts';
import { useSignal } from '@preact/signals';
import { pressButton, setFrequency } from '../model/ask-device.js';
import { browserClock } from '../model/clock.js';
import type { FleetDevice } from '../model/fleet.js';
import { hrefs } from '../model/route.js';
import { ageOf, hertz } from '../model/words.js';
import { Answer, useAction } from './action.js';
import { useDashboard, useNow, useOperator } from './context.js';
import { Led } from './led.js';

const OFTEN = [0.5, 1, 2, 5, 10];

/** What the LED does now, and the controls of it. */
export function LedPanel({ device }: { device: FleetDevice }) {
  const operator = useOperator();
  const now = useNow();
  const { led } = device;
  return (
    <section class="panel panel-led" aria-labelledby="led-title">
      <h2 id="led-title">LED</h2>
      <div class="led-now">
        <Led led={led} large />
        <p class="led-figure number">
          {led?.frequency === undefined ? '–' : hertz(led.frequency)}
          <small class="soft">
            {led === undefined
              ? 'it has told nothing yet'
              : `${led.blinking === false ? 'does not blink' : 'blinks'}, told ${ageOf(led.at, now)}`}
          </small>
        </p>
      </div>
      {operator ? (
        <Controls device={device} />
      ) : (
        <p class="soft">
          Operators set its frequency and press its button. <a href={hrefs.signIn}>Sign in</a> as one.
        </p>
      )}
    </section>
  );
}

function Controls({ device }: { device: FleetDevice }) {
  const { live } = useDashboard();
  const { thing, led } = device;
  const wanted = useSignal(String(led?.frequency ?? 1));
  const frequencyAction = useAction();
  const buttonAction = useAction();

  const set = (frequency: number) => {
    const before = device.led?.frequency;
    wanted.value = String(frequency);
    void frequencyAction.run(`asked for ${hertz(frequency)}, waiting for the device`, async () => {
      const { value, after } = await setFrequency(live, browserClock, thing, frequency);
      const change =
        before === undefined ? hertz(value) : `${hertz(before).replace(' Hz', '')} → ${hertz(value)}`;
      return `${change}, answered after ${seconds(after)}`;
    });
  };
  const press = () =>
    void buttonAction.run('pressed, waiting for the device', async () => {
      const { value, after } = await pressButton(live, browserClock, thing);
      return `${value ? 'blinks' : 'does not blink'} now, answered after ${seconds(after)}`;
    });

  return (
    <>
      <form
        class="led-form"
        onSubmit={(event) => {
          event.preventDefault();
          set(Number(wanted.value));
        }}
      >
        <label class="field">
          <span>Frequency in Hz</span>
          <input
            type="number"
            min={FREQUENCY_RANGE.minimum}
            max={FREQUENCY_RANGE.maximum}
            step="any"
            required
            value={wanted.value}
            onInput={(event) => {
              wanted.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit" class="button button-primary" disabled={frequencyAction.busy}>
          Set
        </button>
      </form>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be a part of the form */}
      <div class="presets" role="group" aria-label="Frequencies often used">
        {OFTEN.map((frequency) => (
          <button
            key={frequency}
            type="button"
            class="preset"
            disabled={frequencyAction.busy}
            onClick={() => set(frequency)}
          >
            {hertz(frequency)}
          </button>
        ))}
      </div>
      <Answer outcome={frequencyAction.outcome} />
      <button type="button" class="button" disabled={buttonAction.busy} onClick={press}>
        Press the button
      </button>
      <Answer outcome={buttonAction.outcome} />
    </>
  );
}

function seconds(ms: number): string {
  return ms < 95 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

import type { LedState } from '../model/fleet.js';
import { hertz } from '../model/words.js';

/** More flashes a second may harm (WCAG 2.2, success criterion 2.3.1): faster ones shimmer. */
const FASTEST_FLASH = 3;

/** The device's LED: blinks as it does, within what is safe to look at. */
export function Led({ led, large = false }: { led: LedState | undefined; large?: boolean }) {
  const { frequency, blinking } = led ?? {};
  const known = frequency !== undefined || blinking !== undefined;
  const lit = known && blinking !== false;
  const rate = frequency ?? 1;
  const motion = !lit ? '' : rate > FASTEST_FLASH ? ' led-shimmer' : ' led-blink';
  return (
    <span
      class={`led${lit ? ' led-lit' : ''}${motion}${large ? ' led-large' : ''}`}
      style={lit && rate <= FASTEST_FLASH ? { animationDuration: `${1 / rate}s` } : undefined}
      aria-hidden="true"
    />
  );
}

/** What the LED does, in words. */
export function ledWords(led: LedState | undefined): string {
  if (led === undefined) return '–';
  if (led.blinking === false) return 'off';
  return led.frequency === undefined ? 'blinks' : hertz(led.frequency);
}

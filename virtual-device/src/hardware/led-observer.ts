import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.js';
import { layoutOf } from '../layout.js';
import { DEFAULT_LED } from './leds.js';

/** What an onlooker sees of an LED. */
export interface LedView {
  readonly on: boolean;
  readonly blinking: boolean;
  /** On-off cycles a second, measured; undefined while it does not blink. */
  readonly frequencyHz: number | undefined;
}

export interface LedObserver {
  view(): LedView;
  /** Is told whenever the LED goes on or off. */
  onChange(listener: (view: LedView) => void): () => void;
  close(): void;
}

/** Changes that the frequency is the median of, and how late the next may be before it has stopped. */
const SAMPLES = 9;
const PATIENCE = 2.5;
/** The least time without a change that counts as having stopped, in milliseconds. */
const MIN_SILENCE = 500;

/**
 * Watches an LED of a device and measures its blinking, from nothing but the LED's `brightness` file.
 *
 * @param root the device's root
 */
export function observeLed(root: string, led = DEFAULT_LED, clock: Clock = systemClock): LedObserver {
  const path = join(layoutOf(root).leds, led, 'brightness');
  const listeners = new Set<(view: LedView) => void>();
  const changes: number[] = [];
  let on = readBrightness(path) ?? false;

  const view = (): LedView => {
    const intervals = changes.slice(1).map((time, index) => time - (changes[index] ?? time));
    const interval = median(intervals);
    const silence = clock.now() - (changes.at(-1) ?? 0);
    // One change alone is a switch; two can be a slow blink.
    const blinking = interval !== undefined && silence < Math.max(interval * PATIENCE, MIN_SILENCE);
    return { on, blinking, frequencyHz: blinking && interval > 0 ? 1000 / (2 * interval) : undefined };
  };
  const look = () => {
    const now = readBrightness(path);
    if (now === undefined || now === on) return;
    on = now;
    changes.push(clock.now());
    if (changes.length > SAMPLES) changes.shift();
    const current = view();
    for (const listener of [...listeners]) listener(current);
  };
  let watcher: FSWatcher | undefined = watch(path, look);
  watcher.on('error', () => {});
  return {
    view,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      watcher?.close();
      watcher = undefined;
      listeners.clear();
    },
  };
}

/** Undefined between the two halves of a write that first truncates. */
function readBrightness(path: string): boolean | undefined {
  const text = readFileSync(path, 'utf8').trim();
  return text === '' ? undefined : Number(text) > 0;
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

import { type TelemetryMessage, topics } from '@mooring/contracts';
import type { Component } from '../../runtime/src/component.js';
import { reasonOf } from '../../runtime/src/errors.js';

export interface Telemetry {
  /** Something changed, or the cloud is in reach again: tells it soon, and the last state wins. */
  soon(): void;
}

/**
 * Tells the cloud what the LED does: soon after each change, and every `interval` seconds. Never more than once in
 * {@link SHORTEST_MS}, so a button that bounces or a loop in the cloud cannot flood it. Each wait varies by chance,
 * so that a fleet which was told the same thing, or has its power back, does not speak in one instant.
 *
 * It goes with QoS 0, and nothing is kept while the device is offline: the time of a message is that of its arrival,
 * so a late one would be wrong, and many late ones would push the messages out of the core device's spool that have
 * to arrive. That it is dropped is said once, until it goes through again.
 *
 * @param interval seconds; 0 tells nothing at all
 * @param current what the LED does now
 * @param random 0 to 1, below 1
 */
export function tellTelemetry(
  { bus, clock, log, onStop, thing }: Pick<Component, 'bus' | 'clock' | 'log' | 'onStop' | 'thing'>,
  interval: number,
  current: () => TelemetryMessage,
  random: () => number = Math.random,
): Telemetry {
  if (interval === 0) return { soon: () => {} };
  const topic = topics.telemetry(thing);
  let last = Number.NEGATIVE_INFINITY;
  let due = Number.POSITIVE_INFINITY;
  let callOff = () => {};
  let dropping = false;

  const tellAt = (time: number) => {
    callOff();
    due = time;
    callOff = clock.schedule(Math.max(0, due - clock.now()), tell);
  };
  const tell = () => {
    last = clock.now();
    const spread = 1 + VARIATION * (2 * random() - 1);
    tellAt(last + Math.max(SHORTEST_MS, interval * 1000 * spread));
    void bus.publishToCloud(topic, current(), { qos: 0 }).then(
      () => {
        dropping = false;
      },
      (error: unknown) => {
        if (!dropping) log.problem(`Telemetry is dropped: ${reasonOf(error)}.`);
        dropping = true;
      },
    );
  };
  onStop(() => callOff());
  return {
    soon: () => {
      const time = Math.max(clock.now() + SOON_MS * random(), last + SHORTEST_MS);
      if (time < due) tellAt(time);
    },
  };
}

/** Least time between two messages, in milliseconds. */
const SHORTEST_MS = 1_000;
/** A change is told within this time, in milliseconds. */
const SOON_MS = 1_000;
/** By how much of the interval a wait may be shorter or longer. */
const VARIATION = 0.1;

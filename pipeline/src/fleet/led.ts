import { componentNames, FREQUENCY_RANGE, FrequencyMessage, topics } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { answerOf } from './answer.js';
import type { CloudConnection } from './cloud-connection.js';
import { checkThing } from './thing.js';

/**
 * Sets the frequency that a device's LED blinks at, and waits for the device's answer.
 *
 * @param hertz whole on-off cycles a second, 0.1 to 50.
 * @returns the frequency that the device says is now in force, in hertz.
 * @throws MooringError when the frequency is out of range, or the device does not answer in time.
 */
export async function setFrequency(cloud: CloudConnection, thing: string, hertz: number): Promise<number> {
  checkFrequency(thing, hertz);
  const { frequency } = await answerOf(cloud, {
    thing,
    component: componentNames.led,
    topic: topics.frequency(thing),
    schema: FrequencyMessage,
    // A device tells its frequency at its start too; only the one that was asked for is the answer.
    accept: (message) => message.frequency === hertz,
    ask: () => cloud.publish(topics.setFrequency(thing), JSON.stringify({ frequency: hertz })),
  });
  return frequency;
}

/** @throws MooringError when the frequency, in hertz, is out of range, or `thing` cannot be a thing name. */
export function checkFrequency(thing: string, hertz: number): void {
  checkThing(thing);
  if (FrequencyMessage.safeParse({ frequency: hertz }).success) return;
  const { minimum, maximum } = FREQUENCY_RANGE;
  throw new MooringError(
    'InvalidFrequency',
    `${hertz} Hz is out of range: choose ${minimum} to ${maximum} Hz`,
  );
}

import { ButtonMessage, FREQUENCY_RANGE, FrequencyMessage, parseMessage, topics } from '@mooring/contracts';
import type { Live } from '../cloud/live.js';
import { CloudProblem } from '../cloud/problem.js';
import type { Clock } from './clock.js';

/** How long a device may take to answer, in milliseconds. */
const PATIENCE = 10_000;

/** A device's answer, and after how many milliseconds it came. */
export interface DeviceAnswer<T> {
  value: T;
  after: number;
}

/** The part of the live connection that questions need. */
export type LiveTopics = Pick<Live, 'publish' | 'subscribe'>;

/**
 * Tells a device's LED how often to blink, and waits until it says that it does.
 *
 * @param frequency hertz.
 * @throws CloudProblem when it may not be told, cannot be, or does not answer.
 */
export function setFrequency(
  live: LiveTopics,
  clock: Clock,
  thing: string,
  frequency: number,
): Promise<DeviceAnswer<number>> {
  const { minimum, maximum } = FREQUENCY_RANGE;
  if (!FrequencyMessage.safeParse({ frequency }).success) {
    const range = `between ${minimum} and ${maximum} Hz`;
    return Promise.reject(new CloudProblem('BadFrequency', `a frequency is ${range}`));
  }
  return ask(live, clock, {
    topic: topics.setFrequency(thing),
    message: { frequency },
    filter: 'lambda/+/frequency',
    answerTopic: topics.frequency(thing),
    read: (payload) => {
      const message = parseMessage(FrequencyMessage, payload);
      return message.ok && message.value.frequency === frequency ? frequency : undefined;
    },
  });
}

/**
 * Presses a device's button as if by hand, and waits until its LED says whether it blinks now.
 *
 * @throws CloudProblem as {@link setFrequency}.
 */
export function pressButton(live: LiveTopics, clock: Clock, thing: string): Promise<DeviceAnswer<boolean>> {
  return ask(live, clock, {
    topic: topics.pressButton(thing),
    message: {},
    filter: 'lambda/+/button',
    answerTopic: topics.button(thing),
    read: (payload) => {
      const message = parseMessage(ButtonMessage, payload);
      return message.ok ? message.value.state : undefined;
    },
  });
}

interface Question<T> {
  topic: string;
  message: object;
  /** One that the page subscribes to anyway, so that nothing comes twice. */
  filter: string;
  answerTopic: string;
  read: (payload: Uint8Array) => T | undefined;
}

async function ask<T>(live: LiveTopics, clock: Clock, question: Question<T>): Promise<DeviceAnswer<T>> {
  const begun = clock.now();
  let end = () => {};
  try {
    const answered = new Promise<DeviceAnswer<T>>((resolve, reject) => {
      const unsubscribe = live.subscribe([question.filter], ({ topic, payload }) => {
        const value = topic === question.answerTopic ? question.read(payload) : undefined;
        if (value !== undefined) resolve({ value, after: clock.now() - begun });
      });
      const callOff = clock.after(PATIENCE, () =>
        reject(
          new CloudProblem(
            'NoAnswer',
            `no answer in ${PATIENCE / 1_000} s: is the device connected, and does its component run?`,
          ),
        ),
      );
      end = () => {
        unsubscribe();
        callOff();
      };
    });
    // Whoever is refused does not wait for an answer.
    await Promise.race([live.publish(question.topic, question.message), answered]);
    return await answered;
  } finally {
    end();
  }
}

import { ButtonMessage, parseMessage, topics } from '@mooring/contracts';
import type { Payload } from '../../runtime/src/bus.js';
import type { Component } from '../../runtime/src/component.js';
import { reasonOf } from '../../runtime/src/errors.js';
import { shown } from '../../runtime/src/log.js';

/**
 * The button: each press publishes, to the components of this device, whether the LED shall blink, which
 * is the contrary of what it does.
 *
 * What the LED does is for the LED to say (see `runLed`): it says so on the same topic when it starts and
 * when it is asked, which the button does, with an empty message, when *it* starts. So after a restart of
 * either, or both in any order, the next press changes the LED. A LED that does not answer is not there; it
 * is taken to blink, as it will when it starts.
 *
 * @returns what to call for each press, once the LED has answered or had its time to
 */
export async function runButton(component: Component): Promise<() => void> {
  const { bus, clock, fail, log } = component;
  const topic = topics.localButton();
  let blinks = true;
  let answered = () => {};
  const answer = new Promise<void>((resolve) => {
    answered = resolve;
  });

  const onMessage = (payload: Payload) => {
    const message = parseMessage(ButtonMessage, payload);
    if (!message.ok) {
      log.problem(
        `Ignored ${shown(payload)} on ${topic} (${message.problem}): expected {"state": true or false}.`,
      );
      return;
    }
    blinks = message.value.state;
    answered();
  };
  const { ended } = await bus.subscribeLocal(topic, onMessage);
  void ended.then(() => fail(new Error(`The core device ended the subscription to ${topic}`)));
  await bus.publishLocal(topic, {});
  const giveUp = clock.schedule(ANSWER_MS, answered);
  await answer;
  giveUp();

  /** Presses leave in the order in which they were made. */
  let sending = Promise.resolve();
  return () => {
    blinks = !blinks;
    const state = blinks;
    sending = sending
      .then(() => bus.publishLocal(topic, { state }))
      .then(
        () => log.info(`Pressed: asked the LED to ${state ? 'blink' : 'stop'}.`),
        (error: unknown) => log.problem(`Pressed, but could not tell the LED: ${reasonOf(error)}.`),
      );
  };
}

/** How long the LED may take to answer, in milliseconds. */
const ANSWER_MS = 1_000;

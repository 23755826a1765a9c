import { ButtonMessage, PressMessage, parseMessage, topics } from '@mooring/contracts';
import type { Payload } from '../../runtime/src/bus.js';
import { keepSubscribed } from '../../runtime/src/cloud-subscription.js';
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
 * The cloud may press it as well. A press that comes twice undoes itself, and one that comes an hour late is none that
 * anybody wants, so what the cloud sends is taken at most once, and only while the device is connected (QoS 0).
 *
 * @returns what to call for each press, once the LED has answered or had its time to
 */
export async function runButton(component: Component): Promise<() => void> {
  const { bus, clock, fail, log, stopping, thing } = component;
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
  const press = () => {
    blinks = !blinks;
    const state = blinks;
    sending = sending
      .then(() => bus.publishLocal(topic, { state }))
      .then(
        () => log.info(`Pressed: asked the LED to ${state ? 'blink' : 'stop'}.`),
        (error: unknown) => log.problem(`Pressed, but could not tell the LED: ${reasonOf(error)}.`),
      );
  };

  const cloudTopic = topics.pressButton(thing);
  const onCloudPress = (payload: Payload) => {
    const message = parseMessage(PressMessage, payload);
    if (message.ok) press();
    else log.problem(`Ignored ${shown(payload)} on ${cloudTopic} (${message.problem}): expected {}.`);
  };
  void keepSubscribed({ topic: cloudTopic, onMessage: onCloudPress, qos: 0 }, { bus, clock, log, stopping });
  return press;
}

/** How long the LED may take to answer, in milliseconds. */
const ANSWER_MS = 1_000;

import { FREQUENCY_RANGE, FrequencyMessage, parseMessage, topics } from '@mooring/contracts';
import { z } from 'zod';
import type { Message, Payload } from '../../runtime/src/bus.js';
import { keepSubscribed } from '../../runtime/src/cloud-subscription.js';
import type { Component } from '../../runtime/src/component.js';
import { reasonOf } from '../../runtime/src/errors.js';
import { shown } from '../../runtime/src/log.js';
import { Blinker } from './blinker.js';
import type { LedConfiguration } from './configuration.js';
import type { Led } from './led.js';
import { tellTelemetry } from './telemetry.js';

/**
 * The LED: blinks at the frequency that the cloud sets, until the button stops it or starts it again.
 *
 * The LED is the authority on whether it blinks. It says so on the local button topic when it starts, and
 * whenever it is asked with an empty message (`{}`), which the button does when *it* starts. A message
 * with a state tells it what to do, and is answered to the cloud with what it does.
 *
 * It blinks from the start and whatever the network does; each time that IoT Core takes the subscription
 * to the frequency topic, the cloud is told the frequency in force and whether the LED blinks. The
 * frequency that the cloud set is kept as long as the component runs, and the configured one comes back
 * with a restart. What it does is also told as telemetry, see {@link tellTelemetry}.
 */
export async function runLed(
  component: Component,
  led: Led,
  { frequency, telemetry: { interval } }: Pick<LedConfiguration, 'frequency' | 'telemetry'>,
): Promise<void> {
  const { bus, clock, fail, log, stopping, thing } = component;
  const blinker = new Blinker(frequency, clock, (on) => led.set(on), fail);
  component.onStop(() => blinker.stop());
  void led.failed.then(fail);

  /** What is published leaves in the order in which it happened. */
  let sending = Promise.resolve();
  const tellCloud = (topic: string, message: Message) => {
    sending = sending
      .then(() => bus.publishToCloud(topic, message))
      .catch((error: unknown) => log.problem(`Could not tell the cloud: ${reasonOf(error)}.`));
  };
  const tellFrequency = () => tellCloud(topics.frequency(thing), { frequency: blinker.frequency });
  const tellBlinking = () => tellCloud(topics.button(thing), { state: blinker.blinking });
  const sayBlinking = async () => {
    try {
      await bus.publishLocal(topics.localButton(), { state: blinker.blinking });
    } catch (error) {
      log.problem(`Could not tell the button: ${reasonOf(error)}.`);
    }
  };
  const telemetry = tellTelemetry(component, interval, () => ({
    frequency: blinker.frequency,
    blinking: blinker.blinking,
  }));
  /** The hardware may fail under any change; that ends the component. */
  const drive = (change: () => void) => {
    try {
      change();
    } catch (error) {
      fail(error);
    }
  };

  const onFrequency = (payload: Payload) => {
    const message = parseMessage(FrequencyMessage, payload);
    if (!message.ok) {
      log.problem(
        `Ignored ${shown(payload)} on ${topics.setFrequency(thing)} (${message.problem}): expected {"frequency": ${FREQUENCY_RANGE.minimum} to ${FREQUENCY_RANGE.maximum}}, in Hz. ${goesOn()}`,
      );
      return;
    }
    drive(() => blinker.setFrequency(message.value.frequency));
    log.info(`Frequency ${blinker.frequency} Hz, as the cloud set it. ${goesOn()}`);
    tellFrequency();
    telemetry.soon();
  };

  const onButton = (payload: Payload) => {
    const message = parseMessage(LocalButtonMessage, payload);
    if (!message.ok) {
      log.problem(
        `Ignored ${shown(payload)} on ${topics.localButton()} (${message.problem}): expected {"state": true or false}. ${goesOn()}`,
      );
      return;
    }
    const { state } = message.value;
    if (state === undefined) {
      void sayBlinking();
      return;
    }
    drive(() => (state ? blinker.start() : blinker.stop()));
    log.info(`The button was pressed. ${goesOn()}`);
    tellBlinking();
    telemetry.soon();
  };

  const goesOn = () =>
    blinker.blinking
      ? `The LED blinks at ${blinker.frequency} Hz.`
      : 'The LED is off until the button is pressed.';

  blinker.start();
  log.info(`Drives ${led.name}. ${goesOn()}`);
  telemetry.soon();
  const { ended } = await bus.subscribeLocal(topics.localButton(), onButton);
  void ended.then(() => fail(new Error(`The core device ended the subscription to ${topics.localButton()}`)));
  await sayBlinking();
  void keepSubscribed(
    {
      topic: topics.setFrequency(thing),
      onMessage: onFrequency,
      onSubscribed: () => {
        tellFrequency();
        tellBlinking();
        telemetry.soon();
      },
    },
    { bus, clock, log, stopping },
  );
}

/** On the device's own topic: what the LED shall do, or, when empty, the question what it does. */
const LocalButtonMessage = z.object({ state: z.boolean().optional() });

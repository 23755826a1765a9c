import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { ButtonMessage, componentNames, topics } from '@mooring/contracts';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { programs } from '../repository.js';
import type { StateDirectory } from '../state-directory.js';
import { answerOf } from './answer.js';
import type { CloudConnection } from './cloud-connection.js';
import { checkThing } from './thing.js';

const run = promisify(execFile);

/**
 * Presses the button of a device and waits for what the device tells of its LED. That of a virtual device on this
 * machine is pressed here, and any other through the cloud.
 *
 * @param state where the virtual devices of this machine are; undefined when they are not of the cloud's fleet.
 * @returns whether the LED blinks now.
 * @throws MooringError when the device does not answer in time.
 */
export async function pressButton(
  cloud: CloudConnection,
  state: StateDirectory | undefined,
  thing: string,
): Promise<boolean> {
  checkThing(thing);
  const root = state?.device(thing);
  const { state: blinking } = await answerOf(cloud, {
    thing,
    component: componentNames.button,
    topic: topics.button(thing),
    schema: ButtonMessage,
    accept: () => true,
    ask: () =>
      root !== undefined && existsSync(root)
        ? press(thing, root)
        : cloud.publish(topics.pressButton(thing), '{}'),
  });
  return blinking;
}

/**
 * Presses the button of a virtual device on this machine, and asks nothing of the cloud.
 *
 * @throws MooringError when there is no such virtual device here, or nothing on it listens to its button.
 */
export async function pressButtonLocally(state: StateDirectory, thing: string): Promise<void> {
  await press(thing, virtualDeviceRoot(state, thing));
}

function virtualDeviceRoot(state: StateDirectory, thing: string): string {
  checkThing(thing);
  const root = state.device(thing);
  if (!existsSync(root)) {
    throw new MooringError(
      'NoVirtualDevice',
      `There is no virtual device ${thing} on this machine (${root}): \`mooring status\` lists the devices`,
    );
  }
  return root;
}

/** What the virtual device's command prints of a press. */
const Press = z.object({ heard: z.boolean() });

/** @throws MooringError when the device does not run, or nothing on it listens to the button. */
async function press(thing: string, root: string): Promise<void> {
  const args = [programs.virtualDevice, 'button', 'press', '--root', root, '--json'];
  const { stdout } = await run(process.execPath, args).catch((error: unknown) => {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new MooringError('NotPressed', `The button of ${thing} cannot be pressed: ${detail}`);
  });
  if (!Press.parse(JSON.parse(stdout)).heard) {
    throw new MooringError(
      'NotHeard',
      `Nothing on device ${thing} listens to its button: see with \`mooring status\` whether ${componentNames.button} runs`,
    );
  }
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MooringError } from '../errors.js';
import { programs } from '../repository.js';
import type { StateDirectory } from '../state-directory.js';
import { Child } from './child.js';
import { type Bundle, deployLocally } from './components.js';
import { type ImageFiles, prepareDevice } from './device.js';
import { measureBlink } from './led-watch.js';

/** Seconds for one stage of a boot; generous, as it only ends what hangs. */
const STAGE_TIMEOUT = 120;

/** A device that runs on this machine. */
export interface RunningDevice {
  readonly thing: string;
  readonly root: string;
  /** Whether it provisioned itself now; false when it had its certificate from an earlier start. */
  readonly provisioned: boolean;
  /** Measured blinking of its LED, hertz. */
  readonly hertz: number | undefined;
  readonly child: Child;
}

/** What a device needs to boot. */
export interface Boot {
  readonly thing: string;
  readonly state: StateDirectory;
  readonly image: ImageFiles;
  readonly bundle: Bundle;
  readonly children: Child[];
  readonly signal: AbortSignal;
}

/**
 * Boots a virtual device as its image would, deploys the components on it, and waits for its LED to blink.
 *
 * @throws MooringError when it is refused, ends, or its LED does not blink.
 */
export async function bootDevice({
  thing,
  state,
  image,
  bundle,
  children,
  signal,
}: Boot): Promise<RunningDevice> {
  const root = state.device(thing);
  await mkdir(root, { recursive: true });
  const config = await prepareDevice(root, thing, image);
  const child = new Child({
    name: `device ${thing}`,
    script: programs.virtualDevice,
    arguments: ['run', '--root', root, '--init-config', config, '--json', '--exit-with-parent'],
    logFile: join(state.logs, `device-${thing}.log`),
  });
  children.push(child);
  let provisioned = false;
  child.onEvent(({ event }) => {
    if (event === 'provisioned') provisioned = true;
  });
  await child.waitFor(({ event }) => event === 'connected', 'connected', STAGE_TIMEOUT);
  await deployLocally(root, bundle);
  const hertz = await measureBlink(root, 1, STAGE_TIMEOUT, signal);
  if (hertz === undefined && !signal.aborted) {
    throw new MooringError(
      'NoBlink',
      `The LED of device ${thing} does not blink: see ${join(root, 'logs', 'docker_led.log')}`,
    );
  }
  return { thing, root, provisioned, hertz, child };
}

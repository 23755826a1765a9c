import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MooringError } from '../errors.js';
import { programs } from '../repository.js';
import type { StateDirectory } from '../state-directory.js';
import { Child } from './child.js';
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
  /** Base URL of AWS's services when it is not AWS's own. */
  readonly endpointUrl: string | undefined;
  readonly children: Child[];
  readonly signal: AbortSignal;
}

/**
 * Boots a virtual device as its image would, and waits until its LED blinks: the deployment to the fleet's thing
 * group brings it what it is to run.
 *
 * @throws MooringError when it is refused, ends, or its LED does not blink.
 */
export async function bootDevice(boot: Boot): Promise<RunningDevice> {
  const { child, root, provisioned } = await connectDevice(boot);
  const hertz = await measureBlink(root, 1, STAGE_TIMEOUT, boot.signal);
  if (hertz === undefined && !boot.signal.aborted) {
    throw new MooringError(
      'NoBlink',
      `The LED of device ${boot.thing} does not blink: see ${join(root, 'logs')}, first greengrass.log, then docker_led.log`,
    );
  }
  return { thing: boot.thing, root, provisioned, hertz, child };
}

/**
 * Starts a virtual device and waits until it is connected.
 *
 * @throws MooringError when it is refused, or ends.
 */
export async function connectDevice({
  thing,
  state,
  image,
  endpointUrl,
  children,
}: Omit<Boot, 'signal'>): Promise<Omit<RunningDevice, 'hertz'>> {
  const root = state.device(thing);
  await mkdir(root, { recursive: true });
  const config = await prepareDevice(root, thing, image);
  const child = new Child({
    name: `device ${thing}`,
    script: programs.virtualDevice,
    arguments: [
      ...['run', '--root', root, '--init-config', config, '--image-store', state.images],
      ...['--json', '--exit-with-parent'],
    ],
    logFile: join(state.logs, `device-${thing}.log`),
    // As every AWS SDK is told: what runs on the device asks there too.
    ...(endpointUrl !== undefined && { env: { AWS_ENDPOINT_URL: endpointUrl } }),
  });
  children.push(child);
  let provisioned = false;
  child.onEvent(({ event }) => {
    if (event === 'provisioned') provisioned = true;
  });
  await child.waitFor(({ event }) => event === 'connected', 'connected', STAGE_TIMEOUT);
  return { thing, root, provisioned, child };
}

import { join } from 'node:path';
import { MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';
import type { Payload } from './payload.js';
import { asRoot, isThere, run } from './tools.js';

/**
 * Builds the image of Raspberry Pi OS with Packer and its Arm builder plugin, which need root and loop devices.
 *
 * @throws MooringError `NoPacker`, `ToolFailed`
 */
export async function buildRaspberryPi(
  payload: Payload,
  image: string,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (!isThere('packer')) {
    throw new MooringError(
      'NoPacker',
      'The image of Raspberry Pi OS needs packer and packer-builder-arm, which this machine has not: docs/os-image.md says how to get them',
    );
  }
  const variables = { payload: payload.folder, units: payload.units.join(' '), image };
  const options = Object.entries(variables).flatMap(([name, value]) => ['-var', `${name}=${value}`]);
  const template = join(repositoryRoot, 'os-image', 'rpi', 'raspberry-pi-os.pkr.hcl');
  await run(asRoot(['packer', 'build', ...options, template]), onProgress, signal);
}

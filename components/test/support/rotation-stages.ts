import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { RotatingDevice } from './rotating-device.js';
import type { RotationCloud } from './rotation-cloud.js';

/** Calls back, once, when the next rotation has come to a stage. */
export type Stage = (device: RotatingDevice, cloud: RotationCloud, reached: () => void) => void;

/** When something is there beside the generation in use, or the link has moved. */
const onDisk =
  (fits: (at: (name: string) => string, next: string, current: string) => boolean): Stage =>
  (device, _cloud, reached) => {
    const at = (name: string) => join(device.certificates, name);
    const current = readlinkSync(at('current'));
    const next = String(Number(current) + 1);
    device.whenThere(() => fits(at, next, current), reached);
  };

/** When the cloud got something, which it then does not answer. */
const inCloud =
  (moment: 'onSigningRequest' | 'onAcknowledged' | 'onRetired'): Stage =>
  (_device, { behaviour }, reached) => {
    behaviour[moment] = () => {
      behaviour[moment] = () => 'answer';
      reached();
      return 'silence';
    };
  };

/** All stages of a rotation, in order. */
export const stages: Readonly<Record<string, Stage>> = {
  requested: onDisk((at) => existsSync(at('request.json'))),
  'key made': onDisk((at, next) => existsSync(join(at(next), 'private.key'))),
  'request sent': inCloud('onSigningRequest'),
  'certificate received': onDisk((at, next) => existsSync(join(at(next), 'issued.json'))),
  switched: onDisk((at, _next, current) => readlinkSync(at('current')) !== current),
  acknowledged: inCloud('onAcknowledged'),
  retired: inCloud('onRetired'),
};

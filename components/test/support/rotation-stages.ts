import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { RotatingDevice } from './rotating-device.js';
import type { RotationCloud } from './rotation-cloud.js';

/** Calls back, once, when the next rotation has come to a stage. */
export type Stage = (device: RotatingDevice, cloud: RotationCloud, reached: () => void) => void;

/**
 * When something is there beside the generation in use, or the link has moved. On a busy machine a stage may be over
 * before it is seen; then the moment is the first one behind it.
 */
const onDisk =
  (fits: (at: (name: string) => string, next: string, current: string) => boolean): Stage =>
  (device, _cloud, reached) => {
    const at = (name: string) => join(device.certificates, name);
    const current = readlinkSync(at('current'));
    const next = String(Number(current) + 1);
    const isOver = () => readlinkSync(at('current')) !== current;
    device.whenThere(() => fits(at, next, current) || isOver(), reached);
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
  requested: onDisk((at, next) => existsSync(at('request.json')) || existsSync(at(next))),
  'key made': onDisk((at, next) => existsSync(join(at(next), 'private.key'))),
  'request sent': inCloud('onSigningRequest'),
  'certificate received': onDisk((at, next) => existsSync(join(at(next), 'issued.json'))),
  switched: onDisk(() => false),
  acknowledged: inCloud('onAcknowledged'),
  retired: inCloud('onRetired'),
};

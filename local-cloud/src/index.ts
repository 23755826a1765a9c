export { type Clock, ManualClock, systemClock } from './clock.js';
export { LocalCloudError } from './errors.js';
export {
  DEFAULT_PORTS,
  type LocalCloud,
  type LocalCloudOptions,
  type Ports,
  startLocalCloud,
} from './local-cloud.js';

export type { Clock, Timer } from './clock.js';
export { systemClock } from './clock.js';
export { type Device, type DeviceOptions, NUCLEUS_VERSION, startDevice } from './device.js';
export { DeviceError, type DeviceErrorCode } from './errors.js';
export type { DeviceEvent } from './events.js';
export { pressButton } from './hardware/button.js';
export { type LedObserver, type LedView, observeLed } from './hardware/led-observer.js';
export { DEFAULT_LED } from './hardware/leds.js';
export type { ComponentDetails, LifecycleState } from './ipc/capabilities.js';

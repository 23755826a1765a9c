/** What the pipeline's commands read of devices, and do to them, as the functions do. */
export { type BrokenVersion, brokenVersions } from './broken-versions.js';
export {
  attachedCertificates,
  type DeviceCertificate,
  deviceCertificates,
  readRotationState,
  rotationState,
} from './certificates.js';
export { connectivity } from './connectivity.js';
export { coreDevice } from './core-device.js';
export { failureReason } from './failure-reason.js';
export { removeDevice } from './remove-device.js';
export { invokeRotationRequest, RotationRequestFailedError } from './rotation-request.js';

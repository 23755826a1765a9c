/** Operations of the service model that this device does not have, and says so. */
import { IpcError } from '../capabilities.js';
import type { Operation } from '../operation.js';

/** Known to the model; each answers as the nucleus does when a plugin that serves it is not installed. */
const UNSUPPORTED_OPERATIONS = [
  'AuthorizeClientDeviceAction',
  'CancelLocalDeployment',
  'CreateDebugPassword',
  'DeleteThingShadow',
  'GetClientDeviceAuthToken',
  'GetSecretValue',
  'GetThingShadow',
  'ListNamedShadowsForThing',
  'PauseComponent',
  'ResumeComponent',
  'SubscribeToCertificateUpdates',
  'UpdateThingShadow',
  'VerifyClientDeviceIdentity',
] as const;

export function unsupportedOperations(): readonly Operation[] {
  return UNSUPPORTED_OPERATIONS.map((name) => ({
    name,
    handle(_request, { operation }) {
      throw new IpcError('ServiceError', `Operation ${operation} is not supported by Greengrass`);
    },
  }));
}

/** Operations of the service model that this device does not have, and says so. */
import { IpcError } from '../capabilities.js';
import type { Operation } from '../operation.js';

/** Known to the model; each answers as the nucleus does when a plugin that serves it is not installed. */
const UNSUPPORTED_OPERATIONS = [
  'AuthorizeClientDeviceAction',
  'CancelLocalDeployment',
  'CreateDebugPassword',
  'DeferComponentUpdate',
  'DeleteThingShadow',
  'GetClientDeviceAuthToken',
  'GetSecretValue',
  'GetThingShadow',
  'ListNamedShadowsForThing',
  'PauseComponent',
  'PutComponentMetric',
  'ResumeComponent',
  'SendConfigurationValidityReport',
  'SubscribeToCertificateUpdates',
  'SubscribeToComponentUpdates',
  'SubscribeToValidateConfigurationUpdates',
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

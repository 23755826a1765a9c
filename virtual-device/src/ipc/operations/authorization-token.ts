/** The check of another component's token, which only the stream manager may ask for. */
import { z } from 'zod';
import { IpcError, type IpcPrincipal } from '../capabilities.js';
import { defineOperation, type Operation, principalName } from '../operation.js';

const STREAM_MANAGER = 'aws.greengrass.StreamManager';

export function authorizationTokenOperations(
  authenticate: (token: string) => IpcPrincipal | undefined,
): readonly Operation[] {
  return [
    defineOperation({
      name: 'ValidateAuthorizationToken',
      request: z.object({ token: z.string() }),
      handle({ token }, { principal, operation }) {
        if (!('componentName' in principal) || principal.componentName !== STREAM_MANAGER) {
          throw new IpcError(
            'UnauthorizedError',
            `${principalName(principal)} is not authorized to perform ${operation}`,
          );
        }
        if (authenticate(token) === undefined) {
          throw new IpcError('InvalidTokenError', 'Authentication token not found');
        }
        return { isValid: true };
      },
    }),
  ];
}

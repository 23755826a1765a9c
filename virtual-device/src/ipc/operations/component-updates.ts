/** Components' part in deployments: being told, deferring, and validating their new configuration. */
import { z } from 'zod';
import {
  type ComponentsCapability,
  type ComponentUpdatesCapability,
  IpcError,
  type IpcPrincipal,
} from '../capabilities.js';
import { defineOperation, type Operation, principalName } from '../operation.js';

const deferRequest = z.object({
  deploymentId: z.string().nullish(),
  message: z.string().nullish(),
  recheckAfterMs: z.number().nonnegative().nullish(),
});

const reportRequest = z.object({
  configurationValidityReport: z.object({
    status: z.enum(['ACCEPTED', 'REJECTED']),
    deploymentId: z.string(),
    message: z.string().nullish(),
  }),
});

export function componentUpdateOperations(
  updates: ComponentUpdatesCapability,
  components: ComponentsCapability,
): readonly Operation[] {
  const installed = (principal: IpcPrincipal): string => {
    const name = principalName(principal);
    if ('componentName' in principal && components.details(name) !== undefined) return name;
    throw new IpcError(
      'ResourceNotFoundError',
      'Component with given name not found currently in Greengrass',
      {
        type: 'Component',
        name,
      },
    );
  };
  return [
    defineOperation({
      name: 'SubscribeToComponentUpdates',
      request: z.object({}),
      eventShape: 'ComponentUpdatePolicyEvents',
      handle(_request, call) {
        call.onClosed(updates.subscribeToUpdates(installed(call.principal), (event) => call.emit(event)));
        return {};
      },
    }),
    defineOperation({
      name: 'DeferComponentUpdate',
      request: deferRequest,
      handle({ deploymentId, message, recheckAfterMs }, { principal }) {
        updates.defer(principalName(principal), {
          deploymentId: deploymentId ?? undefined,
          recheckAfterMs: Math.round(recheckAfterMs ?? 0),
          message: message ?? undefined,
        });
        return {};
      },
    }),
    defineOperation({
      name: 'SubscribeToValidateConfigurationUpdates',
      request: z.object({}),
      eventShape: 'ValidateConfigurationUpdateEvents',
      handle(_request, call) {
        const name = principalName(call.principal);
        call.onClosed(updates.subscribeToValidation(name, (event) => call.emit(event)));
        return {};
      },
    }),
    defineOperation({
      name: 'SendConfigurationValidityReport',
      request: reportRequest,
      handle({ configurationValidityReport: { status, deploymentId, message } }, { principal }) {
        updates.report(principalName(principal), {
          deploymentId,
          accepted: status === 'ACCEPTED',
          message: message ?? undefined,
        });
        return {};
      },
    }),
  ];
}

/** Components: their own report of their state, and (`aws.greengrass.Cli`) the management of all of them. */
import { z } from 'zod';
import type { AccessControl } from '../access-control.js';
import { type ComponentDetails, type ComponentsCapability, IpcError } from '../capabilities.js';
import { defineOperation, type Operation, principalName, type ShapeBody } from '../operation.js';

const MANAGEMENT = 'aws.greengrass.Cli';

const componentRequest = z.object({
  componentName: z.string().min(1, 'Component name cannot be empty'),
});

export function componentOperations(
  accessControl: AccessControl,
  components: ComponentsCapability,
): readonly Operation[] {
  const known = (componentName: string): ComponentDetails => {
    const details = components.details(componentName);
    if (details !== undefined) return details;
    throw new IpcError(
      'ComponentNotFoundError',
      `Component with name ${componentName} not found in Greengrass`,
    );
  };
  return [
    defineOperation({
      name: 'UpdateState',
      request: z.object({ state: z.enum(['RUNNING', 'ERRORED']) }),
      async handle({ state }, { principal }) {
        const name = principalName(principal);
        if (!('componentName' in principal) || components.details(name) === undefined) {
          throw notFound('Component with given name not found', name);
        }
        await components.updateState(name, state);
        return {};
      },
    }),
    defineOperation({
      name: 'ListComponents',
      request: z.object({}),
      handle(_request, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, '*');
        return { components: components.list().map(detailsShape) };
      },
    }),
    defineOperation({
      name: 'GetComponentDetails',
      request: componentRequest,
      handle({ componentName }, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, componentName);
        const details = components.details(componentName);
        if (details === undefined) {
          throw notFound(`Component with name ${componentName} not found in Greengrass`, componentName);
        }
        return { componentDetails: detailsShape(details) };
      },
    }),
    defineOperation({
      name: 'RestartComponent',
      request: componentRequest,
      async handle({ componentName }, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, componentName);
        await components.restart(known(componentName).componentName);
        return { restartStatus: 'SUCCEEDED' };
      },
    }),
    defineOperation({
      name: 'StopComponent',
      request: componentRequest,
      async handle({ componentName }, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, componentName);
        await components.stop(known(componentName).componentName);
        return { stopStatus: 'SUCCEEDED' };
      },
    }),
  ];
}

function detailsShape(details: ComponentDetails): ShapeBody {
  const { componentName, version, state, configuration } = details;
  return { componentName, version, state, configuration };
}

function notFound(message: string, componentName: string): IpcError {
  return new IpcError('ResourceNotFoundError', message, { type: 'Component', name: componentName });
}

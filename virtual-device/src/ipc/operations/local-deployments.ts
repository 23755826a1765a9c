/** Local deployments: what the Greengrass CLI, and components with a policy for `aws.greengrass.Cli`, ask for. */
import { z } from 'zod';
import type { AccessControl } from '../access-control.js';
import { IpcError, type LocalDeployment, type LocalDeploymentsCapability } from '../capabilities.js';
import { defineOperation, type Operation, type ShapeBody } from '../operation.js';
import { jsonValue } from '../shapes.js';

const MANAGEMENT = 'aws.greengrass.Cli';

const createRequest = z.object({
  groupName: z.string().optional(),
  rootComponentVersionsToAdd: z.record(z.string(), z.string()).optional(),
  rootComponentsToRemove: z.array(z.string()).optional(),
  componentToConfiguration: z.record(z.string(), jsonValue).optional(),
  componentToRunWithInfo: z
    .record(
      z.string(),
      z.object({
        posixUser: z.string().optional(),
        windowsUser: z.string().optional(),
        systemResourceLimits: z
          .object({ memory: z.number().optional(), cpus: z.number().optional() })
          .optional(),
      }),
    )
    .optional(),
  recipeDirectoryPath: z.string().optional(),
  artifactsDirectoryPath: z.string().optional(),
  failureHandlingPolicy: z.enum(['ROLLBACK', 'DO_NOTHING']).optional(),
});

export function localDeploymentOperations(
  accessControl: AccessControl,
  localDeployments: LocalDeploymentsCapability,
): readonly Operation[] {
  return [
    defineOperation({
      name: 'CreateLocalDeployment',
      request: createRequest,
      async handle(request, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, '*');
        return { deploymentId: await localDeployments.create(request) };
      },
    }),
    defineOperation({
      name: 'GetLocalDeploymentStatus',
      request: z.object({ deploymentId: z.string().min(1) }),
      handle({ deploymentId }, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, deploymentId);
        const deployment = localDeployments.status(deploymentId);
        if (deployment === undefined) {
          throw new IpcError('ResourceNotFoundError', 'Cannot find deployment', {
            type: 'localDeployment',
            name: deploymentId,
          });
        }
        return { deployment: deploymentShape(deployment) };
      },
    }),
    defineOperation({
      name: 'ListLocalDeployments',
      request: z.object({}),
      handle(_request, call) {
        accessControl.authorize(call.principal, MANAGEMENT, call.operation, '*');
        return { localDeployments: localDeployments.list().map(deploymentShape) };
      },
    }),
  ];
}

function deploymentShape(deployment: LocalDeployment): ShapeBody {
  const { deploymentId, status, createdOn, deploymentStatusDetails } = deployment;
  return { deploymentId, status, createdOn, deploymentStatusDetails };
}

import { ValidationException } from '@aws-sdk/client-greengrassv2';
import { type Permission, roleAuthorization } from '../../authorization.js';
import type { Clock } from '../../clock.js';
import { AwsError } from '../../errors.js';
import type { Authorize, Call } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { DeviceAccess } from '../iot/authorization/device-access.js';
import type { GreengrassArns } from './arns.js';
import { parseRecipe } from './components/recipe.js';
import { DEPLOYMENT_SHADOW } from './deployments/delivery.js';

/** Who may do what: roles by their policies, core devices by those of their certificates, the account everything. */
export interface GreengrassAccess {
  /** Checks an operation before it runs. */
  readonly authorize: Authorize;
  /** @throws AwsError `AccessDeniedException` when the caller may not do this to the resource. */
  require(call: Call, action: string, resource: string): void;
}

/** What core devices may call; the resources are checked by the operations themselves. */
const DEVICE_OPERATIONS: ReadonlySet<string> = new Set([
  'ResolveComponentCandidates',
  'GetComponentVersionArtifact',
]);

export function greengrassAccess(
  arns: GreengrassArns,
  access: DeviceAccess,
  roles: RoleAuthority | undefined,
  clock: Clock,
): GreengrassAccess {
  const byRole =
    roles &&
    roleAuthorization({
      prefix: 'greengrass',
      roles,
      clock,
      permission: (operation, input) => permissions(arns, operation, input),
    });

  return {
    authorize(operation, input, call) {
      const isDevice = call.principal.kind === 'certificate';
      if (isDevice && !DEVICE_OPERATIONS.has(operation)) throw denied();
      // Devices ask for one component at a time, whose resource is known when it is found.
      if (operation === 'ResolveComponentCandidates') return;
      if (!isDevice) byRole?.(operation, input, call);
    },

    require(call, action, resource) {
      const { principal, request } = call;
      if (principal.kind === 'account' || (principal.kind === 'role' && !roles)) return;
      const peer = { principal, sourceIp: request.sourceIp, domainName: request.headers.host };
      if (access.allows(peer, action, resource)) return;
      throw principal.kind === 'role'
        ? denied(`User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource}`)
        : denied();
    },
  };
}

function denied(message = 'Access Denied'): AwsError {
  return new AwsError('AccessDeniedException', message, 403);
}

/** Service authorization reference, "Actions defined by AWS IoT Greengrass V2", with dependent actions on the target. */
function permissions(
  arns: GreengrassArns,
  operation: string,
  input: Readonly<Record<string, unknown>>,
): readonly Permission[] | undefined {
  const action = `greengrass:${operation}`;
  const { arn, resourceArn, deploymentId, coreDeviceThingName, thingName, targetArn } = input;
  if (operation === 'CreateDeployment' && typeof targetArn === 'string') {
    const dependent = targetArn.includes(':thinggroup/')
      ? ['iot:DescribeThingGroup', 'iot:CreateJob']
      : ['iot:DescribeThing'];
    const shadow = `${targetArn}/${DEPLOYMENT_SHADOW}`;
    return [
      { action, resource: '*' },
      ...dependent.map((name) => ({ action: name, resource: targetArn })),
      ...(targetArn.includes(':thing/') ? [{ action: 'iot:UpdateThingShadow', resource: shadow }] : []),
    ];
  }
  if (operation === 'CreateComponentVersion') {
    const name = componentOf(input);
    return name === undefined ? undefined : [{ action, resource: arns.component('account', name) }];
  }
  if (operation === 'AssociateServiceRoleToAccount') {
    return [
      { action, resource: '*' },
      { action: 'iam:PassRole', resource: String(input.roleArn) },
    ];
  }
  for (const [value, resource] of [
    [arn, String(arn)],
    [resourceArn, String(resourceArn)],
    [deploymentId, arns.deployment(String(deploymentId))],
    [coreDeviceThingName, arns.coreDevice(String(coreDeviceThingName))],
    [thingName, arns.connectivityInfo(String(thingName))],
  ] as const) {
    if (typeof value === 'string') return [{ action, resource }];
  }
  return undefined;
}

/** The component that a recipe is for; undefined when it is none, which the operation itself says more of. */
function componentOf({ inlineRecipe }: Readonly<Record<string, unknown>>): string | undefined {
  if (!(inlineRecipe instanceof Uint8Array)) return undefined;
  try {
    return parseRecipe(inlineRecipe).ComponentName;
  } catch (error) {
    if (error instanceof ValidationException) return undefined;
    throw error;
  }
}

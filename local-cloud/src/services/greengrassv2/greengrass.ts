import * as sdk from '@aws-sdk/client-greengrassv2';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { restJson1 } from '../../protocol/protocols.js';
import { defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { IotArns } from '../iot/arns.js';
import type { DeviceAccess } from '../iot/authorization/device-access.js';
import type { DevicePath } from '../iot/devices/https-listener.js';
import type { ThingTopics } from '../iot/devices/thing-topics.js';
import type { IotRegistry } from '../iot/iot.js';
import type { JobEngine } from '../iot/jobs/engine.js';
import type { Shadows } from '../iot/shadows/shadows.js';
import type { ObjectDigest } from '../s3/object-digest.js';
import type { CredentialsIssuer } from '../sts/issuer.js';
import { greengrassAccess } from './access.js';
import { greengrassArns } from './arns.js';
import { clientTokens } from './client-tokens.js';
import { artifacts } from './components/artifacts.js';
import { componentOperations } from './components/component-operations.js';
import { ComponentStore } from './components/component-store.js';
import { resolution } from './components/resolution.js';
import { dataPlanePaths, resolutionOperations } from './data-plane.js';
import { delivery } from './deployments/delivery.js';
import { deploymentOperations } from './deployments/deployment-operations.js';
import { DeploymentStore } from './deployments/deployment-store.js';
import { recordExecution, recordInformation, recordShadow } from './deployments/device-results.js';
import { effectiveDeployments } from './deployments/effective-deployments.js';
import { clientDeviceOperations } from './devices/client-devices.js';
import { coreDeviceOperations } from './devices/core-device-operations.js';
import { CoreDevices } from './devices/core-devices.js';
import { parseFleetStatus } from './devices/fleet-status.js';
import { componentVersionType, deploymentType } from './resource-types.js';
import { serviceRoleOperations } from './service-role.js';
import { tagOperations } from './tags.js';

const HEALTH = /^greengrassv2\/health\/json$/;

/** What Greengrass needs of the rest of the local cloud. */
export interface GreengrassCapabilities {
  readonly thingTopics: ThingTopics;
  readonly registry: IotRegistry;
  /** The ARNs of AWS IoT. */
  readonly arns: IotArns;
  readonly access: DeviceAccess;
  /** Deployments to thing groups are jobs. */
  readonly jobs: JobEngine;
  /** Deployments to things are shadows. */
  readonly shadows: Shadows;
  /** For the URLs of artifacts. */
  readonly issuer: CredentialsIssuer;
  /** Reads artifacts in S3; without it no component can have any. */
  readonly objectDigest?: ObjectDigest | undefined;
  /** Where S3 is; resolves when the HTTP front listens. */
  readonly endpointUrl?: Promise<string> | undefined;
  /** Decides for sessions of roles, which are not restricted without it. */
  readonly roles?: RoleAuthority | undefined;
}

/** AWS IoT Greengrass version 2: components, deployments, core devices, and the data plane that those call. */
export function greengrass(
  base: Base,
  capabilities: GreengrassCapabilities,
): Plugin & {
  /** The data plane, for the device HTTPS listener. */
  readonly devicePaths: readonly DevicePath[];
} {
  const { store, log, clock, region } = base;
  const { thingTopics, registry, arns: iotArns, jobs, shadows, roles, issuer } = capabilities;
  const arns = greengrassArns(base);
  const tokens = clientTokens(base);
  const components = new ComponentStore(store);
  const deployments = new DeploymentStore(store);
  const devices = new CoreDevices(store);
  const sending = delivery(deployments, jobs, shadows);
  const access = greengrassAccess(arns, capabilities.access, roles, clock);
  const { objectDigest, endpointUrl } = capabilities;

  thingTopics.on(HEALTH, ({ thingName, payload }) => {
    const message = parseFleetStatus(payload);
    if (!message) log('warn', 'A fleet status message was not understood', { thingName });
    else if (registry.thingExists(thingName) && devices.report(thingName, message)) {
      const { deploymentInformation, timestamp } = message;
      if (deploymentInformation) recordInformation(deployments, thingName, deploymentInformation, timestamp);
    }
  });
  jobs.onChange((change) => recordExecution(deployments, jobs, change));
  shadows.onUpdate((update) => recordShadow(deployments, clock, update));
  sending.resume(({ deploymentId }, error) =>
    log('error', 'A deployment could not be sent', { deploymentId, error: String(error) }),
  );

  const ofComponents = componentOperations({
    base,
    arns,
    components,
    artifacts: artifacts({ region, clock, issuer, objectDigest, endpointUrl }),
    tokens,
    access,
  });
  const ofDeployments = deploymentOperations({
    ...{ base, arns, iotArns, components, deployments, tokens, registry, access },
    delivery: sending,
  });
  const resources = {
    ...{ arns, components, deployments },
    componentOperations: ofComponents,
    deploymentOperations: ofDeployments,
  };

  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'greengrassv2',
    scopes: ['greengrass'],
    model,
    protocol: restJson1(model),
    authorize: access.authorize,
    operations: {
      ...ofComponents,
      ...resolutionOperations(resolution(arns, components), access),
      ...ofDeployments,
      ...coreDeviceOperations({
        ...{ arns, devices, deployments },
        effective: effectiveDeployments(deployments, jobs, iotArns),
      }),
      ...clientDeviceOperations(base, (thingName) => registry.thingExists(thingName)),
      ...serviceRoleOperations(base),
      ...tagOperations({ arns, components, deployments, devices }),
    },
  });
  return {
    services: [service],
    resourceTypes: [componentVersionType(resources), deploymentType(resources)],
    devicePaths: dataPlanePaths(base, service, access, arns, registry),
  };
}

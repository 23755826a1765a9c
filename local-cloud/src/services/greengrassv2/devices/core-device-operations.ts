import * as sdk from '@aws-sdk/client-greengrassv2';
import type { GreengrassArns } from '../arns.js';
import type { DeploymentStore } from '../deployments/deployment-store.js';
import { checkEnum, invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import type { CoreDevice, CoreDevices, InstalledComponent } from './core-devices.js';

export interface CoreDeviceParts {
  readonly arns: GreengrassArns;
  readonly devices: CoreDevices;
  readonly deployments: DeploymentStore;
  /** What a device was sent, the newest first. */
  readonly effective: (thingName: string) => sdk.EffectiveDeployment[];
}

const LIFECYCLE_STATES = Object.values(sdk.InstalledComponentLifecycleState);
const GROUP_ARN = /^arn:[^:]*:iot:[^:]*:[0-9]+:thinggroup\/.+$/;

/** Core devices, as their fleet status messages tell of them, and what was deployed to them. */
export function coreDeviceOperations({ arns, devices, deployments, effective }: CoreDeviceParts) {
  function existing(thingName: string | undefined): CoreDevice {
    const device = devices.get(thingName ?? '');
    if (device) return device;
    throw notFound(`Core device ${thingName} does not exist`, 'CoreDevice', thingName ?? '');
  }

  function described(component: InstalledComponent): sdk.InstalledComponent {
    const lifecycleState = LIFECYCLE_STATES.find((state) => state === component.status);
    return {
      componentName: component.componentName,
      componentVersion: component.version,
      lifecycleState,
      lifecycleStateDetails: component.statusReason ?? '',
      lifecycleStatusCodes: [...component.statusCodes],
      isRoot: component.isRoot,
      lastStatusChangeTimestamp: new Date(component.changed),
      lastReportedTimestamp: new Date(component.reported),
      lastInstallationSource: sourceOf(component),
    };
  }

  /** The id of the last deployment that had the component, `LOCAL` or `UNKNOWN` (API reference, InstalledComponent). */
  function sourceOf({ fleetConfigArns }: InstalledComponent): string {
    const known = fleetConfigArns
      .map((arn) => deployments.find(arn))
      .filter((record) => record !== undefined)
      .sort((a, b) => b.sequence - a.sequence);
    if (known[0]) return known[0].deploymentId;
    return fleetConfigArns.length === 0 ? 'LOCAL' : 'UNKNOWN';
  }

  return {
    GetCoreDevice({ coreDeviceThingName }: sdk.GetCoreDeviceCommandInput) {
      const device = existing(coreDeviceThingName);
      return {
        coreDeviceThingName: device.thingName,
        coreVersion: device.coreVersion,
        platform: device.platform,
        architecture: device.architecture,
        runtime: device.runtime,
        status: device.status,
        lastStatusUpdateTimestamp: new Date(device.updated),
        arn: arns.coreDevice(device.thingName),
        tags: { ...devices.tags(device.thingName) },
      };
    },

    /** Of a thing group it lists the devices that have successfully deployed a deployment to it (API reference). */
    ListCoreDevices(input: sdk.ListCoreDevicesCommandInput) {
      const { thingGroupArn, status, runtime, maxResults, nextToken } = input;
      checkEnum(status, 'status', Object.values(sdk.CoreDeviceStatus));
      if (thingGroupArn !== undefined && !GROUP_ARN.test(thingGroupArn)) {
        throw invalid(`${thingGroupArn} is not the ARN of a thing group`);
      }
      const all = [...devices.list()].filter(
        (device) =>
          (status === undefined || device.status === status) &&
          (runtime === undefined || device.runtime === runtime) &&
          (thingGroupArn === undefined || deployments.hasReached(thingGroupArn, device.thingName)),
      );
      const { items, next } = pageOf(all, ({ thingName }) => thingName, nextToken, maxResults);
      return {
        coreDevices: items.map((device) => ({
          coreDeviceThingName: device.thingName,
          status: device.status,
          lastStatusUpdateTimestamp: new Date(device.updated),
          platform: device.platform,
          architecture: device.architecture,
          runtime: device.runtime,
        })),
        nextToken: next,
      };
    },

    ListInstalledComponents(input: sdk.ListInstalledComponentsCommandInput) {
      const { coreDeviceThingName, topologyFilter = 'ROOT', maxResults, nextToken } = input;
      const { thingName } = existing(coreDeviceThingName);
      const all = [...devices.components(thingName)].filter(
        ({ isRoot }) => topologyFilter === 'ALL' || isRoot,
      );
      const { items, next } = pageOf(all, ({ componentName }) => componentName, nextToken, maxResults);
      return { installedComponents: items.map(described), nextToken: next };
    },

    ListEffectiveDeployments(input: sdk.ListEffectiveDeploymentsCommandInput) {
      const { coreDeviceThingName, maxResults, nextToken } = input;
      const { thingName } = existing(coreDeviceThingName);
      const all = effective(thingName);
      const { items, next } = pageOf(all, ({ deploymentId }) => deploymentId ?? '', nextToken, maxResults);
      return { effectiveDeployments: items, nextToken: next };
    },

    DeleteCoreDevice({ coreDeviceThingName }: sdk.DeleteCoreDeviceCommandInput) {
      const { thingName } = existing(coreDeviceThingName);
      devices.delete(thingName);
      deployments.deleteResults(thingName);
      return {};
    },
  };
}

import * as sdk from '@aws-sdk/client-greengrassv2';
import { roleAuthorization } from '../../authorization.js';
import { rangeViolation } from '../../constraints.js';
import { behind, type Page, page, readToken } from '../../paging.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { restJson1 } from '../../protocol/protocols.js';
import { defineService, type Operations } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { ThingTopics } from '../iot/devices/thing-topics.js';
import type { IotRegistry } from '../iot/iot.js';
import { type CoreDevice, CoreDevices, type InstalledComponent } from './core-devices.js';
import { parseFleetStatus } from './fleet-status.js';

const HEALTH = /^greengrassv2\/health\/json$/;
/** Largest page of its lists (API reference). */
const PAGE_SIZE = 100;

export interface GreengrassCapabilities {
  readonly thingTopics: ThingTopics;
  readonly registry: IotRegistry;
  /** Decides for sessions of roles, which are not restricted without it. */
  readonly roles?: RoleAuthority | undefined;
}

/** AWS IoT Greengrass version 2: the core devices, by what they report. */
export function greengrass(
  { store, accountId, region, log, clock }: Base,
  { thingTopics, registry, roles }: GreengrassCapabilities,
): Plugin {
  const devices = new CoreDevices(store);

  thingTopics.on(HEALTH, ({ thingName, payload }) => {
    const message = parseFleetStatus(payload);
    if (!message) log('warn', 'A fleet status message was not understood', { thingName });
    else if (registry.thingExists(thingName)) devices.report(thingName, message);
  });

  function existing(thingName: string | undefined): CoreDevice {
    const device = devices.get(thingName ?? '');
    if (device) return device;
    throw new sdk.ResourceNotFoundException({
      message: `Core device ${thingName} does not exist`,
      resourceId: thingName,
      resourceType: 'CoreDevice',
      $metadata: {},
    });
  }

  const coreDeviceArn = (thingName: string) =>
    `arn:aws:greengrass:${region}:${accountId}:coreDevices:${thingName}`;

  const operations: Operations<typeof sdk> = {
    GetCoreDevice({ coreDeviceThingName }) {
      const device = existing(coreDeviceThingName);
      return {
        coreDeviceThingName: device.thingName,
        coreVersion: device.coreVersion,
        platform: device.platform,
        architecture: device.architecture,
        runtime: device.runtime,
        status: device.status,
        lastStatusUpdateTimestamp: new Date(device.updated),
        arn: coreDeviceArn(device.thingName),
        tags: {},
      };
    },

    ListCoreDevices({ thingGroupArn, status, runtime, maxResults, nextToken }) {
      const group = thingGroupArn?.split(':thinggroup/')[1];
      const all = [...devices.list()].filter(
        (device) =>
          (status === undefined || device.status === status) &&
          (runtime === undefined || device.runtime === runtime) &&
          (group === undefined || registry.groupsOf(device.thingName).includes(group)),
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

    ListInstalledComponents({ coreDeviceThingName, topologyFilter = 'ROOT', maxResults, nextToken }) {
      const { thingName } = existing(coreDeviceThingName);
      const all = [...devices.components(thingName)].filter(
        ({ isRoot }) => topologyFilter === 'ALL' || isRoot,
      );
      const { items, next } = pageOf(all, ({ componentName }) => componentName, nextToken, maxResults);
      return { installedComponents: items.map(described), nextToken: next };
    },

    DeleteCoreDevice({ coreDeviceThingName }) {
      devices.delete(existing(coreDeviceThingName).thingName);
      return {};
    },
  };

  const model = readModel(sdk);
  return {
    services: [
      defineService<typeof sdk>({
        name: 'greengrassv2',
        scopes: ['greengrass'],
        model,
        protocol: restJson1(model),
        operations,
        ...(roles && {
          authorize: roleAuthorization({
            prefix: 'greengrass',
            roles,
            clock,
            permission: (operation, { coreDeviceThingName: name }) =>
              typeof name === 'string'
                ? [{ action: `greengrass:${operation}`, resource: coreDeviceArn(name) }]
                : undefined,
          }),
        }),
      }),
    ],
  };
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
    lastInstallationSource: component.fleetConfigArns.at(-1) ?? 'LOCAL',
  };
}

const LIFECYCLE_STATES = Object.values(sdk.InstalledComponentLifecycleState);

/** One page of a list in order of its keys. @throws ValidationException for a wrong token or limit. */
function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
  limit: number = PAGE_SIZE,
): Page<T> {
  const problem = rangeViolation(limit, 'maxResults', 1, PAGE_SIZE);
  if (problem !== undefined) throw invalid(problem);
  const after = readToken(token, () => invalid('Invalid nextToken'));
  return page(behind(all, keyOf), keyOf, after, limit);
}

function invalid(message: string): sdk.ValidationException {
  return new sdk.ValidationException({ message, $metadata: {} });
}

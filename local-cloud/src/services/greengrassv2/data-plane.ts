import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-greengrassv2';
import { AwsError } from '../../errors.js';
import type { HttpResponse } from '../../http/messages.js';
import type { Base } from '../../plugin.js';
import type { Call, Service } from '../../service.js';
import { type DevicePath, servicePath } from '../iot/devices/https-listener.js';
import type { GreengrassAccess } from './access.js';
import type { GreengrassArns } from './arns.js';
import { platformOf, type Resolution } from './components/resolution.js';
import { invalidInput } from './errors.js';
import { pageOf } from './paging.js';

/** Where the API is on the device HTTPS listener. */
const PREFIX = '/greengrass/v2/';
const CORE_DEVICES = `${PREFIX}coreDevices/`;
const THING_GROUPS = /^\/greengrass\/v2\/coreDevices\/([^/]+)\/thingGroups$/;

/** The operation of the data plane that the public SDK has too. */
export function resolutionOperations(resolution: Resolution, access: GreengrassAccess) {
  return {
    ResolveComponentCandidates(
      { platform, componentCandidates = [] }: sdk.ResolveComponentCandidatesCommandInput,
      call: Call,
    ) {
      if (componentCandidates.length === 0) throw invalidInput('componentCandidates has no member');
      const attributes = platformOf(platform);
      return {
        resolvedComponentVersions: componentCandidates.map((candidate) => {
          const { arn, version } = resolution.resolve(candidate, attributes);
          access.require(call, 'greengrass:ResolveComponentCandidates', arn);
          return version;
        }),
      };
    },
  };
}

/** What the data plane needs to know of thing groups. */
export interface GroupRegistry {
  thingExists(thingName: string): boolean;
  isAttached(thingName: string, certificateArn: string): boolean;
  groupsOf(thingName: string): readonly string[];
  /** Names of the groups above a group, the root first. */
  groupsAbove(thingGroupName: string): readonly string[];
}

/** The Greengrass data plane for core devices, who are known by their certificates. */
export function dataPlanePaths(
  base: Base,
  service: Service,
  access: GreengrassAccess,
  arns: GreengrassArns,
  registry: GroupRegistry,
): DevicePath[] {
  const api = servicePath(PREFIX, service, base);

  /** ListThingGroupsForCoreDevice, which the public SDK does not have. */
  function listThingGroups(thingName: string, call: Call): HttpResponse {
    access.require(call, 'greengrass:ListThingGroupsForCoreDevice', arns.coreDevice(thingName));
    const { principal, request } = call;
    if (!registry.thingExists(thingName) || !registry.isAttached(thingName, principal.arn)) {
      throw new AwsError('AccessDeniedException', `This certificate is not attached to ${thingName}`, 403);
    }
    const maxResults = request.query.get('maxResults');
    const { items, next } = pageOf(
      [...registry.groupsOf(thingName)].sort(),
      (name) => name,
      request.query.get('nextToken') ?? undefined,
      maxResults === null ? undefined : Number(maxResults),
    );
    const body = {
      thingGroups: items.map((name) => ({
        thingGroupName: name,
        thingGroupArn: arns.thingGroup(name),
        rootToParentThingGroups: registry.groupsAbove(name).map((above) => ({
          thingGroupName: above,
          thingGroupArn: arns.thingGroup(above),
        })),
      })),
      nextToken: next ?? null,
    };
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'x-amzn-requestid': call.requestId },
      body: JSON.stringify(body),
    };
  }

  return [
    api,
    {
      prefix: CORE_DEVICES,
      async handle(request, peer, signal) {
        const name = request.method === 'GET' ? THING_GROUPS.exec(request.path)?.[1] : undefined;
        if (name === undefined) return api.handle(request, peer, signal);
        const { region, accountId } = base;
        const requestId = randomUUID();
        const call = { requestId, region, accountId, principal: peer.principal, request, signal };
        try {
          return listThingGroups(decoded(name), call);
        } catch (error) {
          if (error instanceof AwsError) return service.refuse(error, requestId, request);
          if (error instanceof Error && '$fault' in error) {
            return service.refuse(new AwsError(error.name, error.message), requestId, request);
          }
          throw error;
        }
      },
    },
  ];
}

function decoded(label: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    throw invalidInput('The name of the core device is not percent-encoded UTF-8');
  }
}

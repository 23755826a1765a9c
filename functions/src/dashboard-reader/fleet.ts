import {
  type IoTClient,
  ListThingsInThingGroupCommand,
  SearchIndexCommand,
  type ThingDocument,
} from '@aws-sdk/client-iot';
import { type DeviceSummary, type FleetPage, names, RotationState } from '@mooring/contracts';
import { z } from 'zod';
import { readNext, withToken, writeNext } from '../api/next-token.js';
import { RequestProblem } from '../api/problem.js';
import { isWithoutIndex } from '../devices/connectivity.js';
import type { CoreHealths } from './core-health.js';

/** What a page of the fleet is read with. */
export interface FleetPorts {
  readonly iot: IoTClient;
  readonly coreHealths: (signal: AbortSignal) => Promise<CoreHealths>;
}

/** Where a page begins: in the fleet index, or in the thing group where there is no index. */
const Position = z.object({ from: z.enum(['index', 'group']), token: z.string().optional() });
type Position = z.infer<typeof Position>;

interface Part {
  readonly devices: DeviceSummary[];
  readonly next: Position | undefined;
}

/** Things that the fleet index gives at a time (AWS IoT API reference, SearchIndex), and those that a group does. */
const INDEX_PAGE = 100;
const GROUP_PAGE = 250;
/** Searches of one page. */
const SEARCHES = 5;

/** A page of the fleet: its things, from the fleet index if there is one, and their health. */
export async function fleetPage(
  next: string | undefined,
  { iot, coreHealths }: FleetPorts,
  signal: AbortSignal,
): Promise<FleetPage> {
  const position = readNext(Position, next) ?? { from: 'index' };
  const [healths, part] = await Promise.all([coreHealths(signal), things(iot, position, signal)]);
  return {
    devices: part.devices.map((device) => ({ ...device, ...healths.get(device.thing) })),
    ...(part.next && { next: writeNext(part.next) }),
  };
}

async function things(iot: IoTClient, { from, token }: Position, signal: AbortSignal): Promise<Part> {
  if (from === 'group') return withToken(token, () => inGroup(iot, token, signal));
  try {
    return await withToken(token, () => inIndex(iot, token, signal));
  } catch (error) {
    // Later pages do not change over: they would repeat or leave out things.
    if (!isWithoutIndex(error) || token !== undefined) throw error;
    return inGroup(iot, undefined, signal);
  }
}

async function inIndex(iot: IoTClient, token: string | undefined, abortSignal: AbortSignal): Promise<Part> {
  const devices: DeviceSummary[] = [];
  let nextToken = token;
  for (let search = 0; search < SEARCHES; search += 1) {
    const page = await iot.send(
      new SearchIndexCommand({
        indexName: 'AWS_Things',
        queryString: `thingGroupNames:${names.thingGroup}`,
        maxResults: INDEX_PAGE,
        nextToken,
      }),
      { abortSignal },
    );
    devices.push(...(page.things ?? []).flatMap(summaryOf));
    nextToken = page.nextToken;
    if (nextToken === undefined) return { devices, next: undefined };
  }
  return { devices, next: { from: 'index', token: nextToken } };
}

async function inGroup(
  iot: IoTClient,
  nextToken: string | undefined,
  abortSignal: AbortSignal,
): Promise<Part> {
  try {
    const page = await iot.send(
      new ListThingsInThingGroupCommand({
        thingGroupName: names.thingGroup,
        maxResults: GROUP_PAGE,
        nextToken,
      }),
      { abortSignal },
    );
    return {
      devices: (page.things ?? []).map((thing) => ({ thing })),
      next: page.nextToken === undefined ? undefined : { from: 'group', token: page.nextToken },
    };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
    throw new RequestProblem(404, 'NotDeployed', `there is no thing group ${names.thingGroup}`);
  }
}

function summaryOf({ thingName, connectivity, shadow }: ThingDocument): DeviceSummary[] {
  if (thingName === undefined) return [];
  return [
    {
      thing: thingName,
      connected: connectivity?.connected,
      // AWS tells 0 of a thing that never connected since the index is there.
      connectionAt: connectivity?.timestamp || undefined,
      rotation: rotationIn(shadow),
    },
  ];
}

/** The named shadows of a thing in the index, as far as they are read here. */
const Shadows = z.object({
  name: z.object({ [names.rotationShadow]: z.object({ reported: RotationState }) }),
});

/** The state of the rotation in what the index has of a thing's shadows; undefined when there is none. */
export function rotationIn(shadow: string | undefined): RotationState | undefined {
  if (shadow === undefined) return undefined;
  try {
    return Shadows.safeParse(JSON.parse(shadow)).data?.name[names.rotationShadow].reported;
  } catch {
    return undefined;
  }
}

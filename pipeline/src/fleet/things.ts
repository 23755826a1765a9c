import {
  GetThingConnectivityDataCommand,
  type IoTClient,
  paginateListThingsInThingGroup,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import type { Target } from '../target.js';

/**
 * Names of the devices in the fleet's thing group, in their order.
 *
 * @throws MooringError `NotDeployed` when there is no such group.
 */
export async function thingsOfFleet(iot: IoTClient): Promise<string[]> {
  const things: string[] = [];
  try {
    const pages = paginateListThingsInThingGroup(
      { client: iot, pageSize: 250 },
      { thingGroupName: names.thingGroup },
    );
    for await (const page of pages) things.push(...(page.things ?? []));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new MooringError(
      'NotDeployed',
      `There is no thing group ${names.thingGroup}: run \`mooring deploy\` first`,
    );
  }
  return things.sort();
}

/** Whether a device is connected; undefined when the cloud keeps no connectivity of it. */
export async function connectivity(iot: IoTClient, thingName: string): Promise<boolean | undefined> {
  try {
    return (await iot.send(new GetThingConnectivityDataCommand({ thingName }))).connected;
  } catch (error) {
    // On AWS an index that is off, or has not seen the device yet, is no failure of the command.
    if (
      error instanceof Error &&
      ['ResourceNotFoundException', 'IndexNotReadyException'].includes(error.name)
    ) {
      return undefined;
    }
    throw error;
  }
}

/** The ARN of the fleet's thing group, the target of its deployments. */
export function fleetGroupArn({ region }: Pick<Target, 'region'>, account: string): string {
  return `arn:aws:iot:${region}:${account}:thinggroup/${names.thingGroup}`;
}

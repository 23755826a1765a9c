import {
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

/** The ARN of the fleet's thing group, the target of its deployments. */
export function fleetGroupArn({ region }: Pick<Target, 'region'>, account: string): string {
  return `arn:aws:iot:${region}:${account}:thinggroup/${names.thingGroup}`;
}

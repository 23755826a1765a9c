import { type IoTClient, paginateListThings } from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import { thingsOfFleet } from '../fleet/things.js';

/** A thing of the account, as far as it matters to the fleet. */
export interface ThingFacts {
  readonly thing: string;
  /** Whether it is in the fleet's thing group; what is in the group has its policy too, see `attachDevice`. */
  readonly inGroup: boolean;
  /** Whether it carries the mark of the fleet, which outlives the group. */
  readonly marked: boolean;
}

/**
 * Reads which things there are: two listings, of pages of 250, whatever the size of the fleet.
 *
 * @returns by the thing's name.
 * @throws MooringError `NotDeployed` when the fleet's thing group is not there.
 */
export async function readFacts(iot: IoTClient): Promise<ReadonlyMap<string, ThingFacts>> {
  const members = new Set(await thingsOfFleet(iot));
  const facts = new Map<string, ThingFacts>();
  for await (const page of paginateListThings({ client: iot, pageSize: 250 }, {})) {
    for (const { thingName, attributes } of page.things ?? []) {
      if (thingName === undefined) continue;
      const marked = attributes?.[names.fleetAttribute] === names.thingGroup;
      facts.set(thingName, { thing: thingName, inGroup: members.has(thingName), marked });
    }
  }
  return facts;
}

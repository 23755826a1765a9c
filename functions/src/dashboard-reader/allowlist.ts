import { type IoTClient, paginateListThingsInThingGroup } from '@aws-sdk/client-iot';
import { type AllowlistAnswer, AllowlistError, names, parseAllowlist } from '@mooring/contracts';
import type { AllowlistStore } from '../allowlist/store.js';
import { RequestProblem } from '../api/problem.js';

/** What the allowlist is read with. */
export interface AllowlistPorts {
  readonly allowlist: Pick<AllowlistStore, 'read'>;
  /** Names of the things in the fleet's group. */
  readonly members: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
}

/** The serial numbers that may join, in the order of the list, and whether each has. */
export async function allowlist(
  { allowlist: store, members }: AllowlistPorts,
  signal: AbortSignal,
): Promise<AllowlistAnswer> {
  const [text, joined] = await Promise.all([store.read(), members(signal)]);
  try {
    return {
      serials: [...parseAllowlist(text)].map((serial) => ({ serial, joined: joined.has(serial) })),
    };
  } catch (error) {
    if (!(error instanceof AllowlistError)) throw error;
    throw new RequestProblem(409, 'AllowlistMalformed', error.message, { cause: error });
  }
}

/** Names of the things in the fleet's group. */
export async function groupMembers(iot: IoTClient, abortSignal: AbortSignal): Promise<ReadonlySet<string>> {
  const members = new Set<string>();
  const pages = paginateListThingsInThingGroup(
    { client: iot, pageSize: 250 },
    { thingGroupName: names.thingGroup },
    { abortSignal },
  );
  for await (const { things = [] } of pages) for (const thing of things) members.add(thing);
  return members;
}

import { parseAllowlist } from '@mooring/contracts';
import { removeDevice } from '@mooring/functions/devices';
import { inParallel } from '@mooring/functions/in-parallel';
import { explain, MooringError } from '../errors.js';
import type { Target } from '../target.js';
import { attachDevice } from './attach.js';
import { type FleetClients, fleetClients } from './clients.js';
import {
  type EffectiveAllowlist,
  overruleDashboard,
  withAllowlistStore,
  withDashboardChanges,
  writeEffective,
} from './dashboard-changes.js';
import { readFacts } from './facts.js';
import { planSync, removalToConfirm, type SyncPlan } from './plan.js';

export interface SyncOptions {
  /** The allowlist's text, as `parseAllowlist` reads it: what the fleet is to be. */
  readonly allowlist: string;
  /** Attach also devices that look attached. */
  readonly verify?: boolean;
  /** How many devices the caller knows to be removed. */
  readonly confirmed?: number;
  /** Told the plan before anything changes. */
  readonly onPlan?: (plan: SyncPlan) => void;
  /** Takes a line for people, now and then. */
  readonly onProgress?: (line: string) => void;
}

/** What became of a device. */
export interface DeviceOutcome {
  readonly thing: string;
  readonly change: 'removed' | 'attached';
  /** Ids of certificates that were deleted. */
  readonly certificates?: readonly string[];
  /** Why it could not be done, or what a person should know of it. */
  readonly problem?: string;
  readonly failed: boolean;
}

export interface SyncResult {
  readonly plan: SyncPlan;
  readonly outcomes: readonly DeviceOutcome[];
  /** Whether the allowlist in the provisioning bucket changed. */
  readonly allowlistChanged: boolean;
}

/** Devices that are worked on at once. */
const AT_ONCE = 8;

/** What {@link syncFleet} would do. Changes nothing. */
export async function planFleet(
  target: Target,
  { allowlist, verify = false }: Pick<SyncOptions, 'allowlist' | 'verify'>,
): Promise<SyncPlan> {
  const effective = await withDashboardChanges(target, allowlist);
  return withClients(target, async ({ iot }) => planOf(effective, await readFacts(iot), verify));
}

/**
 * Makes the fleet what the allowlist says: the list in the provisioning bucket first, so that nobody who was taken
 * off joins again, then removals, then attachments. It plans from what is there, so a run that was interrupted is
 * gone on with by the next one. A device that fails does not stop the others.
 *
 * @throws AllowlistError; MooringError `NotDeployed`, `ManyRemovals` before anything changed.
 */
export async function syncFleet(target: Target, options: SyncOptions): Promise<SyncResult> {
  const effective = await withDashboardChanges(target, options.allowlist);
  return withClients(target, async (clients) => {
    const plan = planOf(effective, await readFacts(clients.iot), options.verify === true);
    options.onPlan?.(plan);
    const toConfirm = removalToConfirm(plan);
    if (toConfirm !== undefined && toConfirm !== options.confirmed) {
      throw new MooringError(
        'ManyRemovals',
        `This would remove ${toConfirm} of ${toConfirm + plan.attach.length + plan.keep.length} devices for good: check the allowlist, and if it is meant so, add --yes-remove ${toConfirm}`,
      );
    }
    const { written } = await withAllowlistStore(target, (store) => writeEffective(store, options.allowlist));
    const outcomes = await carryOut(clients, plan, options.onProgress);
    return { plan, outcomes, allowlistChanged: written };
  });
}

/**
 * Attaches the listed devices that exist but are not attached, as after a redeployment, and removes nobody.
 *
 * @returns how many there were.
 */
export async function attachListed(target: Target, allowlist: string): Promise<number> {
  const { text } = await withDashboardChanges(target, allowlist);
  return withClients(target, async (clients) => {
    const { attach } = planSync(parseAllowlist(text), await readFacts(clients.iot));
    await inParallel(attach, AT_ONCE, (thing) => attachDevice(clients, thing));
    return attach.length;
  });
}

/**
 * Removes these devices, and takes them off the allowlist in the provisioning bucket, whether they have joined or not.
 *
 * @param edit makes the new allowlist out of the one in the bucket.
 */
export async function removeFromFleet(
  target: Target,
  serials: readonly string[],
  edit: (text: string) => string,
  onProgress?: (line: string) => void,
): Promise<SyncResult> {
  return withClients(target, async (clients) => {
    const allowlistChanged = await overruleDashboard(target, serials, edit);
    const facts = await readFacts(clients.iot);
    const remove = [...new Set(serials)].filter((serial) => facts.has(serial));
    const plan: SyncPlan = { remove, attach: [], keep: [], waiting: [], fromDashboard: [] };
    return { plan, outcomes: await carryOut(clients, plan, onProgress), allowlistChanged };
  });
}

function planOf(
  { text, changes }: EffectiveAllowlist,
  facts: Awaited<ReturnType<typeof readFacts>>,
  verify: boolean,
): SyncPlan {
  return { ...planSync(parseAllowlist(text), facts, { verify }), fromDashboard: changes };
}

async function carryOut(
  clients: FleetClients,
  { remove, attach }: SyncPlan,
  onProgress: SyncOptions['onProgress'],
): Promise<DeviceOutcome[]> {
  const all = remove.length + attach.length;
  const step = Math.max(1, Math.ceil(all / 20));
  let done = 0;
  const each = async (
    thing: string,
    change: DeviceOutcome['change'],
    work: () => Promise<Partial<DeviceOutcome>>,
  ) => {
    let outcome: DeviceOutcome;
    try {
      outcome = { thing, change, failed: false, ...(await work()) };
    } catch (error) {
      outcome = { thing, change, failed: true, problem: explain(error) };
    }
    done += 1;
    if (all > 20 && (done % step === 0 || done === all)) onProgress?.(`${done} of ${all} devices done`);
    return outcome;
  };
  const removed = await inParallel(remove, AT_ONCE, (thing) =>
    each(thing, 'removed', async () => ({ certificates: await removeDevice(clients, thing) })),
  );
  const attached = await inParallel(attach, AT_ONCE, (thing) =>
    each(thing, 'attached', async () => {
      const { hasCertificate } = await attachDevice(clients, thing);
      return hasCertificate
        ? {}
        : { problem: 'it has no certificate: it cannot connect before it provisions itself anew' };
    }),
  );
  return [...removed, ...attached];
}

async function withClients<T>(target: Target, work: (clients: FleetClients) => Promise<T>): Promise<T> {
  const clients = await fleetClients(target);
  try {
    return await work(clients);
  } finally {
    clients.close();
  }
}

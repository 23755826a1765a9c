import type { DashboardChange } from './dashboard-changes.js';
import type { ThingFacts } from './facts.js';

/** What makes the fleet what the allowlist says. */
export interface SyncPlan {
  /** Devices of the fleet that are not on the allowlist. */
  readonly remove: readonly string[];
  /** Listed devices that exist, but lack the fleet's group, policy or mark. */
  readonly attach: readonly string[];
  /** Listed devices that are as they should be. */
  readonly keep: readonly string[];
  /** Listed serial numbers whose device has not joined yet. */
  readonly waiting: readonly string[];
  /** What operators changed on the dashboard and the file does not have: the plan has it. */
  readonly fromDashboard: readonly DashboardChange[];
}

/**
 * Plans from what is listed and what is there. A thing that was never of the fleet, neither in its group nor marked,
 * is nobody's business here, unless its name is listed.
 *
 * @param verify whether to attach also what looks attached.
 */
export function planSync(
  allowlist: ReadonlySet<string>,
  facts: ReadonlyMap<string, ThingFacts>,
  { verify = false } = {},
): Omit<SyncPlan, 'fromDashboard'> {
  const remove: string[] = [];
  for (const { thing, inGroup, marked } of facts.values()) {
    if ((inGroup || marked) && !allowlist.has(thing)) remove.push(thing);
  }
  const attach: string[] = [];
  const keep: string[] = [];
  const waiting: string[] = [];
  for (const serial of allowlist) {
    const found = facts.get(serial);
    if (found === undefined) waiting.push(serial);
    else if (verify || !found.inGroup || !found.marked) attach.push(serial);
    else keep.push(serial);
  }
  return { remove: remove.sort(), attach, keep, waiting };
}

/** Largest part of the fleet that is removed without being asked for by number. */
export const REMOVAL_SHARE = 0.1;

/**
 * How many devices have to be named with `--yes-remove` before the plan may be carried out; undefined when none.
 * A fleet that loses more than a tenth at once is more likely a wrong file than an intention.
 */
export function removalToConfirm({
  remove,
  attach,
  keep,
}: Pick<SyncPlan, 'remove' | 'attach' | 'keep'>): number | undefined {
  const fleet = remove.length + attach.length + keep.length;
  return remove.length > fleet * REMOVAL_SHARE ? remove.length : undefined;
}

import { MooringError } from '../errors.js';
import { type Output, table } from '../output.js';
import type { DashboardChange } from './dashboard-changes.js';
import type { SyncPlan } from './plan.js';
import type { SyncResult } from './sync.js';

/** How many devices are named before the rest is only counted. */
const NAMED = 20;

/** The plan, for people. */
export function planLines({ remove, attach, keep, waiting, fromDashboard }: SyncPlan, out: Output): string[] {
  const named = (sign: string, things: readonly string[], why: string) => [
    ...things.slice(0, NAMED).map((thing) => `${sign} ${thing}  ${why}`),
    ...(things.length > NAMED ? [`${sign} … and ${things.length - NAMED} more`] : []),
  ];
  return [
    ...fromDashboard.slice(0, NAMED).map(dashboardLine),
    ...(fromDashboard.length > 0
      ? [
          `The ${fromDashboard.length} changes of the dashboard count; \`mooring fleet pull\` writes them into the file`,
        ]
      : []),
    ...named('-', remove, 'not on the allowlist: thing, core device and certificate go').map((line) =>
      out.style('red', line),
    ),
    ...named('+', attach, 'exists: back to group and policy').map((line) => out.style('green', line)),
    `${remove.length} to remove, ${attach.length} to attach, ${keep.length} in order, ${waiting.length} not joined yet`,
  ];
}

/** A change that an operator made, for people. */
export function dashboardLine({ serial, allowed, by, at }: DashboardChange): string {
  return `${serial} was ${allowed ? 'allowed' : 'removed'} on the dashboard, ${at}, by ${by}`;
}

/** What was done, for people. */
export function resultLines({ outcomes, allowlistChanged }: SyncResult): string[] {
  const done = (change: string) => outcomes.filter((one) => one.change === change && !one.failed).length;
  return [
    `${done('removed')} removed, ${done('attached')} attached; the allowlist in the bucket ${allowlistChanged ? 'is new' : 'was this one already'}`,
    ...outcomes
      .filter(({ failed, problem }) => !failed && problem !== undefined)
      .slice(0, NAMED)
      .map(({ thing, problem }) => `${thing}: ${problem}`),
  ];
}

/** @throws MooringError `DevicesFailed` naming what could not be done, when there is any. */
export function failOnOutcomes({ outcomes }: Pick<SyncResult, 'outcomes'>): void {
  const failed = outcomes.filter((outcome) => outcome.failed);
  if (failed.length === 0) return;
  const shown = failed.slice(0, 5).map(({ thing, problem }) => `${thing}: ${problem}`);
  throw new MooringError(
    'DevicesFailed',
    `${failed.length} of ${outcomes.length} devices could not be changed; run it again to go on (${shown.join('; ')})`,
  );
}

/** The fleet beside its allowlist, as a table. */
export function membershipTable({ remove, attach, keep, waiting }: SyncPlan, out: Output): string {
  const rows = [
    ...keep.map((thing) => [thing, 'yes', out.style('green', 'in the fleet')]),
    ...attach.map((thing) => [thing, 'yes', out.style('yellow', 'exists, not attached: run fleet sync')]),
    ...waiting.map((thing) => [thing, 'yes', 'has not joined yet']),
    ...remove.map((thing) => [
      thing,
      out.style('red', 'no'),
      out.style('red', 'in the fleet: run fleet sync'),
    ]),
  ].sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return table(['DEVICE', 'ALLOWED', 'STATE'], rows);
}

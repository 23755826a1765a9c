import { NoSuchBucket, S3Client } from '@aws-sdk/client-s3';
import {
  type AllowlistChanges,
  bucketNames,
  parseAllowlist,
  withoutSerials,
  withSerials,
} from '@mooring/contracts';
import { type AllowlistStore, allowlistStore } from '@mooring/functions/allowlist';
import { sameValue } from '../deploy/json.js';
import { MooringError } from '../errors.js';
import { accountOf, clientConfig, type Target } from '../target.js';

/** A change that an operator made on the dashboard and that the allowlist's file does not have. */
export interface DashboardChange {
  readonly serial: string;
  readonly allowed: boolean;
  /** ARN of the session that made it. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

/** An allowlist with the changes of the dashboard. */
export interface EffectiveAllowlist {
  readonly text: string;
  /** By serial number. */
  readonly changes: readonly DashboardChange[];
}

/**
 * The allowlist as it is to be: the file, and what operators changed on the dashboard since. So a file that does not have
 * their changes yet does not undo them, above all not a removal.
 *
 * @throws AllowlistError; AllowlistChangesError; MooringError `NotDeployed`
 */
export async function withDashboardChanges(target: Target, text: string): Promise<EffectiveAllowlist> {
  parseAllowlist(text);
  return withAllowlistStore(target, async (store) => applyChanges(text, await store.changes()));
}

/** @throws AllowlistError when the file's text is malformed. */
export function applyChanges(file: string, noted: AllowlistChanges): EffectiveAllowlist {
  const listed = parseAllowlist(file);
  const changes = Object.entries(noted)
    .filter(([serial, { allowed }]) => listed.has(serial) !== allowed)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const of = (wanted: boolean) =>
    changes.flatMap(([serial, { allowed }]) => (allowed === wanted ? [serial] : []));
  return {
    text: withSerials(withoutSerials(file, of(false)), of(true)),
    changes: changes.map(([serial, { allowed, by, at }]) => ({
      serial,
      allowed,
      by,
      at: new Date(at).toISOString(),
    })),
  };
}

/** How often the list is written anew because somebody changes it on the dashboard meanwhile. */
const ATTEMPTS = 5;

/**
 * Makes the list in the bucket the file's, with the changes of the dashboard; and forgets those that the file has: from
 * then on the file decides about them.
 *
 * @returns whether the list is another one now.
 */
export async function writeEffective(
  store: AllowlistStore,
  file: string,
): Promise<EffectiveAllowlist & { readonly written: boolean }> {
  let written = false;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const noted = await store.changes();
    const effective = applyChanges(file, noted);
    if (await store.edit(() => effective.text)) written = true;
    // The dashboard notes a change before it changes the list: what was noted since may have been overwritten.
    if (!sameValue(await store.changes(), noted)) continue;
    await store.editChanges((all) => {
      const open = new Set(applyChanges(file, all).changes.map(({ serial }) => serial));
      return Object.fromEntries(Object.entries(all).filter(([serial]) => open.has(serial)));
    });
    return { ...effective, written };
  }
  throw new MooringError(
    'AllowlistBusy',
    'The allowlist is being changed on the dashboard all the time: try again',
  );
}

/**
 * Changes these serial numbers in the list of the bucket, and forgets what was noted of them: somebody who edits the file
 * has decided anew.
 *
 * @returns whether it is another one now.
 * @throws MooringError `NotDeployed`
 */
export async function overruleDashboard(
  target: Target,
  serials: readonly string[],
  edit: (text: string) => string,
): Promise<boolean> {
  return withAllowlistStore(target, async (store) => {
    await store.editChanges((noted) =>
      Object.fromEntries(Object.entries(noted).filter(([serial]) => !serials.includes(serial))),
    );
    return store.edit(edit);
  });
}

/**
 * Works with the allowlist in the provisioning bucket.
 *
 * @throws MooringError `NotDeployed` when there is no such bucket.
 */
export async function withAllowlistStore<T>(
  target: Target,
  work: (store: AllowlistStore) => Promise<T>,
): Promise<T> {
  const s3 = new S3Client(clientConfig(target));
  const bucket = bucketNames(await accountOf(target), target.region).provisioning;
  try {
    return await work(allowlistStore(s3, bucket));
  } catch (error) {
    if (!(error instanceof NoSuchBucket)) throw error;
    throw new MooringError('NotDeployed', `There is no bucket ${bucket}: run \`mooring deploy\` first`);
  } finally {
    s3.destroy();
  }
}

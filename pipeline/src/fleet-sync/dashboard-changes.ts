import { S3Client } from '@aws-sdk/client-s3';
import {
  AllowlistChanges,
  bucketNames,
  objectKeys,
  parseAllowlist,
  withoutSerials,
  withSerials,
} from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { type TextBucket, textBucket } from '../provisioning/bucket.js';
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
  readonly changes: readonly DashboardChange[];
}

/**
 * The allowlist as it is to be: the file, and what operators changed on the dashboard since. So a file that does not have
 * their changes yet does not undo them, above all not a removal.
 */
export async function withDashboardChanges(target: Target, text: string): Promise<EffectiveAllowlist> {
  return withBucket(target, (bucket) => apply(bucket, text));
}

/** The same with a bucket at hand. */
export async function apply(bucket: TextBucket, text: string): Promise<EffectiveAllowlist> {
  const listed = parseAllowlist(text);
  const changes = Object.entries(await read(bucket)).filter(
    ([serial, { allowed }]) => listed.has(serial) !== allowed,
  );
  const of = (wanted: boolean) =>
    changes.flatMap(([serial, { allowed }]) => (allowed === wanted ? [serial] : []));
  return {
    text: withSerials(withoutSerials(text, of(false)), of(true)),
    changes: changes.map(([serial, { at, ...change }]) => ({
      serial,
      ...change,
      at: new Date(at).toISOString(),
    })),
  };
}

/** Forgets what was noted of these serial numbers: somebody who edits the file has decided anew. */
export async function forgetDashboardChanges(target: Target, serials: readonly string[]): Promise<void> {
  await withBucket(target, async (bucket) => {
    const changes = await read(bucket);
    const kept = Object.fromEntries(Object.entries(changes).filter(([serial]) => !serials.includes(serial)));
    if (Object.keys(kept).length < Object.keys(changes).length) {
      await bucket.put(objectKeys.allowlistChanges, JSON.stringify(kept));
    }
  });
}

async function read(bucket: TextBucket): Promise<AllowlistChanges> {
  const text = await bucket.get(objectKeys.allowlistChanges);
  if (text === undefined) return {};
  try {
    return AllowlistChanges.parse(JSON.parse(text));
  } catch {
    throw new MooringError(
      'MalformedChanges',
      `The object ${objectKeys.allowlistChanges} in the provisioning bucket is not what the dashboard writes: look at it, and delete it if nothing in it is needed`,
    );
  }
}

async function withBucket<T>(target: Target, work: (bucket: TextBucket) => Promise<T>): Promise<T> {
  const s3 = new S3Client(clientConfig(target));
  try {
    return await work(textBucket(s3, bucketNames(await accountOf(target), target.region).provisioning));
  } finally {
    s3.destroy();
  }
}

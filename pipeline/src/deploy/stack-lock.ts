import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import { MooringError } from '../errors.js';

/** Who holds a lock. */
const Holder = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  /** ISO 8601. */
  since: z.string(),
});
export type Holder = z.infer<typeof Holder>;

/** What a lock needs to know of the process that takes it. */
export interface LockOwner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether a process of this host is running. */
  readonly isRunning: (pid: number) => boolean;
}

/** No deployment takes this long, in milliseconds: whoever holds a lock for longer is gone. */
const LONGEST = 60 * 60_000;

/**
 * Runs `work` while this process alone may deploy the stack. The lock is an object of the bootstrap bucket,
 * made with a conditional write (`If-None-Match: *`), so that of two processes one gets it. A lock left by a
 * process of this host that is no longer running, or older than an hour, is taken over (`If-Match`).
 *
 * @throws MooringError `StackLocked` naming the holder.
 */
export async function withStackLock<T>(
  s3: S3Client,
  bucket: string,
  stack: string,
  owner: LockOwner,
  work: () => Promise<T>,
): Promise<T> {
  const object = { Bucket: bucket, Key: `state/${stack}.lock.json` };
  const body: Holder = {
    id: owner.id,
    host: owner.host,
    pid: owner.pid,
    since: new Date(owner.now()).toISOString(),
  };
  const put = (condition: { IfNoneMatch: string } | { IfMatch: string }) =>
    won(s3.send(new PutObjectCommand({ ...object, ...condition, Body: JSON.stringify(body) })));
  if (!(await put({ IfNoneMatch: '*' }))) {
    const current = await read(s3, object);
    // Gone since: whoever held it has just ended.
    const taken =
      current === undefined
        ? await put({ IfNoneMatch: '*' })
        : isStale(current.holder, owner) && (await put({ IfMatch: current.etag }));
    if (!taken) throw locked(stack, object, (await read(s3, object))?.holder ?? current?.holder);
  }
  try {
    return await work();
  } finally {
    const current = await read(s3, object);
    if (current?.holder?.id === owner.id) await s3.send(new DeleteObjectCommand(object));
  }
}

function isStale(holder: Holder | undefined, owner: LockOwner): boolean {
  if (holder === undefined) return true;
  if (owner.now() - Date.parse(holder.since) > LONGEST) return true;
  return holder.host === owner.host && !owner.isRunning(holder.pid);
}

/** The lock as it is; a holder that cannot be read counts as none. */
async function read(
  s3: S3Client,
  object: { Bucket: string; Key: string },
): Promise<{ holder: Holder | undefined; etag: string } | undefined> {
  try {
    const { Body, ETag = '' } = await s3.send(new GetObjectCommand(object));
    const text = (await Body?.transformToString('utf-8')) ?? '';
    return { holder: parseHolder(text), etag: ETag };
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return Holder.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether a conditional write was carried out. */
async function won(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && [409, 412].includes(error.$metadata.httpStatusCode ?? 0))
      return false;
    throw error;
  }
}

function locked(
  stack: string,
  object: { Bucket: string; Key: string },
  holder: Holder | undefined,
): MooringError {
  const who =
    holder === undefined
      ? 'another process'
      : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  return new MooringError(
    'StackLocked',
    `The stack ${stack} is being deployed by ${who}: wait for it, or delete s3://${object.Bucket}/${object.Key} if that process is gone`,
  );
}

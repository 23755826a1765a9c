import {
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { AllowlistChanges, objectKeys } from '@mooring/contracts';

/** A text, and what tells that it is still the same one. */
interface Versioned {
  readonly text: string;
  /** Undefined when there is no such object. */
  readonly etag: string | undefined;
}

/** The allowlist in the provisioning bucket, and what was changed of it on the dashboard since it was synchronised. */
export interface AllowlistStore {
  /** The list's text; empty when there is none. */
  read(): Promise<string>;
  /**
   * Replaces the list by what `edit` makes of it, and again from the start when somebody else was faster.
   *
   * @returns whether it is another one now.
   */
  edit(edit: (text: string) => string): Promise<boolean>;
  /** @throws AllowlistChangesError when the object holds something else. */
  changes(): Promise<AllowlistChanges>;
  /** Replaces the changes, as {@link edit} does the list. */
  editChanges(edit: (changes: AllowlistChanges) => AllowlistChanges): Promise<boolean>;
}

/** The changes from the dashboard cannot be read. */
export class AllowlistChangesError extends Error {
  override readonly name = 'AllowlistChangesError';
}

/** Others kept being faster. */
export class AllowlistBusyError extends Error {
  override readonly name = 'AllowlistBusyError';
}

/** How often a change starts over because somebody else has written meanwhile. */
const ATTEMPTS = 8;

/** {@link AllowlistStore} in a bucket. Every write holds only if the object is still what was read. */
export function allowlistStore(s3: S3Client, bucket: string): AllowlistStore {
  const get = async (key: string): Promise<Versioned> => {
    try {
      const { Body, ETag } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { text: (await Body?.transformToString('utf-8')) ?? '', etag: ETag };
    } catch (error) {
      if (error instanceof NoSuchKey) return { text: '', etag: undefined };
      throw error;
    }
  };
  const edit = async (key: string, contentType: string, change: (text: string) => string) => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { text, etag } = await get(key);
      const changed = change(text);
      if (changed === text) return false;
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: changed,
            ContentType: contentType,
            ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
          }),
        );
        return true;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    throw new AllowlistBusyError(`${key} in ${bucket} is being changed by others: try again`);
  };
  return {
    read: async () => (await get(objectKeys.allowlist)).text,
    edit: (change) => edit(objectKeys.allowlist, 'text/plain; charset=utf-8', change),
    changes: async () => parseChanges((await get(objectKeys.allowlistChanges)).text, bucket),
    editChanges: (change) =>
      edit(objectKeys.allowlistChanges, 'application/json', (text) => {
        const changed = Object.entries(change(parseChanges(text, bucket))).sort(([a], [b]) =>
          a < b ? -1 : 1,
        );
        // What was never written stays so.
        if (text === '' && changed.length === 0) return text;
        return `${JSON.stringify(Object.fromEntries(changed), null, 2)}\n`;
      }),
  };
}

function parseChanges(text: string, bucket: string): AllowlistChanges {
  if (text === '') return {};
  try {
    return AllowlistChanges.parse(JSON.parse(text));
  } catch (cause) {
    throw new AllowlistChangesError(
      `${objectKeys.allowlistChanges} in ${bucket} is not what the dashboard writes: delete it, and check the fleet against the allowlist`,
      { cause },
    );
  }
}

/** Somebody else wrote meanwhile, or is writing (Amazon S3 user guide, "Conditional writes"). */
function isConflict(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return false;
  const { httpStatusCode } = error.$metadata;
  return httpStatusCode === 412 || httpStatusCode === 409 || httpStatusCode === 404;
}

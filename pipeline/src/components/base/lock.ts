import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { explain, MooringError } from '../../errors.js';
import { repositoryRoot } from '../../repository.js';

// eslint-disable-next-line security/detect-non-literal-regexp -- the numbers are those of hashes, below
const Hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** A Debian archive and its history. */
const Archive = z.object({
  /** Such as `https://deb.debian.org/debian`. */
  mirror: z.url(),
  /** Such as `trixie`. */
  suite: z.string(),
  /** Where all that was ever in it is kept: `https://snapshot.debian.org/archive/debian`. */
  history: z.url(),
});
export type Archive = z.infer<typeof Archive>;

const DebianPackage = z.object({
  name: z.string(),
  version: z.string(),
  /** Index of its archive. */
  archive: z.int().min(0),
  /** Below the archive's mirror. */
  path: z.string().regex(/^pool\/[^?#]+\.deb$/),
  size: z.int(),
  sha256: Hex(64),
});
export type DebianPackage = z.infer<typeof DebianPackage>;

const NodePackage = z.object({
  name: z.string(),
  version: z.string(),
  url: z.url(),
  size: z.int(),
  sha512: Hex(128),
});

const LockedPlatform = z.object({ node: NodePackage, packages: z.array(DebianPackage) });
export type LockedPlatform = z.infer<typeof LockedPlatform>;

/** What the pinned base is made of, to the byte; `mooring components refresh-base` writes it. */
export const Lock = z.object({
  /** When the archives were as they are here, as their history names it: `20261122T120000Z`. */
  at: z.string().regex(/^\d{8}T\d{6}Z$/),
  archives: z.array(Archive),
  platforms: z.record(z.string(), LockedPlatform),
});
export type Lock = z.infer<typeof Lock>;

export const lockFile = join(repositoryRoot, 'components', 'base', 'lock.json');

/** @throws MooringError `LockInvalid` */
export async function readLock(): Promise<Lock> {
  try {
    return Lock.parse(JSON.parse(await readFile(lockFile, 'utf8')));
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : explain(error);
    throw new MooringError(
      'LockInvalid',
      `${lockFile} does not say what the base is made of (${why}); write it with: mooring components refresh-base`,
    );
  }
}

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { refuse } from './errors.js';

/** Largest deployment package unzipped, in bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const UNZIPPED_LIMIT = 262_144_000;

/** A deployment package that is kept. */
export interface CodePackage {
  /** SHA-256 of the zip file, in hexadecimal. */
  readonly hash: string;
  /** Bytes of the zip file. */
  readonly size: number;
}

/** The deployment packages, kept by what is in them: the zip file, and a directory with what it unzips to. */
export interface CodePackages {
  /**
   * Keeps a package.
   *
   * @throws InvalidParameterValueException when the bytes are no zip file, or one that must not be unzipped.
   */
  add(zip: Uint8Array): CodePackage;
  /** The directory that a package was unzipped to. */
  directoryOf(hash: string): string;
  /** The zip file; undefined when there is none. */
  zipOf(hash: string): Uint8Array | undefined;
  /** Removes all packages but those named. */
  keepOnly(hashes: ReadonlySet<string>): void;
}

/** @param directory where packages are kept; made when it does not exist. */
export function codePackages(directory: string): CodePackages {
  mkdirSync(directory, { recursive: true });
  // Ends the search for a package.json that would say what the .js files of a function without one are.
  writeFileSync(join(directory, 'package.json'), '{"private":true}\n');
  const zipFile = (hash: string) => join(directory, `${hash}.zip`);
  const folder = (hash: string) => join(directory, hash);
  return {
    directoryOf: folder,
    add(zip) {
      const files = unzip(zip);
      const hash = createHash('sha256').update(zip).digest('hex');
      if (!existsSync(folder(hash))) inOneStep(folder(hash), (draft) => writeTree(draft, files));
      if (!existsSync(zipFile(hash))) inOneStep(zipFile(hash), (draft) => writeFileSync(draft, zip));
      return { hash, size: zip.length };
    },
    zipOf: (hash) => (existsSync(zipFile(hash)) ? readFileSync(zipFile(hash)) : undefined),
    keepOnly(hashes) {
      for (const name of readdirSync(directory)) {
        if (name === 'package.json' || hashes.has(name.replace(/\.zip$/, ''))) continue;
        rmSync(join(directory, name), { recursive: true, force: true });
      }
    },
  };
}

/** The zip file of source code that is given as text, as CloudFormation makes it. */
export function zipInlineSource(source: string): Uint8Array {
  // A fixed time, so that the same source gives the same package.
  return zipSync({ 'index.js': new TextEncoder().encode(source) }, { mtime: new Date(1980, 0, 1) });
}

/**
 * The files of a zip file by their paths.
 *
 * @throws InvalidParameterValueException when it is none, is larger than Lambda allows, or names a file outside
 * of the directory that it is unzipped to.
 */
export function unzip(zip: Uint8Array): Record<string, Uint8Array> {
  let size = 0;
  let isUnsafe = false;
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(zip, {
      filter({ name, originalSize }) {
        size += originalSize;
        isUnsafe ||= !isSafe(name);
        return size <= UNZIPPED_LIMIT && !isUnsafe;
      },
    });
  } catch {
    throw refuse.invalidZip();
  }
  if (size > UNZIPPED_LIMIT) {
    throw refuse.invalidParameter(`Unzipped size must be smaller than ${UNZIPPED_LIMIT} bytes`);
  }
  if (isUnsafe) throw refuse.invalidZip();
  if (Object.keys(files).length === 0) throw refuse.invalidParameter('Uploaded file must be a non-empty zip');
  return files;
}

function isSafe(name: string): boolean {
  const parts = name.split('/');
  return (
    !/[\\\0]/.test(name) &&
    !/^[a-zA-Z]:/.test(name) &&
    parts.every((part, index) => part !== '..' && part !== '.' && (part !== '' || index === parts.length - 1))
  );
}

function writeTree(root: string, files: Record<string, Uint8Array>): void {
  mkdirSync(root);
  try {
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(root, name);
      if (name.endsWith('/')) mkdirSync(path, { recursive: true });
      else {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      }
    }
  } catch (error) {
    // A name that is a file and a directory, or too long.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENAMETOOLONG') {
      throw refuse.invalidZip();
    }
    throw error;
  }
}

/** Makes a file or directory under another name and gives it its own when it is complete. */
function inOneStep(path: string, make: (draft: string) => void): void {
  const draft = `${path}.${randomUUID()}.draft`;
  try {
    make(draft);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

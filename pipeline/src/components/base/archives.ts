import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { decompressXz } from './xz.js';

/** A file of an archive that was unpacked. */
export type Unpacked =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly executable: boolean;
      readonly content: Uint8Array;
    };

/** Unpacks what is wanted of an npm package's tarball; paths are below `package/`. */
export async function unpackNpm(path: string, wanted: (path: string) => boolean): Promise<Unpacked[]> {
  const tarball = Readable.from([await readFile(path)]).pipe(createGunzip());
  const entries = await readTar(tarball, (name) => wanted(name.replace(/^package\//, '')));
  return entries.map((entry) => ({ ...entry, path: entry.path.replace(/^package\//, '') }));
}

/**
 * Unpacks what is wanted of a binary package of Debian (deb(5)): an `ar` archive with the files in
 * `data.tar.xz` or `data.tar.gz`.
 *
 * @throws Error when it is none
 */
export async function unpackDeb(path: string, wanted: (path: string) => boolean): Promise<Unpacked[]> {
  const members = readAr(await readFile(path));
  for (const [name, content] of members) {
    if (name === 'data.tar.xz') return readTar(decompressXz(content), wanted);
    if (name === 'data.tar.gz') return readTar(Readable.from([content]).pipe(createGunzip()), wanted);
  }
  throw new Error(`${path} has no data.tar.xz: it has ${[...members.keys()].join(', ') || 'nothing'}`);
}

/**
 * The members of an `ar` archive in the common format (ar(5)).
 *
 * @throws Error when it is none
 */
export function readAr(bytes: Uint8Array): Map<string, Uint8Array> {
  const text = (start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString('latin1');
  if (text(0, 8) !== '!<arch>\n') throw new Error('It is no ar archive');
  const members = new Map<string, Uint8Array>();
  for (let at = 8; at + 60 <= bytes.length; ) {
    const size = /^\d{1,10} *$/.exec(text(at + 48, at + 58));
    if (!size || text(at + 58, at + 60) !== '`\n') throw new Error('The ar archive is damaged');
    const start = at + 60;
    const end = start + Number(size[0]);
    if (end > bytes.length) throw new Error('The ar archive is cut off');
    members.set(text(at, at + 16).replace(/\/? *$/, ''), bytes.subarray(start, end));
    // Members begin at even offsets.
    at = end + (end % 2);
  }
  return members;
}

async function readTar(tar: NodeJS.ReadableStream, wanted: (path: string) => boolean): Promise<Unpacked[]> {
  const entries: Unpacked[] = [];
  const parser = extract();
  tar.on('error', (error) => parser.destroy(error));
  tar.pipe(parser);
  for await (const entry of parser) {
    const { name, type, mode, linkname } = entry.header;
    const path = name.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
    if (path === '' || path === '.' || !wanted(path)) {
      entry.resume();
      continue;
    }
    if (path.startsWith('/') || path.split('/').includes('..')) {
      throw new Error(`An archive names ${name}, which lies outside of it`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(Buffer.from(chunk as Uint8Array));
    if (type === 'directory') entries.push({ kind: 'directory', path });
    else if (type === 'symlink') entries.push({ kind: 'symlink', path, target: linkname ?? '' });
    else if (type === 'file') {
      const executable = ((mode ?? 0) & 0o100) !== 0;
      entries.push({ kind: 'file', path, executable, content: Buffer.concat(chunks) });
    } else throw new Error(`An archive has ${path} as a ${type}, which a base cannot have`);
  }
  return entries;
}

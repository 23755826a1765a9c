import { text } from 'node:stream/consumers';
import { get } from './download.js';
import type { Archive, DebianPackage } from './lock.js';
import { decompressXz } from './xz.js';

/** A package as an archive's index has it. */
export type IndexedPackage = Omit<DebianPackage, 'archive'>;

/**
 * Reads what an archive has for an architecture now: of each package the newest version.
 *
 * @throws DownloadError
 */
export async function readIndex(
  { mirror, suite }: Archive,
  architecture: string,
  signal?: AbortSignal,
): Promise<Map<string, IndexedPackage>> {
  const response = await get(`${mirror}/dists/${suite}/main/binary-${architecture}/Packages.xz`, signal);
  return parseIndex(await text(decompressXz(new Uint8Array(await response.arrayBuffer()))));
}

/** Parses a `Packages` file (deb822(5)); stanzas without what is needed here are left out. */
export function parseIndex(content: string): Map<string, IndexedPackage> {
  const packages = new Map<string, IndexedPackage>();
  for (const stanza of content.split(/\n{2,}/)) {
    // eslint-disable-next-line security/detect-non-literal-regexp -- the names are the five below
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]?.trim();
    const [name, version, path, size, sha256] = ['Package', 'Version', 'Filename', 'Size', 'SHA256'].map(
      field,
    );
    if (!name || !version || !path || !size || !sha256) continue;
    const known = packages.get(name);
    if (known && compareVersions(known.version, version) >= 0) continue;
    packages.set(name, { name, version, path, size: Number(size), sha256 });
  }
  return packages;
}

/**
 * Compares versions as Debian does (deb-version(7)): epoch, upstream version, revision.
 *
 * @returns less than, equal to or greater than 0
 */
export function compareVersions(a: string, b: string): number {
  const [epochA, upstreamA, revisionA] = partsOf(a);
  const [epochB, upstreamB, revisionB] = partsOf(b);
  return epochA - epochB || compareParts(upstreamA, upstreamB) || compareParts(revisionA, revisionB);
}

function partsOf(version: string): [number, string, string] {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  const epoch = colon < 0 ? 0 : Number(version.slice(0, colon));
  return dash < 0 ? [epoch, rest, ''] : [epoch, rest.slice(0, dash), rest.slice(dash + 1)];
}

/** Alternately what is no digit, letter by letter, and numbers. */
function compareParts(a: string, b: string): number {
  const piecesOf = (text: string) => text.match(/\D*\d*/g)?.filter(Boolean) ?? [];
  const [left, right] = [piecesOf(a), piecesOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [, wordsA = '', numberA = ''] = /^(\D*)(\d*)$/.exec(left[index] ?? '') ?? [];
    const [, wordsB = '', numberB = ''] = /^(\D*)(\d*)$/.exec(right[index] ?? '') ?? [];
    for (let at = 0; at < Math.max(wordsA.length, wordsB.length); at++) {
      const difference = rank(wordsA[at]) - rank(wordsB[at]);
      if (difference !== 0) return difference;
    }
    const difference = Number(numberA || 0) - Number(numberB || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A tilde sorts before the end, letters before everything else. */
function rank(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

import { randomInt } from 'node:crypto';
import { AwsError } from '../../errors.js';
import type { Base } from '../../plugin.js';
import type { Table } from '../../store/store.js';
import { invalidArgument } from './errors.js';

/** Something of CloudFront that is changed by naming the version that is meant. */
export interface Versioned<Config> {
  readonly id: string;
  /** Another one after each change. */
  readonly etag: string;
  readonly config: Config;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

/** Resources of one kind, by their ids. */
export interface VersionedTable<V extends Versioned<unknown>> {
  find(id: string): V | undefined;
  /** @throws the error for an id that does not exist. */
  get(id: string | undefined): V;
  /** The resource, if `ifMatch` is its version. @throws AwsError `InvalidIfMatchVersion`, `PreconditionFailed`. */
  getVersion(id: string | undefined, ifMatch: string | undefined): V;
  /** Keeps it under a new version, as modified now. */
  save(resource: Omit<V, 'etag' | 'lastModified'>): V;
  remove(id: string): void;
  all(): V[];
}

export function versionedTable<V extends Versioned<unknown>>(
  { clock }: Base,
  table: Table<V>,
  missing: () => AwsError,
): VersionedTable<V> {
  const get = (id = '') => {
    const found = id === '' ? undefined : table.get(id);
    if (!found) throw missing();
    return found;
  };
  return {
    find: (id) => (id === '' ? undefined : table.get(id)),
    get,
    getVersion(id, ifMatch) {
      const found = get(id);
      if (ifMatch === undefined || !/^[A-Z0-9]{13,14}$/.test(ifMatch)) {
        throw new AwsError(
          'InvalidIfMatchVersion',
          'The If-Match version is missing or not valid for the resource.',
        );
      }
      if (ifMatch === found.etag) return found;
      throw new AwsError(
        'PreconditionFailed',
        "The request failed because it didn't meet the preconditions in one or more request-header fields.",
        412,
      );
    },
    save(resource) {
      // Without members that are undefined, which the store would keep.
      const kept = JSON.parse(JSON.stringify(resource));
      const saved = { ...kept, etag: newId('E'), lastModified: clock.now() } as V;
      table.put(saved.id, saved);
      return saved;
    },
    remove: (id) => {
      table.delete(id);
    },
    all: () => [...table.entries()].map(([, resource]) => resource),
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** An id as CloudFront makes them: a letter that tells what it is of, and 13 characters. */
export function newId(prefix: 'E' | 'I'): string {
  return prefix + Array.from({ length: 13 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** Most items of a page, and as many as there are unless somebody asks for fewer. */
const PAGE = 100;

/** One page of a list, with the members that CloudFront's lists have. */
export function listed<T extends { readonly id: string }, Item>(
  all: readonly T[],
  { Marker = '', MaxItems = PAGE }: { Marker?: string | undefined; MaxItems?: number | undefined },
  describe: (item: T) => Item,
) {
  if (!Number.isInteger(MaxItems) || MaxItems < 1) {
    throw invalidArgument('The parameter MaxItems has to be a number from 1 on.');
  }
  const size = Math.min(MaxItems, PAGE);
  const behind = all.filter(({ id }) => id > Marker);
  const page = behind.slice(0, size);
  const isTruncated = behind.length > page.length;
  return {
    Marker,
    MaxItems: size,
    IsTruncated: isTruncated,
    ...(isTruncated && { NextMarker: page.at(-1)?.id }),
    Quantity: page.length,
    ...(page.length > 0 && { Items: page.map(describe) }),
  };
}

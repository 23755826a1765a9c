import { key as compoundKey, type Range, type Store } from '../../store/store.js';
import { expirationOf, hasLongExpired } from './expiration.js';
import { digest, indexPosition, itemPosition } from './keys.js';
import type { IndexRecord, TableRecord, Tables } from './tables.js';
import { itemFromText, itemText } from './values/item-text.js';
import { type Item, itemSize } from './values/value.js';

/** What is due for deletion. */
interface Expiration {
  readonly table: string;
  /** The position of the item in its table. */
  readonly position: string;
}

const SECONDS_DIGITS = 12;
/** How many items are read at once when something is done to all of them. */
const PAGE = 500;

/** The items of all tables, their places in indexes, and when they expire; all of it in step. */
export class Items {
  readonly #items;
  readonly #indexes;
  readonly #expirations;

  constructor(
    readonly store: Store,
    readonly tables: Tables,
  ) {
    this.#items = store.table<string>('dynamodb.items');
    /** Positions of items in their tables by their positions in indexes. */
    this.#indexes = store.table<string>('dynamodb.indexes');
    this.#expirations = store.table<Expiration>('dynamodb.expirations');
  }

  /** @param key the attributes of the primary key, or all. */
  get(table: TableRecord, key: Item): Item | undefined {
    return this.#at(table, itemPosition(table, key));
  }

  #at(table: TableRecord, position: string): Item | undefined {
    const text = this.#items.get(compoundKey(table.id, position));
    return text === undefined ? undefined : itemFromText(text);
  }

  /**
   * Writes an item in place of the one with the same key, or deletes that. To be called in a transaction.
   *
   * @param before the item that is there.
   */
  write(table: TableRecord, before: Item | undefined, after: Item | undefined): void {
    const item = after ?? before;
    if (!item) return;
    const position = itemPosition(table, item);
    if (after) this.#items.put(compoundKey(table.id, position), itemText(after));
    else this.#items.delete(compoundKey(table.id, position));
    for (const index of table.indexes) this.#reindex(table, index, position, before, after);
    if (table.timeToLive !== undefined) {
      this.#reschedule(table, table.timeToLive, position, before, after);
    }
    this.tables.grow(
      table,
      (after ? 1 : 0) - (before ? 1 : 0),
      (after ? itemSize(after) : 0) - (before ? itemSize(before) : 0),
    );
  }

  #reindex(
    table: TableRecord,
    index: IndexRecord,
    position: string,
    before: Item | undefined,
    after: Item | undefined,
  ): void {
    const old = before && indexPosition(table, index, before);
    const next = after && indexPosition(table, index, after);
    if (old === next) return;
    if (old !== undefined) this.#indexes.delete(compoundKey(table.id, index.name, old));
    if (next !== undefined) this.#indexes.put(compoundKey(table.id, index.name, next), position);
  }

  #reschedule(
    table: TableRecord,
    attribute: string,
    position: string,
    before: Item | undefined,
    after: Item | undefined,
  ): void {
    const keyAt = (seconds: number) =>
      compoundKey(String(seconds).padStart(SECONDS_DIGITS, '0'), table.id, digest(position));
    const old = before && expirationOf(before[attribute]);
    const next = after && expirationOf(after[attribute]);
    if (old !== undefined && old !== next) this.#expirations.delete(keyAt(old));
    if (next !== undefined && old !== next) {
      this.#expirations.put(keyAt(next), { table: table.name, position });
    }
  }

  /**
   * Items in the order of a table or index, with their positions in it.
   *
   * @param range its prefix and ends are positions.
   */
  *entries(
    table: TableRecord,
    index: IndexRecord | undefined,
    { prefix = '', after, from, ...range }: Range = {},
  ): Generator<[position: string, item: Item]> {
    const start = index ? compoundKey(table.id, index.name, '') : compoundKey(table.id, '');
    const bounds = {
      ...range,
      prefix: start + prefix,
      ...(after !== undefined && { after: start + after }),
      ...(from !== undefined && { from: start + from }),
    };
    if (!index) {
      for (const [name, text] of this.#items.entries(bounds)) {
        yield [name.slice(start.length), itemFromText(text)];
      }
      return;
    }
    for (const [name, position] of this.#indexes.entries(bounds)) {
      const item = this.#at(table, position);
      if (item) yield [name.slice(start.length), item];
    }
  }

  /** Brings the indexes and expirations of all items from one form of their table to another. */
  rebuild(before: TableRecord, after: TableRecord): void {
    const plain = { ...before, indexes: [], timeToLive: undefined };
    const removed = before.indexes.filter(({ name }) => !after.indexes.some((each) => each.name === name));
    const added = after.indexes.filter(({ name }) => !before.indexes.some((each) => each.name === name));
    const retimed = before.timeToLive !== after.timeToLive;
    if (removed.length + added.length === 0 && !retimed) return;
    for (const [position, item] of this.#all(plain)) {
      for (const index of removed) this.#reindex(before, index, position, item, undefined);
      for (const index of added) this.#reindex(after, index, position, undefined, item);
      if (retimed && before.timeToLive !== undefined) {
        this.#reschedule(before, before.timeToLive, position, item, undefined);
      }
      if (retimed && after.timeToLive !== undefined) {
        this.#reschedule(after, after.timeToLive, position, undefined, item);
      }
    }
  }

  /** Deletes all items of a table. To be called in a transaction. */
  clear(table: TableRecord): void {
    for (const [, item] of this.#all(table)) this.write(table, item, undefined);
  }

  /** All items of a table, which may be written meanwhile. */
  *#all(table: TableRecord): Generator<[position: string, item: Item]> {
    let after: string | undefined;
    do {
      const page = [...this.entries(table, undefined, { after, limit: PAGE })];
      yield* page;
      after = page.length === PAGE ? page.at(-1)?.[0] : undefined;
    } while (after !== undefined);
  }

  /**
   * Deletes items whose time has come.
   *
   * @param now seconds since 1970.
   * @param most how many at once.
   * @returns how many there were.
   */
  expire(now: number, most: number): number {
    return this.store.transaction(() => {
      const due = [...this.#expirations.entries({ limit: most })].filter(([name]) => timeIn(name) <= now);
      for (const [name, { table: tableName, position }] of due) {
        const table = this.tables.get(tableName);
        const item = table && name.includes(table.id) ? this.#at(table, position) : undefined;
        if (table && item && !hasLongExpired(timeIn(name), now)) this.write(table, item, undefined);
        this.#expirations.delete(name);
      }
      return due.length;
    });
  }
}

function timeIn(expirationName: string): number {
  return Number(expirationName.slice(0, SECONDS_DIGITS));
}

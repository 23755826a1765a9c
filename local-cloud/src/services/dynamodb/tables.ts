import type { ProjectionType, TableClass } from '@aws-sdk/client-dynamodb';
import type { Store } from '../../store/store.js';
import type { Tags } from '../../tags.js';
import { resourceNotFound, validation } from './errors.js';

/** Names of the attributes of a primary or index key. */
export interface KeyNames {
  readonly partition: string;
  readonly sort?: string;
}

export type KeyType = 'S' | 'N' | 'B';

/** Reads and writes a second; of on-demand tables 0. */
export interface Throughput {
  readonly read: number;
  readonly write: number;
}

export interface IndexRecord {
  readonly name: string;
  /** A global secondary index; otherwise a local one. */
  readonly global: boolean;
  readonly key: KeyNames;
  readonly projection: ProjectionType;
  /** Of a projection of the kind INCLUDE. */
  readonly nonKeyAttributes?: readonly string[];
  /** Of global indexes. */
  readonly throughput?: Throughput;
}

/** A table; times are milliseconds since 1970. */
export interface TableRecord {
  readonly name: string;
  /** Tells this table from one of the same name that was deleted. */
  readonly id: string;
  readonly created: number;
  /** Types of the attributes that are in keys. */
  readonly attributes: Readonly<Record<string, KeyType>>;
  readonly key: KeyNames;
  readonly indexes: readonly IndexRecord[];
  readonly onDemand: boolean;
  /** When the table became an on-demand one. */
  readonly onDemandSince?: number;
  readonly throughput: Throughput;
  readonly deletionProtection: boolean;
  readonly tableClass?: TableClass;
  /** Whether a key of KMS was asked for. */
  readonly encrypted: boolean;
  readonly timeToLive?: string;
  readonly pointInTimeRecovery?: { readonly since: number; readonly days: number };
  readonly tags: Tags;
}

/** What is in a table: counted with every write. */
export interface TableSize {
  readonly items: number;
  readonly bytes: number;
}

const NAME = /^[a-zA-Z0-9_.-]+$/;

/** The tables of the account. */
export class Tables {
  readonly #records;
  readonly #sizes;
  readonly #arnPrefix: string;
  /** The key of AWS that tables are encrypted with which ask for one. */
  readonly kmsKeyArn: string;

  constructor(store: Store, { accountId, region }: { readonly accountId: string; readonly region: string }) {
    this.#records = store.table<TableRecord>('dynamodb.tables');
    this.#sizes = store.table<TableSize>('dynamodb.sizes');
    this.#arnPrefix = `arn:aws:dynamodb:${region}:${accountId}:table/`;
    this.kmsKeyArn = `arn:aws:kms:${region}:${accountId}:alias/aws/dynamodb`;
  }

  /**
   * The name of a table that may be given by its ARN.
   *
   * @throws AwsError `ValidationException` when it can be none.
   */
  nameOf(nameOrArn: string): string {
    if (nameOrArn.startsWith('arn:')) {
      if (!nameOrArn.startsWith(this.#arnPrefix)) throw resourceNotFound();
      return nameOrArn.slice(this.#arnPrefix.length);
    }
    if (!NAME.test(nameOrArn)) {
      throw validation(
        `1 validation error detected: Value '${nameOrArn}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+`,
      );
    }
    if (nameOrArn.length < 3 || nameOrArn.length > 255) {
      throw validation('TableName must be at least 3 characters long and at most 255 characters long');
    }
    return nameOrArn;
  }

  arnOf(name: string): string {
    return name.startsWith('arn:') ? name : `${this.#arnPrefix}${name}`;
  }

  get(nameOrArn: string): TableRecord | undefined {
    return this.#records.get(this.nameOf(nameOrArn));
  }

  /** @throws ResourceNotFoundException in DynamoDB's words for reads and writes of items. */
  existing(nameOrArn: string | undefined): TableRecord {
    const table = this.get(nameOrArn ?? '');
    if (!table) throw resourceNotFound();
    return table;
  }

  put(table: TableRecord): void {
    this.#records.put(table.name, table);
  }

  /** Forgets the table; its items are not this one's. */
  delete(table: TableRecord): void {
    this.#records.delete(table.name);
    this.#sizes.delete(table.id);
  }

  /** Names in their order. @param after only those behind this one. */
  *names(after?: string): Generator<string> {
    for (const [name] of this.#records.entries(after === undefined ? {} : { after })) yield name;
  }

  size(table: TableRecord): TableSize {
    return this.#sizes.get(table.id) ?? { items: 0, bytes: 0 };
  }

  /** Counts in a write. */
  grow(table: TableRecord, items: number, bytes: number): void {
    const size = this.size(table);
    this.#sizes.put(table.id, { items: size.items + items, bytes: size.bytes + bytes });
  }
}

/** The index of that name. @throws AwsError `ValidationException` when the table has none. */
export function indexOf(table: TableRecord, name: string): IndexRecord {
  const index = table.indexes.find((each) => each.name === name);
  if (!index) throw validation(`The table does not have the specified index: ${name}`);
  return index;
}

export function namesOf({ partition, sort }: KeyNames): string[] {
  return sort === undefined ? [partition] : [partition, sort];
}

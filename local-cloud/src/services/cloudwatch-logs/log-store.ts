import { randomUUID } from 'node:crypto';
import type { LogGroupClass } from '@aws-sdk/client-cloudwatch-logs';
import { key as compoundKey, type Store } from '../../store/store.js';
import type { LogEvent } from './writer.js';

/** A log group. */
export interface LogGroup {
  readonly name: string;
  readonly arn: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Undefined: events are kept for ever. */
  readonly retentionInDays?: number;
  readonly logGroupClass: LogGroupClass;
  readonly storedBytes: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** A log stream; times are milliseconds since 1970. */
export interface LogStream {
  readonly group: string;
  readonly name: string;
  readonly arn: string;
  readonly created: number;
  /** Tells this stream from one of the same name that was deleted. */
  readonly id: string;
  readonly firstEvent?: number;
  readonly lastEvent?: number;
  readonly lastIngestion?: number;
  readonly storedBytes: number;
  /** Number of events that were ever put. */
  readonly count: number;
}

/** An event as it is kept. */
export interface StoredEvent extends LogEvent {
  readonly ingestionTime: number;
  readonly eventId: string;
  readonly stream: string;
  /** Where the event is in the order of its stream: by time, then by arrival. */
  readonly position: string;
}

/** Log groups, their streams, and the events in these. */
export interface LogStore {
  group(name: string): LogGroup | undefined;
  groups(prefix?: string): LogGroup[];
  putGroup(group: LogGroup): void;
  createGroup(name: string, options?: Partial<Pick<LogGroup, 'logGroupClass' | 'tags'>>): LogGroup;
  deleteGroup(name: string): void;
  stream(group: string, name: string): LogStream | undefined;
  streams(group: string, prefix?: string): LogStream[];
  createStream(group: string, name: string): LogStream;
  deleteStream(group: string, name: string): void;
  append(group: string, stream: string, events: readonly LogEvent[]): void;
  /** Events of a stream in order, from behind `after`, not older than retention allows. */
  events(stream: LogStream, after?: string): Iterable<StoredEvent>;
}

interface Kept {
  readonly message: string;
  readonly ingestionTime: number;
}

/** What CloudWatch Logs counts an event for beyond its message, in bytes. */
export const EVENT_OVERHEAD = 26;
const DAY = 24 * 60 * 60 * 1000;

export function logStore(
  store: Store,
  { accountId, region, now }: { accountId: string; region: string; now: () => number },
): LogStore {
  const groups = store.table<LogGroup>('logs.groups');
  const streams = store.table<LogStream>('logs.streams');
  const events = store.table<Kept>('logs.events');
  const positionOf = (timestamp: number, sequence: number) =>
    `${String(timestamp).padStart(15, '0')}${String(sequence).padStart(12, '0')}`;

  function deleteEvents({ id }: LogStream): void {
    for (const [name] of [...events.entries({ prefix: compoundKey(id, '') })]) events.delete(name);
  }

  function removeExpired(stream: LogStream, { retentionInDays }: LogGroup): void {
    if (retentionInDays === undefined) return;
    const oldest = compoundKey(stream.id, positionOf(now() - retentionInDays * DAY, 0));
    for (const [name] of [...events.entries({ prefix: compoundKey(stream.id, ''), limit: 1000 })]) {
      if (name >= oldest) return;
      events.delete(name);
    }
  }

  const list = (group: string, prefix = '') =>
    [...streams.entries({ prefix: compoundKey(group, prefix) })].map(([, stream]) => stream);

  const result: LogStore = {
    group: (name) => groups.get(name),
    groups: (prefix = '') => [...groups.entries({ prefix })].map(([, group]) => group),
    putGroup: (group) => groups.put(group.name, group),
    createGroup(name, options = {}) {
      const group: LogGroup = {
        name,
        arn: `arn:aws:logs:${region}:${accountId}:log-group:${name}`,
        created: now(),
        logGroupClass: options.logGroupClass ?? 'STANDARD',
        storedBytes: 0,
        tags: options.tags ?? {},
      };
      groups.put(name, group);
      return group;
    },
    deleteGroup: (name) =>
      store.transaction(() => {
        for (const stream of list(name)) result.deleteStream(name, stream.name);
        groups.delete(name);
      }),
    stream: (group, name) => streams.get(compoundKey(group, name)),
    streams: list,
    createStream(group, name) {
      const stream: LogStream = {
        group,
        name,
        arn: `arn:aws:logs:${region}:${accountId}:log-group:${group}:log-stream:${name}`,
        created: now(),
        id: randomUUID(),
        storedBytes: 0,
        count: 0,
      };
      streams.put(compoundKey(group, name), stream);
      return stream;
    },
    deleteStream: (group, name) =>
      store.transaction(() => {
        const stream = streams.get(compoundKey(group, name));
        if (!stream) return;
        deleteEvents(stream);
        streams.delete(compoundKey(group, name));
        const owner = groups.get(group);
        if (owner) groups.put(group, { ...owner, storedBytes: owner.storedBytes - stream.storedBytes });
      }),
    append: (groupName, streamName, added) =>
      store.transaction(() => {
        const group = groups.get(groupName);
        const stream = streams.get(compoundKey(groupName, streamName));
        if (!group || !stream || added.length === 0) return;
        const ingestionTime = now();
        let bytes = 0;
        for (const [index, { timestamp, message }] of added.entries()) {
          const position = positionOf(timestamp, stream.count + index);
          events.put(compoundKey(stream.id, position), { message, ingestionTime });
          bytes += Buffer.byteLength(message) + EVENT_OVERHEAD;
        }
        const times = added.map(({ timestamp }) => timestamp);
        streams.put(compoundKey(groupName, streamName), {
          ...stream,
          firstEvent: Math.min(stream.firstEvent ?? Number.POSITIVE_INFINITY, ...times),
          lastEvent: Math.max(stream.lastEvent ?? 0, ...times),
          lastIngestion: ingestionTime,
          storedBytes: stream.storedBytes + bytes,
          count: stream.count + added.length,
        });
        groups.put(groupName, { ...group, storedBytes: group.storedBytes + bytes });
        removeExpired(stream, group);
      }),
    *events(stream, after) {
      const retention = groups.get(stream.group)?.retentionInDays;
      const oldest = retention === undefined ? 0 : now() - retention * DAY;
      const prefix = compoundKey(stream.id, '');
      const range = { prefix, ...(after === undefined ? {} : { after: prefix + after }) };
      for (const [name, { message, ingestionTime }] of events.entries(range)) {
        const position = name.slice(prefix.length);
        const timestamp = Number(position.slice(0, 15));
        if (timestamp < oldest) continue;
        yield {
          timestamp,
          message,
          ingestionTime,
          stream: stream.name,
          position,
          eventId: eventId(stream, position),
        };
      }
    },
  };
  return result;
}

/** Event ids are decimal numbers of 56 digits: time, order, and something of the stream. */
function eventId({ id }: LogStream, position: string): string {
  const ofStream = Number.parseInt(id.slice(0, 8), 16);
  return `${position}${String(ofStream).padStart(29, '0')}`;
}

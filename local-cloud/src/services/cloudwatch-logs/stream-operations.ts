import type * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { violation } from '../../constraints.js';
import type { Operations } from '../../service.js';
import { invalidParameter, streamExists, streamNotFound } from './errors.js';
import { EVENT_OVERHEAD, type LogStore, type LogStream, type StoredEvent } from './log-store.js';
import { checkStreamName, groupOf } from './names.js';
import { byName, invalidToken } from './paging.js';

/** Limits of one `PutLogEvents` (CloudWatch Logs API reference). */
const BATCH_BYTES = 1_048_576;
const BATCH_EVENTS = 10_000;
const DAY = 24 * 60 * 60 * 1000;
/** Most events that `GetLogEvents` returns, and most bytes. */
const PAGE_EVENTS = 10_000;
const PAGE_BYTES = 1024 * 1024;

/** Log streams: create, delete, describe, and putting and getting their events. */
export function streamOperations(logs: LogStore, now: () => number): Operations<typeof sdk> {
  const streamOf = (group: string, name: string) => {
    const stream = logs.stream(group, name);
    if (!stream) throw streamNotFound();
    return stream;
  };

  return {
    CreateLogStream({ logGroupName, logStreamName = '' }) {
      checkStreamName(logStreamName);
      const { name } = groupOf(logs, logGroupName);
      if (logs.stream(name, logStreamName)) throw streamExists();
      logs.createStream(name, logStreamName);
      return {};
    },
    DeleteLogStream({ logGroupName, logStreamName = '' }) {
      const { name } = groupOf(logs, logGroupName);
      streamOf(name, logStreamName);
      logs.deleteStream(name, logStreamName);
      return {};
    },
    DescribeLogStreams(input) {
      const { name } = groupOf(logs, input.logGroupName, input.logGroupIdentifier);
      const byTime = input.orderBy === 'LastEventTime';
      if (byTime && input.logStreamNamePrefix !== undefined) {
        throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
      }
      const found = logs.streams(name, input.logStreamNamePrefix);
      if (byTime) found.sort((a, b) => (a.lastEvent ?? 0) - (b.lastEvent ?? 0));
      if (input.descending) found.reverse();
      const { items, next } = byName(found, (stream) => stream.name, input.nextToken, input.limit);
      return { logStreams: items.map(describe), nextToken: next };
    },

    PutLogEvents({ logGroupName, logStreamName = '', logEvents = [] }) {
      const group = groupOf(logs, logGroupName);
      const stream = streamOf(group.name, logStreamName);
      const events = logEvents.map(({ timestamp = 0, message = '' }) => ({ timestamp, message }));
      checkBatch(events);
      const time = now();
      const retained = group.retentionInDays === undefined ? 14 * DAY : group.retentionInDays * DAY;
      const tooOld = events.filter(({ timestamp }) => timestamp < time - Math.min(14 * DAY, retained)).length;
      const tooNew = events.findIndex(({ timestamp }) => timestamp > time + DAY / 12);
      const accepted = events.slice(tooOld, tooNew < 0 ? undefined : tooNew);
      logs.append(group.name, logStreamName, accepted);
      const rejected = {
        ...(tooNew < 0 ? {} : { tooNewLogEventStartIndex: tooNew }),
        ...(tooOld === 0 ? {} : { tooOldLogEventEndIndex: tooOld }),
      };
      return {
        nextSequenceToken: String(stream.count + accepted.length).padStart(56, '0'),
        ...(tooNew < 0 && tooOld === 0 ? {} : { rejectedLogEventsInfo: rejected }),
      };
    },

    GetLogEvents(input) {
      const group = groupOf(logs, input.logGroupName, input.logGroupIdentifier);
      const stream = streamOf(group.name, input.logStreamName ?? '');
      const { startTime = 0, endTime = Number.POSITIVE_INFINITY, startFromHead = false, nextToken } = input;
      const limit = Math.min(input.limit ?? PAGE_EVENTS, PAGE_EVENTS);
      const token = nextToken === undefined ? undefined : readDirection(nextToken);
      const inTime = ({ timestamp }: StoredEvent) => timestamp >= startTime && timestamp < endTime;
      const forward = token ? token.forward : startFromHead;
      const page = forward
        ? take(filtered(logs.events(stream, token?.position), inTime), limit)
        : take(
            [...filtered(logs.events(stream), inTime)]
              .filter(({ position }) => token === undefined || position < token.position)
              .reverse(),
            limit,
          ).reverse();
      // At either end the token stays as it was, by which callers know that they are there.
      const at = token?.position ?? (startFromHead ? '0' : FAR);
      return {
        events: page.map(({ timestamp, message, ingestionTime }) => ({ timestamp, message, ingestionTime })),
        nextForwardToken: `f/${page.at(-1)?.position ?? at}`,
        nextBackwardToken: `b/${page[0]?.position ?? at}`,
      };
    },
  };
}

/** Behind every position. */
const FAR = '9'.repeat(27);

function readDirection(token: string): { forward: boolean; position: string } {
  const [, direction, position = ''] = /^([fb])\/(\d{1,27})$/.exec(token) ?? [];
  if (direction === undefined) throw invalidToken();
  return { forward: direction === 'f', position };
}

function* filtered<T>(items: Iterable<T>, include: (item: T) => boolean): Iterable<T> {
  for (const item of items) if (include(item)) yield item;
}

/** The first events, up to the limits of a page. */
function take(events: Iterable<StoredEvent>, limit: number): StoredEvent[] {
  const page: StoredEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    bytes += Buffer.byteLength(event.message) + EVENT_OVERHEAD;
    if (page.length === limit || (bytes > PAGE_BYTES && page.length > 0)) break;
    page.push(event);
  }
  return page;
}

function checkBatch(events: readonly { timestamp: number; message: string }[]): void {
  if (events.length === 0 || events.length > BATCH_EVENTS) {
    throw invalidParameter(
      violation('', 'logEvents', `Member must have length between 1 and ${BATCH_EVENTS}`),
    );
  }
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + EVENT_OVERHEAD, 0);
  if (bytes > BATCH_BYTES) {
    throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${BATCH_BYTES}`);
  }
  const times = events.map(({ timestamp }) => timestamp);
  if (events.some(({ message }) => message === '')) throw invalidParameter('Log events must have a message.');
  if (times.some((time, index) => time < (times[index - 1] ?? 0))) {
    throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.');
  }
  if (times.some((time) => time > (times[0] ?? 0) + DAY)) {
    throw invalidParameter(
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    );
  }
}

function describe(stream: LogStream) {
  return {
    logStreamName: stream.name,
    creationTime: stream.created,
    firstEventTimestamp: stream.firstEvent,
    lastEventTimestamp: stream.lastEvent,
    lastIngestionTime: stream.lastIngestion,
    uploadSequenceToken: String(stream.count).padStart(56, '0'),
    arn: stream.arn,
    // CloudWatch Logs has reported none for streams since 2019.
    storedBytes: 0,
  };
}

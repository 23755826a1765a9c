import type * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { readToken, writeToken } from '../../paging.js';
import type { Operations } from '../../service.js';
import { invalidParameter, streamNotFound } from './errors.js';
import { messageFilter } from './filter-pattern.js';
import type { LogStore, StoredEvent } from './log-store.js';
import { groupOf } from './names.js';
import { invalidToken } from './paging.js';

/** Most events of a page. */
const PAGE = 10_000;

/** FilterLogEvents: events of many streams, merged in order of their time. */
export function filterOperations(logs: LogStore): Operations<typeof sdk> {
  return {
    FilterLogEvents(input) {
      const group = groupOf(logs, input.logGroupName, input.logGroupIdentifier);
      const {
        logStreamNames,
        logStreamNamePrefix,
        startTime = 0,
        endTime = Number.POSITIVE_INFINITY,
      } = input;
      if (logStreamNames && logStreamNamePrefix !== undefined) {
        throw invalidParameter('logStreamNames and logStreamNamePrefix are mutually exclusive parameters.');
      }
      const passes = messageFilter(input.filterPattern ?? '');
      const limit = Math.min(input.limit ?? PAGE, PAGE);
      const streams = logStreamNames
        ? logStreamNames.map((name) => {
            const stream = logs.stream(group.name, name);
            if (!stream) throw streamNotFound();
            return stream;
          })
        : logs.streams(group.name, logStreamNamePrefix);
      const [after, afterStream = ''] =
        input.nextToken === undefined ? [] : readToken(input.nextToken, invalidToken).split('/', 2);
      const found: StoredEvent[] = [];
      for (const stream of streams) {
        let taken = 0;
        for (const event of logs.events(stream)) {
          if (event.timestamp >= endTime) break;
          if (event.timestamp < startTime || !passes(event.message)) continue;
          if (after !== undefined && !isBehind(event, after, afterStream)) continue;
          found.push(event);
          taken += 1;
          if (taken > limit) break;
        }
      }
      found.sort(compare);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        events: page.map(({ timestamp, message, ingestionTime, eventId, stream }) => ({
          logStreamName: stream,
          timestamp,
          message,
          ingestionTime,
          eventId,
        })),
        searchedLogStreams: [],
        nextToken: last && found.length > limit ? writeToken(`${last.position}/${last.stream}`) : undefined,
      };
    },
  };
}

function compare(a: StoredEvent, b: StoredEvent): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0;
}

function isBehind(event: StoredEvent, position: string, stream: string): boolean {
  return event.position > position || (event.position === position && event.stream > stream);
}

import {
  type CloudWatchLogsClient,
  GetLogEventsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { type LogPage, logGroups, THING_NAME } from '@mooring/contracts';
import { z } from 'zod';
import { PageQuery, readNext, withToken, writeNext } from '../api/next-token.js';
import { RequestProblem } from '../api/problem.js';
import { DAY, Day, dayBefore, dayOf } from './days.js';

export const LogQuery = PageQuery.extend({
  /** Of a component, or `System` for the core software itself. */
  component: z.string().regex(/^[a-zA-Z0-9._-]{1,128}$/, 'it is not the name of a component'),
});
export type LogQuery = z.infer<typeof LogQuery>;

/** What logs are read with. */
export interface LogPorts {
  readonly logs: CloudWatchLogsClient;
  readonly region: string;
  /** Days for which logs are kept. */
  readonly days: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where a page begins: in the stream of a day, at its end or at a token. */
const Position = z.object({ day: Day, token: z.string().optional() });
type Position = z.infer<typeof Position>;

/** Events of a page. */
const PAGE = 100;
/** Calls for a page: days without a log of the device take one each. */
const CALLS = 31;

/** The log of a component on a device, newest first. */
export async function deviceLog(
  thing: string,
  { component, next }: LogQuery,
  { logs, region, days, now }: LogPorts,
  abortSignal: AbortSignal,
): Promise<LogPage> {
  if (!THING_NAME.test(thing))
    throw new RequestProblem(404, 'NoSuchDevice', `there is no device ${JSON.stringify(thing)}`);
  const logGroupName =
    component === 'System' ? logGroups.system(region) : logGroups.component(region, component);
  const oldest = dayOf(now() - days * DAY);
  // A device's clock may be ahead.
  let position: Position | undefined = readNext(Position, next) ?? { day: dayOf(now() + DAY) };
  const events: LogPage['events'] = [];
  for (let call = 0; call < CALLS && position !== undefined && events.length < PAGE; call += 1) {
    const { day, token }: Position = position;
    const command = new GetLogEventsCommand({
      logGroupName,
      logStreamName: logStream(day, thing),
      limit: PAGE - events.length,
      nextToken: token,
    });
    const page: Part = await withToken(token, () => eventsBefore(logs, command, abortSignal));
    events.push(...page.events);
    // At the beginning of a stream the token stays as it was (API reference, GetLogEvents).
    const older: string | undefined = page.older === token ? undefined : page.older;
    position = older === undefined ? dayBefore(day, oldest) : { day, token: older };
  }
  return { events, ...(position && { next: writeNext(position) }) };
}

interface Part {
  /** Newest first. */
  readonly events: LogPage['events'];
  /** Leads to older ones of the stream; undefined when there is no such stream. */
  readonly older: string | undefined;
}

async function eventsBefore(
  logs: CloudWatchLogsClient,
  command: GetLogEventsCommand,
  abortSignal: AbortSignal,
): Promise<Part> {
  try {
    const { events = [], nextBackwardToken } = await logs.send(command, { abortSignal });
    return {
      events: events.map(({ timestamp = 0, message = '' }) => ({ at: timestamp, message })).reverse(),
      older: nextBackwardToken,
    };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return { events: [], older: undefined };
    throw error;
  }
}

/** As the log manager names streams: `/{yyyy/MM/dd}/thing/{thing}`, the day in UTC, without colons. */
function logStream(day: string, thing: string): string {
  return `/${day.replaceAll('-', '/')}/thing/${thing.replaceAll(':', '+')}`;
}

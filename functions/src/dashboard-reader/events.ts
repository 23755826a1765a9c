import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { EventItem, type EventsPage, type FleetEvent, names, THING_NAME } from '@mooring/contracts';
import { z } from 'zod';
import { PageQuery, readNext, writeNext } from '../api/next-token.js';
import { DAY, Day, dayBefore, dayOf } from './days.js';
import { readItems } from './items.js';

export const EventsQuery = PageQuery.extend({
  thing: z.string().regex(THING_NAME, 'it is not the name of a thing').optional(),
});
export type EventsQuery = z.infer<typeof EventsQuery>;

/** What events are read with. */
export interface EventPorts {
  readonly dynamo: DynamoDBClient;
  /** Days for which events are kept. */
  readonly days: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where a page begins: behind an event, or at the end of a day. */
const Position = z.object({ day: Day, id: z.string().max(200).optional() });
type Position = z.infer<typeof Position>;

/** Events of a page. */
const PAGE = 50;
/** Days that are looked through for a page. */
const DAYS_AT_ONCE = 31;
/** `day` is how the table is divided, and a name of DynamoDB's own besides. */
const NAMES = { '#key': 'day' };

/** What happened to the fleet, or to one of its things, newest first. */
export async function events(
  { thing, next }: EventsQuery,
  ports: EventPorts,
  signal: AbortSignal,
): Promise<EventsPage> {
  const position = readNext(Position, next);
  return thing === undefined ? ofFleet(position, ports, signal) : ofThing(thing, position, ports, signal);
}

async function ofThing(
  thing: string,
  position: Position | undefined,
  { dynamo }: EventPorts,
  signal: AbortSignal,
): Promise<EventsPage> {
  const { items, last } = await query(
    dynamo,
    {
      IndexName: 'by-thing',
      KeyConditionExpression: '#key = :key',
      ExpressionAttributeNames: { '#key': 'thing' },
      ExpressionAttributeValues: { ':key': { S: thing } },
      Limit: PAGE,
      ...(position?.id !== undefined && {
        ExclusiveStartKey: { thing: { S: thing }, id: { S: position.id }, day: { S: position.day } },
      }),
    },
    signal,
  );
  return { events: items.map(eventOf), ...(last && { next: writeNext(last) }) };
}

async function ofFleet(
  position: Position | undefined,
  { dynamo, days, now }: EventPorts,
  signal: AbortSignal,
): Promise<EventsPage> {
  const oldest = dayOf(now() - days * DAY);
  const found: FleetEvent[] = [];
  let from: Position | undefined = position ?? { day: dayOf(now()) };
  for (let day = 0; day < DAYS_AT_ONCE && from !== undefined && found.length < PAGE; day += 1) {
    const at: Position = from;
    const { items, last } = await query(
      dynamo,
      {
        KeyConditionExpression: '#key = :key',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: { ':key': { S: at.day } },
        Limit: PAGE - found.length,
        ...(at.id !== undefined && { ExclusiveStartKey: { day: { S: at.day }, id: { S: at.id } } }),
      },
      signal,
    );
    found.push(...items.map(eventOf));
    from = last ?? dayBefore(at.day, oldest);
  }
  return { events: found, ...(from && { next: writeNext(from) }) };
}

async function query(
  dynamo: DynamoDBClient,
  input: Partial<QueryCommandInput>,
  abortSignal: AbortSignal,
): Promise<{ items: EventItem[]; last: Position | undefined }> {
  const { Items = [], LastEvaluatedKey } = await dynamo.send(
    new QueryCommand({ TableName: names.eventsTable, ScanIndexForward: false, ...input }),
    { abortSignal },
  );
  const [last] = LastEvaluatedKey ? readItems(Position, [LastEvaluatedKey]) : [];
  return { items: readItems(EventItem, Items), last };
}

function eventOf({ id, at, type, thing, detail }: EventItem): FleetEvent {
  return { id, at, type, thing, detail };
}

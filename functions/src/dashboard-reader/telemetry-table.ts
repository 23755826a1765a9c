import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { names, TelemetryItem, type TelemetryPoint } from '@mooring/contracts';
import { type Item, readItems } from './items.js';
import type { Range, Sample } from './reduction.js';

/** The table with what LEDs told. */
export interface TelemetryTable {
  /** The last message of a thing; undefined when none is kept. */
  latest(thing: string, signal: AbortSignal): Promise<TelemetryPoint | undefined>;
  /** The last message of a thing within a range. */
  lastIn(thing: string, range: Range, signal: AbortSignal): Promise<Sample | undefined>;
  /** The messages of a thing within a range in order of time, in pages as DynamoDB gives them (1 MB). */
  pages(thing: string, range: Range, signal: AbortSignal): AsyncIterable<readonly Sample[]>;
}

/** What {@link TelemetryItem} has of a message. */
const Message = TelemetryItem.pick({ at: true, frequency: true, blinking: true });

/** {@link TelemetryTable} in DynamoDB. */
export function telemetryTable(dynamo: DynamoDBClient): TelemetryTable {
  const query = (thing: string, range: Range | undefined, more: Partial<QueryCommandInput>) =>
    new QueryCommand({
      TableName: names.telemetryTable,
      KeyConditionExpression: range ? '#thing = :thing AND #at BETWEEN :from AND :to' : '#thing = :thing',
      ProjectionExpression: '#at, #frequency, #blinking',
      ExpressionAttributeNames: {
        '#thing': 'thing',
        '#at': 'at',
        '#frequency': 'frequency',
        '#blinking': 'blinking',
      },
      ExpressionAttributeValues: {
        ':thing': { S: thing },
        ...(range && { ':from': { N: String(range.from) }, ':to': { N: String(range.to) } }),
      },
      ...more,
    });
  const last = async (thing: string, range: Range | undefined, abortSignal: AbortSignal) => {
    const newest = query(thing, range, { ScanIndexForward: false, Limit: 1 });
    const { Items = [] } = await dynamo.send(newest, { abortSignal });
    return readItems(Message, Items)[0];
  };
  return {
    latest: (thing, signal) => last(thing, undefined, signal),
    lastIn: last,
    async *pages(thing, range, abortSignal) {
      let ExclusiveStartKey: Item | undefined;
      do {
        const page = await dynamo.send(query(thing, range, { ExclusiveStartKey }), { abortSignal });
        yield readItems(Message, page.Items ?? []);
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
    },
  };
}

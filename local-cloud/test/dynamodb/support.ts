import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { LocalCloud, LocalCloudOptions } from '../../src/local-cloud.js';
import { atEnd } from '../support/at-end.js';
import { clientConfig, startCloud } from '../support/cloud.js';

export type Item = Record<string, AttributeValue>;

export function client(
  cloud: Pick<LocalCloud, 'endpointUrl' | 'region'>,
  options: object = {},
): DynamoDBClient {
  const made = new DynamoDBClient({ ...clientConfig(cloud), maxAttempts: 1, ...options });
  atEnd(() => made.destroy());
  return made;
}

/** A local cloud and short forms of the calls that most tests make. */
export async function startDatabase(options: Partial<LocalCloudOptions> = {}) {
  const cloud = await startCloud(options);
  const db = client(cloud);
  return {
    cloud,
    db,
    /** Makes a table with the partition key `id` and, if there is one, the sort key `at`. */
    async table(TableName: string, more: Partial<CreateTableCommandInput> & { sort?: 'S' | 'N' | 'B' } = {}) {
      const { sort, AttributeDefinitions = [], ...input } = more;
      await db.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'id', AttributeType: 'S' },
            ...(sort ? [{ AttributeName: 'at', AttributeType: sort }] : []),
            ...AttributeDefinitions,
          ],
          KeySchema: [
            { AttributeName: 'id', KeyType: 'HASH' },
            ...(sort ? [{ AttributeName: 'at', KeyType: 'RANGE' as const }] : []),
          ],
          ...input,
        }),
      );
      return TableName;
    },
    put: (TableName: string, Item: Item) => db.send(new PutItemCommand({ TableName, Item })),
    async get(TableName: string, Key: Item): Promise<Item | undefined> {
      return (await db.send(new GetItemCommand({ TableName, Key }))).Item;
    },
  };
}

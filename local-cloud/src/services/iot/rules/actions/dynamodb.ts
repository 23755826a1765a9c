import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { AwsError } from '../../../../errors.js';
import type { JsonValue } from '../sql/index.js';
import { type ActionContext, type PreparedAction, parameters, template } from './action.js';

const v2Schema = z.strictObject({
  roleArn: z.string(),
  putItem: z.strictObject({ tableName: z.string().min(1) }),
});

/** Puts what the SQL selects as an item, an attribute for each member. */
export function dynamoDBv2Action(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { items } = context.targets;
  if (!items) return undefined;
  const { roleArn, putItem } = parameters('dynamoDBv2', v2Schema, given);
  const fill = template(putItem.tableName, context);
  return {
    name: 'DynamoDBv2Action',
    member: 'dynamoDBv2',
    failure: 'Failed to insert item into DynamoDB',
    service: 'AmazonDynamoDBv2',
    target: putItem.tableName,
    async plan({ message, output }) {
      const tableName = await fill(message);
      return {
        resource: tableName,
        details: `Table: ${tableName}`,
        async perform() {
          context.roles.require(roleArn, 'dynamodb:PutItem', tableArn(tableName, context));
          await items.put(tableName, itemOf(output.value));
        },
      };
    },
  };
}

const key = z.string().min(1);
const v1Schema = z.strictObject({
  roleArn: z.string(),
  tableName: key,
  hashKeyField: key,
  hashKeyValue: key,
  hashKeyType: z.enum(['STRING', 'NUMBER']).optional(),
  rangeKeyField: key.optional(),
  rangeKeyValue: key.optional(),
  rangeKeyType: z.enum(['STRING', 'NUMBER']).optional(),
  payloadField: key.optional(),
  operation: z.literal('INSERT', { error: 'only INSERT is built in the local cloud' }).optional(),
});

/** Puts what the SQL selects into one attribute of an item with the keys that the action names. */
export function dynamoDBAction(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { items } = context.targets;
  if (!items) return undefined;
  const found = parameters('dynamoDB', v1Schema, given);
  const { roleArn, hashKeyType = 'STRING', rangeKeyType = 'STRING' } = found;
  const fill = (text: string | undefined) => (text === undefined ? undefined : template(text, context));
  const table = template(found.tableName, context);
  const hash = { field: fill(found.hashKeyField), value: fill(found.hashKeyValue), type: hashKeyType };
  const range = { field: fill(found.rangeKeyField), value: fill(found.rangeKeyValue), type: rangeKeyType };
  const payload = template(found.payloadField ?? 'payload', context);
  return {
    name: 'DynamoDBAction',
    member: 'dynamoDB',
    failure: 'Failed to insert item into DynamoDB',
    service: 'AmazonDynamoDBv2',
    target: found.tableName,
    async plan({ message, output }) {
      const tableName = await table(message);
      const item: Record<string, AttributeValue> = Object.create(null);
      for (const { field, value, type } of [hash, range]) {
        if (!field || !value) continue;
        const text = await value(message);
        item[await field(message)] = type === 'NUMBER' ? { N: text } : { S: text };
      }
      const { value } = output;
      item[await payload(message)] = value instanceof Uint8Array ? { B: value } : attribute(value ?? null);
      return {
        resource: tableName,
        details: `Table: ${tableName}`,
        async perform() {
          context.roles.require(roleArn, 'dynamodb:PutItem', tableArn(tableName, context));
          await items.put(tableName, { ...item });
        },
      };
    },
  };
}

function tableArn(tableName: string, { region, accountId }: ActionContext): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}`;
}

function itemOf(value: JsonValue | Uint8Array | undefined): Record<string, AttributeValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw new AwsError('ValidationException', 'The payload of the action dynamoDBv2 has to be a JSON object');
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, attribute(member)]));
}

function attribute(value: JsonValue): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') return { N: String(value) };
  if (Array.isArray(value)) return { L: value.map(attribute) };
  return { M: Object.fromEntries(Object.entries(value).map(([name, member]) => [name, attribute(member)])) };
}

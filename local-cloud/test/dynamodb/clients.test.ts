import { describe, expect, test } from 'vitest';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { startDatabase } from './support.js';

describe.skipIf(!hasAwsCli)('the AWS CLI', () => {
  test('makes a table and works with its items', async () => {
    const { cloud } = await startDatabase();
    const aws = awsCli(cloud);
    const dynamodb = async (...words: string[]) => {
      const output = await aws('dynamodb', ...words, '--output', 'json');
      return output === '' ? {} : JSON.parse(output);
    };
    const table = ['--table-name', 'cli'];
    await dynamodb(
      ...['create-table', ...table, '--billing-mode', 'PAY_PER_REQUEST'],
      ...['--attribute-definitions', 'AttributeName=id,AttributeType=S'],
      ...['--key-schema', 'AttributeName=id,KeyType=HASH'],
    );
    const item = { id: { S: 'a' }, ['__proto__']: { M: { ['__proto__']: { N: '1' } } } };
    await dynamodb('put-item', ...table, '--item', JSON.stringify(item));
    const { Items } = await dynamodb('scan', ...table);
    expect(JSON.stringify(Items)).toBe(JSON.stringify([item]));
    const { Attributes } = await dynamodb(
      ...['update-item', ...table, '--key', '{"id":{"S":"a"}}', '--return-values', 'UPDATED_NEW'],
      ...[
        '--update-expression',
        'SET #p.#p = #p.#p + :one',
        '--expression-attribute-names',
        '{"#p":"__proto__"}',
      ],
      ...['--expression-attribute-values', '{":one":{"N":"1"}}'],
    );
    expect(JSON.stringify(Attributes)).toBe('{"__proto__":{"M":{"__proto__":{"N":"2"}}}}');
  });
});

test('hostile bodies are refused', async () => {
  const { cloud, table } = await startDatabase();
  await table('hostile');
  const send = async (body: string) => {
    const response = await fetch(cloud.endpointUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.PutItem',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body,
    });
    return { status: response.status, type: String(((await response.json()) as { __type?: string }).__type) };
  };
  const nested = (levels: number) =>
    `{"TableName":"hostile","Item":{"id":{"S":"x"},"a":${'{"L":['.repeat(levels)}${']}'.repeat(levels)}}}`;
  expect(await send(nested(30))).toMatchObject({ status: 200 });
  for (const levels of [40, 100_000]) {
    expect(await send(nested(levels))).toEqual({
      status: 400,
      type: expect.stringContaining('#ValidationException'),
    });
  }
});

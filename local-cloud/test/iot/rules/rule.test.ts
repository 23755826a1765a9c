import type { Action } from '@aws-sdk/client-iot';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AwsError } from '../../../src/errors.js';
import { namedRoles } from '../../../src/services/iot/rules/named-roles.js';
import { compileRule } from '../../../src/services/iot/rules/rule.js';

const context = {
  targets: {
    functions: { invokeLater: async () => {} },
    topics: { publish: async () => ({ messageId: '' }) },
    queues: { send: async () => {} },
    items: { put: async () => {} },
    writeObject: async () => {},
    logs: { write: () => {}, hasGroup: () => true },
  },
  roles: { check: () => {}, require: () => {} },
  ruleName: 'r',
  ruleArn: 'arn:aws:iot:eu-central-1:000000000000:rule/r',
  accountId: '000000000000',
  region: 'eu-central-1',
  sql: { accountId: '000000000000' },
  now: () => 0,
  republish: async () => {},
};

const compile = (actions: unknown) =>
  compileRule(
    {
      ruleName: 'r',
      payload: { sql: "SELECT * FROM 'a'", actions: actions as Action[] },
      disabled: false,
      created: 0,
    },
    context,
  );

const member = fc.constantFrom(
  ...[
    'cloudwatchLogs',
    'dynamoDB',
    'dynamoDBv2',
    'lambda',
    'republish',
    's3',
    'sns',
    'sqs',
    'firehose',
    '__proto__',
  ],
);
const name = fc.constantFrom(
  ...[
    'roleArn',
    'topic',
    'qos',
    'headers',
    'functionArn',
    'bucketName',
    'key',
    'queueUrl',
    'putItem',
    'tableName',
  ],
);
const value = fc.oneof(
  fc.jsonValue(),
  fc.string(),
  fc.constantFrom('${', '${topic(', '${x}', "${'", '$${topic()}', 0, 1, null),
);

test('whatever an action is, it is compiled or refused as AWS IoT refuses', () => {
  const action = fc.dictionary(member, fc.oneof(fc.dictionary(name, value), value), { maxKeys: 2 });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 2 }), (actions) => {
      try {
        compile(actions);
      } catch (error) {
        const isRefusal = error instanceof AwsError || (error instanceof Error && '$fault' in error);
        if (!isRefusal) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test('parameters that are not built are refused by name', () => {
  expect(() => compile([{ lambda: { functionArn: 'f', qualifier: 'x' } }])).toThrow(
    'qualifier of the action lambda',
  );
  const dynamo = { roleArn: 'r', tableName: 't', hashKeyField: 'h', hashKeyValue: 'v' };
  expect(() => compile([{ dynamoDB: { ...dynamo, operation: 'DELETE' } }])).toThrow('only INSERT is built');
  expect(() => compile([{ republish: { roleArn: 'r', topic: 't', qos: 2 } }])).toThrow('republish.qos');
});

test('the roles of a rule are those of its actions, and those that its SQL names', () => {
  const role = (which: string) => `arn:aws:iam::123456789012:role/${which}`;
  expect(
    namedRoles({
      sql: `SELECT get_thing_shadow('t', '${role('path/in-sql')}') AS a, '${role('in-sql@x')}' FROM 'a'`,
      actions: [{ s3: { roleArn: role('a') } }, { republish: { roleArn: role('b'), topic: role('no') } }],
      errorAction: { sqs: { roleArn: role('a') } },
    }),
  ).toEqual([role('path/in-sql'), role('in-sql@x'), role('a'), role('b')]);
  fc.assert(fc.property(fc.jsonValue(), (payload) => Array.isArray(namedRoles(payload))));
});

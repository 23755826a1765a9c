import {
  type Action,
  CreateTopicRuleCommand,
  DeleteTopicRuleCommand,
  DisableTopicRuleCommand,
  EnableTopicRuleCommand,
  GetTopicRuleCommand,
  IoTClient,
  ListTagsForResourceCommand,
  ListTopicRulesCommand,
  paginateListTopicRules,
  ReplaceTopicRuleCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-iot';
import { expect, test } from 'vitest';
import { resources } from '../../support/resources.js';
import { roleSession } from '../../support/role-session.js';
import { arn, makeRole, ROLE, republish, rulesCloud } from './support.js';

const { cloud, iot, rule } = await rulesCloud();
const sql = "SELECT * FROM 'a/+'";
const name = (error: unknown) => (error instanceof Error ? error.name : undefined);

/** The error that a call ends with. */
async function refusal(call: Promise<unknown>): Promise<Error> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new TypeError('The call was not refused');
}

const create = (ruleName: string, topicRulePayload: { sql: string; actions: Action[] } & object) =>
  iot.send(new CreateTopicRuleCommand({ ruleName, topicRulePayload }));

test('a rule is made, read, replaced, disabled, enabled and deleted', async () => {
  await iot.send(
    new CreateTopicRuleCommand({
      ruleName: 'life',
      topicRulePayload: { sql, description: 'd', actions: [republish('b')], errorAction: republish('e') },
      tags: 'team=blue&empty=',
    }),
  );
  const { rule: made, ruleArn } = await iot.send(new GetTopicRuleCommand({ ruleName: 'life' }));
  expect(ruleArn).toBe(arn('rule/life'));
  expect(made).toEqual({
    ruleName: 'life',
    sql,
    description: 'd',
    actions: [{ republish: { topic: 'b', roleArn: ROLE } }],
    errorAction: { republish: { topic: 'e', roleArn: ROLE } },
    awsIotSqlVersion: '2015-10-08',
    ruleDisabled: false,
    createdAt: expect.any(Date),
  });

  await iot.send(new DisableTopicRuleCommand({ ruleName: 'life' }));
  expect((await iot.send(new GetTopicRuleCommand({ ruleName: 'life' }))).rule?.ruleDisabled).toBe(true);
  await iot.send(new EnableTopicRuleCommand({ ruleName: 'life' }));
  await iot.send(
    new ReplaceTopicRuleCommand({
      ruleName: 'life',
      topicRulePayload: { sql: "SELECT x FROM 'c'", actions: [], awsIotSqlVersion: '2016-03-23' },
    }),
  );
  expect((await iot.send(new GetTopicRuleCommand({ ruleName: 'life' }))).rule).toEqual({
    ruleName: 'life',
    sql: "SELECT x FROM 'c'",
    actions: [],
    awsIotSqlVersion: '2016-03-23',
    ruleDisabled: false,
    createdAt: made?.createdAt,
  });

  const resourceArn = arn('rule/life');
  await iot.send(new TagResourceCommand({ resourceArn, tags: [{ Key: 'more', Value: '1' }] }));
  await iot.send(new UntagResourceCommand({ resourceArn, tagKeys: ['empty'] }));
  expect((await iot.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
    { Key: 'team', Value: 'blue' },
    { Key: 'more', Value: '1' },
  ]);

  await iot.send(new DeleteTopicRuleCommand({ ruleName: 'life' }));
  for (const gone of [
    new GetTopicRuleCommand({ ruleName: 'life' }),
    new DeleteTopicRuleCommand({ ruleName: 'life' }),
    new EnableTopicRuleCommand({ ruleName: 'life' }),
    new ReplaceTopicRuleCommand({ ruleName: 'life', topicRulePayload: { sql, actions: [] } }),
  ]) {
    const error = await refusal(iot.send(gone as GetTopicRuleCommand));
    expect(error).toMatchObject({
      name: 'UnauthorizedException',
      message: "Access to topic rule 'life' was denied",
      $metadata: { httpStatusCode: 401 },
    });
  }
  expect(name(await refusal(iot.send(new ListTagsForResourceCommand({ resourceArn }))))).toBe(
    'ResourceNotFoundException',
  );
});

test('rules are listed in pages, by topic and by whether they are disabled', async () => {
  await rule('list_a', "SELECT * FROM 'list/+/x'", []);
  await rule('list_b', "SELECT * FROM 'list/#'", [], { ruleDisabled: true });
  await rule('list_c', "SELECT * FROM 'other'", []);
  const named = async (input: object) => {
    const names: (string | undefined)[] = [];
    for await (const page of paginateListTopicRules({ client: iot, pageSize: 1 }, input)) {
      expect(page.rules?.length).toBeLessThanOrEqual(1);
      names.push(...(page.rules ?? []).map(({ ruleName }) => ruleName));
    }
    return names.filter((one) => one?.startsWith('list_'));
  };
  expect(await named({})).toEqual(['list_a', 'list_b', 'list_c']);
  expect(await named({ topic: 'list/1/x' })).toEqual(['list_a', 'list_b']);
  expect(await named({ topic: 'list/+/x' })).toContain('list_a');
  expect(await named({ topic: 'list/1/x', ruleDisabled: true })).toEqual(['list_b']);
  const { rules } = await iot.send(new ListTopicRulesCommand({ topic: 'other' }));
  expect(rules).toEqual([
    {
      ruleArn: arn('rule/list_c'),
      ruleName: 'list_c',
      topicPattern: 'other',
      createdAt: expect.any(Date),
      ruleDisabled: false,
    },
  ]);
});

test('what is wrong with a rule is said in the words of AWS IoT', async () => {
  expect(await refusal(create('no-hyphen', { sql, actions: [] }))).toMatchObject({
    name: 'InvalidRequestException',
  });
  expect(name(await refusal(create('bad', { sql: 'SELEKT 1', actions: [] })))).toBe('SqlParseException');
  expect(name(await refusal(create('bad', { sql: "SELECT * FROM 'a/#/b'", actions: [] })))).toBe(
    'SqlParseException',
  );
  expect(name(await refusal(create('bad', { sql: "SELECT * FROM '$aws/rules/x'", actions: [] })))).toBe(
    'SqlParseException',
  );
  const eleven = Array.from({ length: 11 }, () => republish('b'));
  expect(name(await refusal(create('bad', { sql, actions: eleven })))).toBe('InvalidRequestException');
  expect(
    await refusal(create('bad', { sql, actions: [{ republish: { topic: 'b', roleArn: `${ROLE}x` } }] })),
  ).toMatchObject({
    name: 'InvalidRequestException',
    message: expect.stringContaining(`unable to assume role (sts:AssumeRole) on resource: ${ROLE}x`),
  });
  const both = { ...republish('b'), cloudwatchLogs: { logGroupName: 'g', roleArn: ROLE } };
  expect(name(await refusal(create('bad', { sql, actions: [both] as never })))).toBe(
    'InvalidRequestException',
  );
  await rule('twice', sql, []);
  expect(await refusal(rule('twice', sql, []))).toMatchObject({
    name: 'ResourceAlreadyExistsException',
    resourceArn: arn('rule/twice'),
  });
  expect(name(await refusal(iot.send(new GetTopicRuleCommand({ ruleName: 'bad' }))))).toBe(
    'UnauthorizedException',
  );
});

test('a role that does not trust AWS IoT is refused, also for a rule that is disabled', async () => {
  await makeRole(cloud, 'untrusting', [], 'lambda.amazonaws.com');
  const actions = [{ republish: { topic: 'b', roleArn: 'arn:aws:iam::000000000000:role/untrusting' } }];
  expect(await refusal(rule('distrust', sql, actions, { ruleDisabled: true }))).toMatchObject({
    name: 'InvalidRequestException',
  });
});

test('actions that are not built are refused by name', async () => {
  for (const [action, member] of [
    [{ firehose: { roleArn: ROLE, deliveryStreamName: 's' } }, 'firehose'],
    [{ kinesis: { roleArn: ROLE, streamName: 's', partitionKey: 'k' } }, 'kinesis'],
    [{ http: { url: 'https://example.com' } }, 'http'],
    [
      {
        cloudwatchMetric: {
          roleArn: ROLE,
          metricNamespace: 'n',
          metricName: 'm',
          metricValue: '1',
          metricUnit: 'None',
        },
      },
      'cloudwatchMetric',
    ],
  ] as const) {
    for (const payload of [{ actions: [action] }, { actions: [], errorAction: action }]) {
      expect(await refusal(create('unbuilt', { sql, ...(payload as { actions: Action[] }) }))).toMatchObject({
        name: 'NotImplementedException',
        message: expect.stringContaining(`The action ${member} `),
      });
    }
  }
});

test('a role may make rules that its policy names, and only with roles that it may pass', async () => {
  const session = await roleSession(cloud, 'maker', [
    { Effect: 'Allow', Action: 'iot:CreateTopicRule', Resource: arn('rule/own_*') },
    {
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: ROLE,
      Condition: { StringEquals: { 'iam:PassedToService': 'iot.amazonaws.com' } },
    },
  ]);
  await makeRole(cloud, 'others', []);
  const own = new IoTClient(session);
  const make = (ruleName: string, role: string) =>
    own.send(
      new CreateTopicRuleCommand({
        ruleName,
        topicRulePayload: {
          sql,
          actions: [],
          errorAction: { republish: { topic: 'b', roleArn: `arn:aws:iam::000000000000:role/${role}` } },
        },
      }),
    );
  await make('own_1', 'rules');
  expect((await refusal(make('own_2', 'others'))).message).toContain('iam:PassRole');
  expect(name(await refusal(make('foreign', 'rules')))).toBe('UnauthorizedException');
});

test('Cloud Control makes, reads, updates and deletes AWS::IoT::TopicRule', async () => {
  const type = 'AWS::IoT::TopicRule';
  const control = resources(cloud);
  const payload = {
    Sql: "SELECT * FROM 'cc'",
    AwsIotSqlVersion: '2016-03-23',
    Actions: [
      {
        Republish: {
          Topic: 'b',
          RoleArn: ROLE,
          Qos: 1,
          Headers: { ContentType: 'x', UserProperties: [{ Key: 'k', Value: 'v' }] },
        },
      },
    ],
    ErrorAction: { CloudwatchLogs: { LogGroupName: 'g', RoleArn: ROLE, BatchMode: true } },
  };
  const identifier = await control.create(type, {
    TopicRulePayload: payload,
    Tags: [{ Key: 'a', Value: 'b' }],
  });
  expect(identifier).toMatch(/^[a-zA-Z0-9_]+$/);
  expect(await control.read(type, identifier)).toEqual({
    RuleName: identifier,
    Arn: arn(`rule/${identifier}`),
    TopicRulePayload: { ...payload, RuleDisabled: false },
    Tags: [{ Key: 'a', Value: 'b' }],
  });
  expect((await iot.send(new GetTopicRuleCommand({ ruleName: identifier }))).rule).toMatchObject({
    actions: [{ republish: { topic: 'b', qos: 1, headers: { userProperties: [{ key: 'k', value: 'v' }] } } }],
  });
  await control.update(type, identifier, [
    { op: 'replace', path: '/TopicRulePayload/RuleDisabled', value: true },
    { op: 'replace', path: '/Tags', value: [{ Key: 'c', Value: 'd' }] },
  ]);
  expect(await control.read(type, identifier)).toMatchObject({
    TopicRulePayload: { RuleDisabled: true, Sql: "SELECT * FROM 'cc'" },
    Tags: [{ Key: 'c', Value: 'd' }],
  });
  await expect(
    control.create(type, { RuleName: identifier, TopicRulePayload: payload }),
  ).rejects.toMatchObject({ name: 'AlreadyExists' });
  await expect(
    control.create(type, { RuleName: 'cc_bad', TopicRulePayload: { ...payload, Sql: 'nothing' } }),
  ).rejects.toThrow();
  const unbuilt = { ...payload, Actions: [{ Firehose: { RoleArn: ROLE, DeliveryStreamName: 's' } }] };
  await expect(control.create(type, { TopicRulePayload: unbuilt })).rejects.toMatchObject({
    name: 'InvalidRequest',
    message: expect.stringContaining('The action firehose '),
  });
  await control.delete(type, identifier);
  await expect(control.read(type, identifier)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(control.delete(type, identifier)).rejects.toMatchObject({ name: 'NotFound' });
});

import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateTableCommand, DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateThingCommand } from '@aws-sdk/client-iot';
import {
  GetThingShadowCommand,
  IoTDataPlaneClient,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  LambdaClient,
  RemovePermissionCommand,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { strToU8, zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { arn, makeRole, ROLE, republish, rulesCloud } from './support.js';

const { cloud, iot, rule, client, listen, config, logged } = await rulesCloud();
const device = await client('device-1');
const send = (topic: string, body: unknown) =>
  device.publishAsync(topic, typeof body === 'string' ? body : JSON.stringify(body), { qos: 1 });
const logs = new CloudWatchLogsClient(config);
const s3 = new S3Client({ ...config, forcePathStyle: true });

async function eventsOf(logGroupName: string): Promise<string[]> {
  try {
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
    return events.map(({ message = '' }) => message.trim());
  } catch {
    return [];
  }
}

test('republish sends the properties of MQTT 5 that the rule says', async () => {
  const listener = await client('properties');
  const packet = new Promise((resolve) => listener.once('message', (_topic, _payload, got) => resolve(got)));
  await listener.subscribeAsync('properties/out', { qos: 1 });
  await rule('properties', "SELECT * FROM 'properties/in'", [
    republish('properties/out', {
      qos: 1,
      headers: {
        payloadFormatIndicator: 'UTF8_DATA',
        contentType: 'application/json',
        responseTopic: 'answer/${topic(1)}',
        correlationData: Buffer.from('c').toString('base64'),
        messageExpiry: '60',
        userProperties: [{ key: 'from', value: '${clientid()}' }],
      },
    }),
  ]);
  await send('properties/in', {});
  expect(await packet).toMatchObject({
    qos: 1,
    properties: {
      payloadFormatIndicator: true,
      contentType: 'application/json',
      responseTopic: 'answer/properties',
      correlationData: Buffer.from('c'),
      messageExpiryInterval: expect.any(Number),
      userProperties: { from: 'device-1' },
    },
  });
});

test('republish reaches shadows and other rules by $$aws, and jobs not', async () => {
  const received = await listen('reserved', 'reserved/out/#', 'reserved/errors');
  await iot.send(new CreateThingCommand({ thingName: 'valve' }));
  await rule('to_shadow', "SELECT state FROM 'reserved/shadow'", [
    republish('$$aws/things/valve/shadow/update'),
  ]);
  await rule(
    'documents',
    "SELECT current.state.reported.open AS open FROM '$aws/things/valve/shadow/update/documents'",
    [republish('reserved/out/shadow')],
  );
  await send('reserved/shadow', { state: { reported: { open: true } } });
  expect(await received.next()).toEqual({ topic: 'reserved/out/shadow', body: { open: true } });
  const { payload } = await new IoTDataPlaneClient(config).send(
    new GetThingShadowCommand({ thingName: 'valve' }),
  );
  expect(JSON.parse(Buffer.from(payload ?? []).toString())).toMatchObject({
    state: { reported: { open: true } },
  });

  await rule('target', 'SELECT *', [republish('reserved/out/${topic()}')]);
  await rule('to_rule', "SELECT * FROM 'reserved/rule'", [republish('$$aws/rules/target/ingested')]);
  await send('reserved/rule', {});
  expect((await received.next()).topic).toBe('reserved/out/ingested');

  for (const [index, topic] of [
    '$$aws/things/valve/jobs/get',
    '$$aws/events/x',
    '$aws/things/valve/shadow/get',
  ].entries()) {
    const errorAction = republish('reserved/errors');
    await rule(`refused_${index}`, `SELECT * FROM 'reserved/refused/${index}'`, [republish(topic)], {
      errorAction,
    });
    await send(`reserved/refused/${index}`, {});
    expect(await received.next()).toMatchObject({
      body: { failures: [{ failedAction: 'RepublishAction' }] },
    });
  }
});

test('s3 writes an object named by a template; what fails goes to the error action', async () => {
  const received = await listen('s3', 's3/errors');
  await s3.send(new CreateBucketCommand({ Bucket: 'messages' }));
  const to = (bucketName: string, more: object = {}) => ({
    s3: { bucketName, key: '${topic(2)}/${n}.json', roleArn: ROLE, ...more },
  });
  const errorAction = republish('s3/errors');
  await rule('s3', "SELECT n FROM 's3/+'", [to('messages', { cannedAcl: 'private' })], { errorAction });
  await send('s3/dev', { n: 7, more: true });
  const body = async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'messages', Key: 'dev/7.json' }));
    return Body?.transformToString();
  };
  await expect.poll(() => body().catch(() => undefined)).toBe('{"n":7}');

  await rule('s3_missing', "SELECT * FROM 'missing/+'", [to('nowhere'), to('nothing')], { errorAction });
  await send('missing/dev', { n: 1 });
  const failure = (failedResource: string) => ({
    failedAction: 'S3Action',
    failedResource,
    errorMessage: expect.stringMatching(
      /^Failed to put S3 object\. The error received was The specified bucket does not exist .*Error Code: NoSuchBucket.*Message arrived on: missing\/dev, Action: s3, Bucket: \w+, Key: "dev\/1\.json"$/,
    ),
  });
  expect((await received.next()).body).toEqual({
    ruleName: 's3_missing',
    topic: 'missing/dev',
    cloudwatchTraceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    clientId: 'device-1',
    sourceIp: '127.0.0.1',
    base64OriginalPayload: Buffer.from('{"n":1}').toString('base64'),
    failures: [failure('nowhere'), failure('nothing')],
  });
});

test('a role that may not do it, or does not trust AWS IoT any more, is a failure; a failing error action is logged', async () => {
  const received = await listen('policy', 'policy/errors');
  await makeRole(cloud, 'narrow', [
    { Effect: 'Allow', Action: 'iot:Publish', Resource: arn('topic/policy/allowed') },
    { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::other/*' },
  ]);
  const roleArn = 'arn:aws:iam::000000000000:role/narrow';
  await rule(
    'policy',
    "SELECT * FROM 'policy/in'",
    [
      { republish: { topic: 'policy/forbidden', roleArn } },
      { s3: { bucketName: 'messages', key: 'k', roleArn } },
      { cloudwatchLogs: { logGroupName: 'g', roleArn } },
      { republish: { topic: 'policy/allowed', roleArn } },
    ],
    { errorAction: republish('policy/errors') },
  );
  await send('policy/in', {});
  const { body } = await received.next();
  expect(body).toMatchObject({
    failures: [
      { failedAction: 'RepublishAction', errorMessage: expect.stringContaining('iot:Publish on resource') },
      { failedAction: 'S3Action', errorMessage: expect.stringContaining('s3:PutObject') },
      { failedAction: 'CloudwatchLogsAction', errorMessage: expect.stringContaining('logs:CreateLogStream') },
    ],
  });
  logged.length = 0;
  await rule('policy_twice', "SELECT * FROM 'policy/twice'", [{ republish: { topic: 'x', roleArn } }], {
    errorAction: { republish: { topic: 'y', roleArn } },
  });
  await send('policy/twice', {});
  await expect
    .poll(() => logged.map(({ fields }) => [fields.rule, fields.resource]))
    .toEqual([
      ['policy_twice', 'x'],
      ['policy_twice', 'y'],
    ]);
});

test('cloudwatchLogs writes events, one for a message or as many as a batch has', async () => {
  const received = await listen('logs', 'logs/errors');
  await logs.send(new CreateLogGroupCommand({ logGroupName: 'devices' }));
  const to = (logGroupName: string, batchMode: boolean) => ({
    cloudwatchLogs: { logGroupName, roleArn: ROLE, batchMode },
  });
  const errorAction = republish('logs/errors');
  await rule('logs_single', "SELECT * FROM 'logs/single'", [to('devices', false)], { errorAction });
  await rule('logs_batch', "SELECT * FROM 'logs/batch'", [to('devices', true)], { errorAction });
  await rule('logs_missing', "SELECT * FROM 'logs/missing'", [to('none', false)], { errorAction });
  await send('logs/single', { text: 'one' });
  const timestamp = Date.now();
  await send('logs/batch', [
    { timestamp, message: 'two' },
    { timestamp: timestamp + 1, message: 'three' },
  ]);
  await expect
    .poll(async () => (await eventsOf('devices')).sort())
    .toEqual(['three', 'two', '{"text":"one"}']);
  for (const [topic, message] of [
    ['logs/batch', 'batchMode'],
    ['logs/missing', 'The specified log group does not exist.'],
  ] as const) {
    await send(topic, { no: 'batch' });
    expect((await received.next()).body).toMatchObject({
      failures: [{ failedAction: 'CloudwatchLogsAction', errorMessage: expect.stringContaining(message) }],
    });
  }
});

test('lambda invokes a function asynchronously, if its resource policy lets this rule', async () => {
  const received = await listen('lambda', 'lambda/errors');
  await makeRole(
    cloud,
    'runner',
    [{ Effect: 'Allow', Action: 'logs:*', Resource: '*' }],
    'lambda.amazonaws.com',
  );
  const lambda = new LambdaClient(config);
  const { FunctionArn: functionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'taker',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/runner',
      Code: {
        ZipFile: zipSync({
          'index.js': strToU8(
            'exports.handler = async (event) => console.log("took", JSON.stringify(event));',
          ),
        }),
      },
    }),
  );
  const permission = { FunctionName: 'taker', StatementId: 'iot' };
  await lambda.send(
    new AddPermissionCommand({
      ...permission,
      Action: 'lambda:InvokeFunction',
      Principal: 'iot.amazonaws.com',
      SourceArn: arn('rule/lambda'),
    }),
  );
  const errorAction = republish('lambda/errors');
  await rule('lambda', "SELECT csr, topic(2) AS thing FROM 'lambda/+/csr'", [{ lambda: { functionArn } }], {
    errorAction,
  });
  await rule('lambda_other', "SELECT * FROM 'lambda/other'", [{ lambda: { functionArn } }], { errorAction });
  await send('lambda/serial-1/csr', { csr: 'pem', ignored: true });
  await expect
    .poll(async () => (await eventsOf('/aws/lambda/taker')).find((line) => line.includes('took')), {
      timeout: 10_000,
    })
    .toMatch(/took \{"csr":"pem","thing":"serial-1"\}$/);
  await send('lambda/other', {});
  expect((await received.next()).body).toMatchObject({
    ruleName: 'lambda_other',
    failures: [
      {
        failedAction: 'LambdaAction',
        failedResource: functionArn,
        errorMessage: expect.stringContaining('AccessDenied'),
      },
    ],
  });
  await lambda.send(new RemovePermissionCommand(permission));
  await send('lambda/serial-1/csr', {});
  expect((await received.next()).body).toMatchObject({
    ruleName: 'lambda',
    failures: [{ failedAction: 'LambdaAction' }],
  });
});

const sqs = new SQSClient(config);

async function queue(QueueName: string) {
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return {
    url,
    arn: Attributes?.QueueArn ?? '',
    async next(): Promise<string | undefined> {
      const input = { QueueUrl: url, WaitTimeSeconds: 10 };
      return (await sqs.send(new ReceiveMessageCommand(input))).Messages?.[0]?.Body;
    },
  };
}

test('sqs sends to a queue, in base64 where the rule says so, if the role may', async () => {
  const received = await listen('sqs', 'sqs/errors');
  const errorAction = republish('sqs/errors');
  const to = (queueUrl: string, more: object = {}) => ({
    sqs: { queueUrl, roleArn: ROLE, useBase64: false, ...more },
  });
  const plain = await queue('plain');
  const encoded = await queue('encoded');
  await rule('sqs', "SELECT n FROM 'sqs/in'", [to(plain.url), to(encoded.url, { useBase64: true })], {
    errorAction,
  });
  await send('sqs/in', { n: 1, other: 2 });
  expect(await plain.next()).toBe('{"n":1}');
  expect(await encoded.next()).toBe(Buffer.from('{"n":1}').toString('base64'));

  await makeRole(cloud, 'one-queue', [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: encoded.arn }]);
  const roleArn = 'arn:aws:iam::000000000000:role/one-queue';
  await rule(
    'sqs_refused',
    "SELECT * FROM 'sqs/refused'",
    [to(plain.url, { roleArn }), to(`${plain.url}x`)],
    {
      errorAction,
    },
  );
  await send('sqs/refused', {});
  expect((await received.next()).body).toMatchObject({
    failures: [
      {
        failedAction: 'SqsAction',
        failedResource: plain.url,
        errorMessage: expect.stringContaining('sqs:SendMessage'),
      },
      { failedAction: 'SqsAction', errorMessage: expect.stringContaining('QueueDoesNotExist') },
    ],
  });
});

test('sns publishes to a topic, with the format JSON a message for each protocol', async () => {
  const received = await listen('sns', 'sns/errors');
  const { TopicArn: targetArn = '' } = await new SNSClient(config).send(
    new CreateTopicCommand({ Name: 'alarms' }),
  );
  const subscriber = await queue('alarms');
  await sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: subscriber.url,
      Attributes: {
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 'sns.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: subscriber.arn,
              Condition: { ArnEquals: { 'aws:SourceArn': targetArn } },
            },
          ],
        }),
      },
    }),
  );
  const raw = { RawMessageDelivery: 'true' };
  await new SNSClient(config).send(
    new SubscribeCommand({ TopicArn: targetArn, Protocol: 'sqs', Endpoint: subscriber.arn, Attributes: raw }),
  );
  const to = (messageFormat: 'RAW' | 'JSON', arnOfTopic = targetArn) => ({
    sns: { targetArn: arnOfTopic, roleArn: ROLE, messageFormat },
  });
  const errorAction = republish('sns/errors');
  await rule('sns_raw', "SELECT * FROM 'sns/raw'", [to('RAW')], { errorAction });
  await rule('sns_json', "SELECT * FROM 'sns/json'", [to('JSON')], { errorAction });
  await rule('sns_missing', "SELECT * FROM 'sns/missing'", [to('RAW', `${targetArn}x`)], { errorAction });
  await send('sns/raw', { hot: true });
  expect(await subscriber.next()).toBe('{"hot":true}');
  await send('sns/json', { default: 'for all', sqs: 'for queues' });
  expect(await subscriber.next()).toBe('for queues');
  for (const [topic, name] of [
    ['sns/json', 'sns_json'],
    ['sns/missing', 'sns_missing'],
  ] as const) {
    await send(topic, { no: 'default' });
    expect((await received.next()).body).toMatchObject({
      ruleName: name,
      failures: [{ failedAction: 'SnsAction' }],
    });
  }
});

test('the SQL of a rule asks functions and shadows, as far as policies let it', async () => {
  const received = await listen('asks', 'asks/out/#');
  await iot.send(new CreateThingCommand({ thingName: 'heater' }));
  await new IoTDataPlaneClient(config).send(
    new UpdateThingShadowCommand({
      thingName: 'heater',
      payload: JSON.stringify({ state: { desired: { level: 3 } } }),
    }),
  );
  const level = (role: string) => `get_thing_shadow(topic(2), '${role}').state.desired.level AS level`;
  await rule('asks_shadow', `SELECT ${level(ROLE)} FROM 'asks/+/level'`, [republish('asks/out/shadow')]);
  await send('asks/heater/level', {});
  expect(await received.next()).toEqual({ topic: 'asks/out/shadow', body: { level: 3 } });

  await makeRole(cloud, 'blind', [{ Effect: 'Allow', Action: 'iot:Publish', Resource: '*' }]);
  logged.length = 0;
  await rule('asks_blind', `SELECT ${level(ROLE.replace(/rules$/, 'blind'))} FROM 'asks/blind'`, [
    republish('asks/out/blind'),
  ]);
  await send('asks/blind', {});
  await expect
    .poll(() => logged.find(({ fields }) => fields.rule === 'asks_blind')?.message)
    .toBe('The SQL of a rule failed');
  await expect(rule('asks_nobody', `SELECT ${level(`${ROLE}-gone`)} FROM 'a'`, [])).rejects.toMatchObject({
    name: 'InvalidRequestException',
  });

  const lambda = new LambdaClient(config);
  const { FunctionArn = '' } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'doubler',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/runner',
      Code: {
        ZipFile: zipSync({ 'index.js': strToU8('exports.handler = async ({ n }) => ({ n: n * 2 });') }),
      },
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: 'doubler',
      StatementId: 'iot',
      Action: 'lambda:InvokeFunction',
      Principal: 'iot.amazonaws.com',
      SourceArn: arn('rule/asks_function'),
    }),
  );
  await rule('asks_function', `SELECT aws_lambda('${FunctionArn}', *).n AS n FROM 'asks/function'`, [
    republish('asks/out/function', { qos: 1 }),
  ]);
  await send('asks/function', { n: 21 });
  expect(await received.next()).toEqual({ topic: 'asks/out/function', body: { n: 42 } });
});

test('dynamoDBv2 puts an attribute for each member, dynamoDB all of them into one', async () => {
  const received = await listen('dynamo', 'dynamo/errors');
  const dynamo = new DynamoDBClient(config);
  for (const TableName of ['readings', 'payloads']) {
    await dynamo.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [
          { AttributeName: 'device', AttributeType: 'S' },
          { AttributeName: 'at', AttributeType: 'N' },
        ],
        KeySchema: [
          { AttributeName: 'device', KeyType: 'HASH' },
          { AttributeName: 'at', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
  }
  const errorAction = republish('dynamo/errors');
  const v2 = { dynamoDBv2: { roleArn: ROLE, putItem: { tableName: 'readings' } } };
  await rule('dynamo_v2', "SELECT *, topic(2) AS device FROM 'dynamo/+/v2'", [v2], { errorAction });
  const Key = { device: { S: 'dev' }, at: { N: '7' } };
  const item = async (TableName: string) => (await dynamo.send(new GetItemCommand({ TableName, Key }))).Item;
  await send('dynamo/dev/v2', { at: 7, on: true, none: null, list: [1, 'a'], nested: { x: 1.5 } });
  await expect
    .poll(() => item('readings'))
    .toEqual({
      ...Key,
      on: { BOOL: true },
      none: { NULL: true },
      list: { L: [{ N: '1' }, { S: 'a' }] },
      nested: { M: { x: { N: '1.5' } } },
    });

  const v1 = {
    dynamoDB: {
      roleArn: ROLE,
      tableName: 'payloads',
      hashKeyField: 'device',
      hashKeyValue: '${topic(2)}',
      rangeKeyField: 'at',
      rangeKeyValue: '${at}',
      rangeKeyType: 'NUMBER' as const,
      payloadField: 'reading',
    },
  };
  await rule('dynamo_v1', "SELECT value FROM 'dynamo/+/v1'", [v1], { errorAction });
  await send('dynamo/dev/v1', { at: 7, value: 'v' });
  await expect.poll(() => item('payloads')).toEqual({ ...Key, reading: { M: { value: { S: 'v' } } } });

  await rule('dynamo_raw', "SELECT * FROM 'dynamo/raw'", [v2], { errorAction });
  for (const wrong of [{ device: 'dev', at: 'no number' }, ['no object'], 'no JSON']) {
    await send('dynamo/raw', wrong);
    expect((await received.next()).body).toMatchObject({
      ruleName: 'dynamo_raw',
      failures: [
        {
          failedAction: 'DynamoDBv2Action',
          failedResource: 'readings',
          errorMessage: expect.stringContaining('ValidationException'),
        },
      ],
    });
  }
  expect((await dynamo.send(new ScanCommand({ TableName: 'readings' }))).Count).toBe(1);
});

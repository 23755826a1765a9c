import { CreateTopicRuleCommand, IoTClient, ListTopicRulesCommand } from '@aws-sdk/client-iot';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { strToU8, zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/store/store.js';
import { atEnd } from '../../support/at-end.js';
import { clientConfig } from '../../support/cloud.js';
import { startCommand } from '../../support/command.js';
import { temporaryDirectory } from '../cloud.js';
import { ALLOW_ALL, connect, newIdentity } from '../fleet.js';
import { arn, makeRole, ROLE, republish, rulesCloud } from './support.js';

test('what was acknowledged is worked off by its rule, also when the process is killed right behind PUBACK', async () => {
  const directory = temporaryDirectory();
  atEnd(() => directory.remove());
  const start = async () => {
    const cloud = await startCommand(directory.path);
    const config = { ...clientConfig(cloud), maxAttempts: 1 };
    const s3 = new S3Client({ ...config, forcePathStyle: true });
    return { cloud: { ...cloud, stateDirectory: directory.path }, iot: new IoTClient(config), s3 };
  };
  const { cloud, iot, s3 } = await start();
  await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await makeRole(cloud, 'rules', [{ Effect: 'Allow', Action: 's3:PutObject', Resource: '*' }]);
  const put = { s3: { bucketName: 'kept', key: '${topic()}', roleArn: ROLE } };
  for (const [ruleName, sql] of [
    ['by_broker', "SELECT * FROM 'kept/+'"],
    ['by_ingest', 'SELECT *'],
  ] as const) {
    await iot.send(new CreateTopicRuleCommand({ ruleName, topicRulePayload: { sql, actions: [put] } }));
  }
  const device = await connect(cloud, await newIdentity(iot, 'all', ALLOW_ALL), 'device');
  atEnd(() => device.end(true));
  device.on('error', () => {});
  const numbers = Array.from({ length: 100 }, (_, n) => n);
  await Promise.all(
    numbers.map((n) =>
      device.publishAsync(n % 2 === 0 ? `kept/${n}` : `$aws/rules/by_ingest/kept/${n}`, '{}', { qos: 1 }),
    ),
  );
  await cloud.end('SIGKILL');

  const second = await start();
  expect((await second.iot.send(new ListTopicRulesCommand({}))).rules).toHaveLength(2);
  const keys = async () => {
    const { Contents = [] } = await second.s3.send(new ListObjectsV2Command({ Bucket: 'kept' }));
    return Contents.map(({ Key }) => Key).sort();
  };
  await expect.poll(keys).toEqual(numbers.map((n) => `kept/${n}`).sort());
  await second.cloud.end('SIGTERM');
});

test('a function that the SQL of a rule waits for does not keep the local cloud from closing; the message waits', async () => {
  const directory = temporaryDirectory();
  atEnd(() => directory.remove());
  const first = await rulesCloud({ stateDirectory: directory.path });
  const { config } = first;
  await makeRole(first.cloud, 'runner', [], 'lambda.amazonaws.com');
  const lambda = new LambdaClient(config);
  const codeOf = (source: string) =>
    zipSync({ 'index.js': strToU8(`exports.handler = async () => ${source};`) });
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'slow',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/runner',
      Timeout: 900,
      Code: { ZipFile: codeOf('new Promise(() => {})') },
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: 'slow',
      StatementId: 'iot',
      Action: 'lambda:InvokeFunction',
      Principal: 'iot.amazonaws.com',
      SourceArn: arn('rule/slow'),
    }),
  );
  await first.rule('slow', `SELECT aws_lambda('${FunctionArn}', *) AS answer FROM 'slow'`, [
    republish('fast'),
  ]);
  const device = await first.client('device');
  await device.publishAsync('slow', '{}', { qos: 1 });
  await first.cloud.close();

  const pending = openStore(directory.path);
  expect([...pending.table<{ ruleName: string }>('iot.pendingRuleRuns').entries()]).toMatchObject([
    [expect.any(String), { ruleName: 'slow' }],
  ]);
  await pending.close();
});

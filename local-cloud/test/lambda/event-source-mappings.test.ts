import { IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { beforeAll, expect, test, vi } from 'vitest';
import { failedItems } from '../../src/services/lambda/source-poller.js';
import { queue } from '../support/queues.js';
import { startLambda } from './support.js';

const cloud = await startLambda();
const sqs = new SQSClient(cloud.config);
const HANDLER = `exports.handler = async ({ Records }) => {
  for (const record of Records) console.log('record=' + JSON.stringify(record));
  const failed = Records.filter(({ body }) => body.startsWith('bad'));
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
};`;

const allow = (...Action: string[]) =>
  new IAMClient(cloud.config).send(
    new PutRolePolicyCommand({
      RoleName: 'function-role',
      PolicyName: 'receive',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
      }),
    }),
  );

beforeAll(() => allow('sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'));

const map = (FunctionName: string, EventSourceArn: string, more: object = {}) =>
  cloud.client.send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn, ...more }));

async function left(QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
}

test('a function handles the messages of a queue; those that it reports as failed stay', async () => {
  const { url, arn } = await queue(sqs, 'work');
  await cloud.create('worker', HANDLER);
  const created = await map('worker', arn, { FunctionResponseTypes: ['ReportBatchItemFailures'] });
  expect(created).toMatchObject({
    State: 'Enabled',
    BatchSize: 10,
    EventSourceArn: arn,
    FunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:worker',
  });
  const send = (MessageBody: string, more: object = {}) =>
    sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody, ...more }));
  const { MessageId, MD5OfMessageAttributes } = await send('good', {
    MessageAttributes: { n: { DataType: 'Number', StringValue: '1' } },
  });
  await send('bad');
  const lines = () => cloud.messages('worker').flatMap((line) => line.split('record=').slice(1));
  await vi.waitFor(() => expect(lines()).toHaveLength(2), 5000);
  const record = lines()
    .map((line) => JSON.parse(line))
    .find(({ body }) => body === 'good');
  expect(record).toEqual({
    messageId: MessageId,
    receiptHandle: expect.any(String),
    body: 'good',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: expect.stringMatching(/^\d{13}$/),
      SenderId: '000000000000',
      ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
    },
    messageAttributes: {
      n: { stringValue: '1', stringListValues: [], binaryListValues: [], dataType: 'Number' },
    },
    md5OfMessageAttributes: MD5OfMessageAttributes,
    md5OfBody: '755f85c2723bb39381c7379a604160d8',
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: 'eu-central-1',
  });
  await vi.waitFor(async () => expect(await left(url)).toBe(1));
  const { UUID } = created;
  await cloud.client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
  await send('unheard');
  expect(await left(url)).toBe(2);
  await cloud.client.send(new DeleteEventSourceMappingCommand({ UUID }));
  await expect(cloud.client.send(new GetEventSourceMappingCommand({ UUID }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('mappings are listed, and refused where Lambda refuses them', async () => {
  const { arn } = await queue(sqs, 'mapped');
  await cloud.create('mapped', HANDLER);
  await cloud.create('slow', HANDLER, { Timeout: 60 });
  const { UUID } = await map('mapped', arn, { Enabled: false });
  const { EventSourceMappings } = await cloud.client.send(
    new ListEventSourceMappingsCommand({ FunctionName: 'mapped' }),
  );
  expect(EventSourceMappings).toMatchObject([{ UUID, State: 'Disabled' }]);
  await expect(map('mapped', arn)).rejects.toMatchObject({ name: 'ResourceConflictException' });
  const invalid = { name: 'InvalidParameterValueException' };
  await expect(map('slow', arn)).rejects.toMatchObject({
    ...invalid,
    message: 'Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds',
  });
  await expect(map('mapped', `${arn}-not`)).rejects.toMatchObject(invalid);
  await expect(map('mapped', 'arn:aws:kinesis:eu-central-1:000000000000:stream/x')).rejects.toMatchObject(
    invalid,
  );
  await expect(map('slow', arn, { FilterCriteria: { Filters: [] } })).rejects.toThrow(/FilterCriteria/);
  await expect(map('slow', arn, { BatchSize: 11 })).rejects.toThrow(/batch window/);
  await allow('sqs:ReceiveMessage');
  await cloud.create('other', HANDLER);
  await expect(map('other', arn)).rejects.toThrow(
    'The provided execution role does not have permissions to call DeleteMessage on SQS',
  );
});

test('what a function answers names the messages that failed, or all of them did', () => {
  expect([failedItems('null'), failedItems('{}'), failedItems('{"batchItemFailures":[]}')]).toEqual([
    new Set(),
    new Set(),
    new Set(),
  ]);
  expect(failedItems('{"batchItemFailures":[{"itemIdentifier":"a"}]}')).toEqual(new Set(['a']));
  expect(failedItems('{"batchItemFailures":[{"itemIdentifier":""}]}')).toBe('all');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.json().map((text) => `{"batchItemFailures":${text}}`),
      ),
      (answer) => {
        const failed = failedItems(answer);
        expect(failed === 'all' || failed instanceof Set).toBe(true);
      },
    ),
  );
});

import * as sdk from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { queue } from '../support/queues.js';
import { roleSession } from '../support/role-session.js';

const clock = new ManualClock(Date.now());
const cloud = await startCloud({ clock });
const config = { ...clientConfig(cloud), maxAttempts: 1 };
const sqs = new sdk.SQSClient(config);
let count = 0;
let QueueUrl: string;
let arn: string;

beforeEach(async () => {
  count += 1;
  ({ url: QueueUrl, arn } = await queue(sqs, `queue-${count}`));
});

const send = (MessageBody: string, more: object = {}, to = QueueUrl) =>
  sqs.send(new sdk.SendMessageCommand({ QueueUrl: to, MessageBody, ...more }));
const receive = async (more: object = {}, from = QueueUrl) => {
  const { Messages = [] } = await sqs.send(new sdk.ReceiveMessageCommand({ QueueUrl: from, ...more }));
  return Messages;
};
const set = (Attributes: Record<string, string>, of = QueueUrl) =>
  sqs.send(new sdk.SetQueueAttributesCommand({ QueueUrl: of, Attributes }));
const attributes = async (...AttributeNames: sdk.QueueAttributeName[]) => {
  const { Attributes } = await sqs.send(new sdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
  return Attributes;
};

/** Lets time pass until something has come. */
async function passing<T>(coming: Promise<T>): Promise<T> {
  let hasCome = false;
  void coming.then(() => {
    hasCome = true;
  });
  await vi.waitFor(() => {
    if (!hasCome) clock.advance(5000);
    expect(hasCome).toBe(true);
  });
  return coming;
}

describe('messages', () => {
  test('are received with their attributes, in digests that the SDK checks', async () => {
    const MessageAttributes = {
      text: { DataType: 'String', StringValue: 'ä' },
      'number.of': { DataType: 'Number.int', StringValue: '42' },
      bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
    };
    const sent = await send('hello', { MessageAttributes });
    expect(sent.MD5OfMessageBody).toBe('5d41402abc4b2a76b9719d911017c592');
    const [message] = await receive({ MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'hello',
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      MessageAttributes,
      Attributes: {
        SenderId: '000000000000',
        SentTimestamp: String(clock.now()),
        ApproximateReceiveCount: '1',
        ApproximateFirstReceiveTimestamp: String(clock.now()),
      },
    });
    const chosen = { VisibilityTimeout: 0, MessageAttributeNames: ['number.*'] };
    clock.advance(30_000);
    expect((await receive(chosen))[0]?.MessageAttributes).toEqual({
      'number.of': MessageAttributes['number.of'],
    });
    const [plain] = await receive();
    expect(plain).not.toHaveProperty('MessageAttributes');
    expect(plain).not.toHaveProperty('Attributes');
  });

  test('have the digest of attributes that AWS computes', async () => {
    const timestamp = { DataType: 'Number', StringValue: '1493147359900' };
    const { MD5OfMessageAttributes } = await send('x', { MessageAttributes: { timestamp } });
    expect(MD5OfMessageAttributes).toBe('235c5c510d26fb653d073faed50ae77c');
  });

  test('are hidden while somebody works at them, and come again when they are not deleted', async () => {
    await send('work');
    const [first] = await receive();
    expect(await receive()).toEqual([]);
    expect(await attributes('ApproximateNumberOfMessagesNotVisible')).toEqual({
      ApproximateNumberOfMessagesNotVisible: '1',
    });
    clock.advance(30_000);
    const [second] = await receive({ AttributeNames: ['ApproximateReceiveCount'] });
    expect(second).toMatchObject({
      MessageId: first?.MessageId,
      Attributes: { ApproximateReceiveCount: '2' },
    });
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
    const ReceiptHandle = second?.ReceiptHandle;
    const change = (VisibilityTimeout: number) =>
      sqs.send(new sdk.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
    await change(0);
    await expect(change(10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
    expect(await receive()).toHaveLength(1);
    await sqs.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    await sqs.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    clock.advance(60_000);
    expect(await receive()).toEqual([]);
    await expect(
      sqs.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'nonsense' })),
    ).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
  });

  test('are waited for, for twenty seconds at most', async () => {
    const waiting = receive({ WaitTimeSeconds: 20 });
    await send('late');
    expect((await waiting)[0]?.Body).toBe('late');
    const inVain = receive({ WaitTimeSeconds: 20 });
    expect(await passing(inVain)).toEqual([]);
  });

  test('are delayed, and kept for a time', async () => {
    await set({ DelaySeconds: '10', MessageRetentionPeriod: '60' });
    await send('delayed');
    await send('at once', { DelaySeconds: 0 });
    expect((await receive({ MaxNumberOfMessages: 10 })).map(({ Body }) => Body)).toEqual(['at once']);
    expect(await attributes('ApproximateNumberOfMessagesDelayed')).toEqual({
      ApproximateNumberOfMessagesDelayed: '1',
    });
    const waiting = receive({ WaitTimeSeconds: 20 });
    expect((await passing(waiting))[0]?.Body).toBe('delayed');
    clock.advance(60_000);
    expect(await receive()).toEqual([]);
  });

  test('that were received too often go to the dead letter queue', async () => {
    const dead = await queue(sqs, `dead-${count}`);
    await set({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: '2' }) });
    const { MessageId } = await send('poison');
    for (let time = 0; time < 2; time += 1) {
      expect(await receive()).toHaveLength(1);
      clock.advance(30_000);
    }
    expect(await receive()).toEqual([]);
    expect(await receive({ MessageSystemAttributeNames: ['All'] }, dead.url)).toMatchObject([
      { MessageId, Attributes: { DeadLetterQueueSourceArn: arn, ApproximateReceiveCount: '1' } },
    ]);
    const { queueUrls } = await sqs.send(new sdk.ListDeadLetterSourceQueuesCommand({ QueueUrl: dead.url }));
    expect(queueUrls).toEqual([QueueUrl]);
    await set({ RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'denyAll' }) }, dead.url);
    await expect(
      set({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }) }),
    ).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
  });

  test('come and go in batches, in which each fails by itself', async () => {
    const { Successful, Failed } = await sqs.send(
      new sdk.SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: 'first' },
          { Id: 'b', MessageBody: 'bad \u0001' },
          { Id: 'c', MessageBody: 'third' },
        ],
      }),
    );
    expect(Successful?.map(({ Id }) => Id)).toEqual(['a', 'c']);
    expect(Failed).toMatchObject([{ Id: 'b', Code: 'InvalidMessageContents', SenderFault: true }]);
    const received = await receive({ MaxNumberOfMessages: 10 });
    expect(received.map(({ Body }) => Body)).toEqual(['first', 'third']);
    const Entries = received.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const hidden = await sqs.send(
      new sdk.ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: Entries.map((entry) => ({ ...entry, VisibilityTimeout: 5 })),
      }),
    );
    expect(hidden.Successful).toHaveLength(2);
    const deleted = await sqs.send(
      new sdk.DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [...Entries, { Id: 'x', ReceiptHandle: 'nonsense' }],
      }),
    );
    expect([deleted.Successful?.length, deleted.Failed?.[0]?.Code]).toEqual([2, 'ReceiptHandleIsInvalid']);
    const batch = (Entries: { Id: string; MessageBody: string }[]) =>
      sqs.send(new sdk.SendMessageBatchCommand({ QueueUrl, Entries }));
    await expect(batch([])).rejects.toMatchObject({ name: 'EmptyBatchRequest' });
    const twice = { Id: 'same', MessageBody: 'x' };
    await expect(batch([twice, twice])).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
    const eleven = Array.from({ length: 11 }, (_, index) => ({ Id: String(index), MessageBody: 'x' }));
    await expect(batch(eleven)).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
  });

  test('are refused where SQS refuses them', async () => {
    await set({ MaximumMessageSize: '1024' });
    await expect(send('x'.repeat(1025))).rejects.toThrow('Message must be shorter than 1024 bytes.');
    await expect(send('')).rejects.toMatchObject({ name: expect.stringMatching(/^MissingParameter/) });
    for (const MessageAttributes of [
      { 'aws.x': { DataType: 'String', StringValue: 'x' } },
      { x: { DataType: 'Text', StringValue: 'x' } },
      { x: { DataType: 'String', StringValue: '' } },
      { x: { DataType: 'Number', StringValue: 'many' } },
    ]) {
      await expect(send('x', { MessageAttributes })).rejects.toMatchObject({
        name: expect.stringMatching(/^InvalidParameterValue/),
      });
    }
    await expect(send('x', { MessageGroupId: 'g' })).rejects.toMatchObject({ name: 'UnsupportedOperation' });
    await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toThrow(/MaxNumberOfMessages is invalid/);
  });
});

describe('queues', () => {
  test('are made once, and described', async () => {
    const create = (Attributes: Record<string, string>) =>
      sqs.send(new sdk.CreateQueueCommand({ QueueName: `queue-${count}`, Attributes }));
    expect((await create({ VisibilityTimeout: '30' })).QueueUrl).toBe(QueueUrl);
    await expect(create({ VisibilityTimeout: '31' })).rejects.toMatchObject({ name: 'QueueNameExists' });
    expect(QueueUrl).toBe(`${cloud.endpointUrl}/000000000000/queue-${count}`);
    expect(await attributes('All')).toEqual({
      QueueArn: arn,
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
      ApproximateNumberOfMessagesDelayed: '0',
      CreatedTimestamp: String(Math.floor(clock.now() / 1000)),
      LastModifiedTimestamp: String(Math.floor(clock.now() / 1000)),
      VisibilityTimeout: '30',
      MaximumMessageSize: '1048576',
      MessageRetentionPeriod: '345600',
      DelaySeconds: '0',
      ReceiveMessageWaitTimeSeconds: '0',
      SqsManagedSseEnabled: 'true',
    });
    const { QueueUrl: url } = await sqs.send(new sdk.GetQueueUrlCommand({ QueueName: `queue-${count}` }));
    expect(url).toBe(QueueUrl);
  });

  test('are listed by page and prefix, and gone when they are deleted', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await queue(sqs, name);
    const list = (input: sdk.ListQueuesCommandInput) => sqs.send(new sdk.ListQueuesCommand(input));
    const first = await list({ QueueNamePrefix: 'page-', MaxResults: 2 });
    const { QueueUrls: rest } = await list({
      QueueNamePrefix: 'page-',
      MaxResults: 2,
      NextToken: first.NextToken,
    });
    expect([...(first.QueueUrls ?? []), ...(rest ?? [])].map((url) => url.split('/').at(-1))).toEqual([
      'page-a',
      'page-b',
      'page-c',
    ]);
    await send('left');
    await sqs.send(new sdk.DeleteQueueCommand({ QueueUrl }));
    await expect(receive()).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
    await queue(sqs, `queue-${count}`);
    expect(await receive()).toEqual([]);
  });

  test('have tags, and are purged once a minute', async () => {
    await sqs.send(new sdk.TagQueueCommand({ QueueUrl, Tags: { a: '1', b: '2' } }));
    await sqs.send(new sdk.UntagQueueCommand({ QueueUrl, TagKeys: ['a'] }));
    expect((await sqs.send(new sdk.ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ b: '2' });
    await send('rubbish');
    await sqs.send(new sdk.PurgeQueueCommand({ QueueUrl }));
    expect(await receive()).toEqual([]);
    await expect(sqs.send(new sdk.PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({
      name: 'PurgeQueueInProgress',
    });
  });

  test('refuse what is not built, by its name', async () => {
    const create = (QueueName: string, Attributes: Record<string, string> = {}) =>
      sqs.send(new sdk.CreateQueueCommand({ QueueName, Attributes }));
    for (const refused of [
      create('queue.fifo', { FifoQueue: 'true' }),
      create('fifo', { FifoQueue: 'true' }),
      create('kms', { KmsMasterKeyId: 'alias/x' }),
    ]) {
      await expect(refused).rejects.toMatchObject({ name: 'UnsupportedOperation' });
    }
    await expect(create('a b')).rejects.toThrow('Can only include alphanumeric characters');
    await expect(set({ Nonsense: '1' })).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await expect(set({ VisibilityTimeout: '43201' })).rejects.toMatchObject({
      name: 'InvalidAttributeValue',
    });
    await expect(set({ Policy: '{}' })).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
    await expect(sqs.send(new sdk.StartMessageMoveTaskCommand({ SourceArn: arn }))).rejects.toThrow(
      /StartMessageMoveTask of sqs is not built/,
    );
  });

  test('give their permissions to roles', async () => {
    const session = await roleSession(cloud, 'nobody', [
      { Effect: 'Allow', Action: 'sqs:ListQueues', Resource: '*' },
    ]);
    const other = new sdk.SQSClient(session);
    const attempt = () => other.send(new sdk.SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
    await expect(attempt()).rejects.toMatchObject({ name: expect.stringMatching(/^AccessDenied/) });
    const policy = (Effect: string, Action: string) => ({
      Effect,
      Principal: { AWS: 'arn:aws:iam::000000000000:role/nobody' },
      Action,
      Resource: arn,
    });
    const put = (...Statement: object[]) =>
      set({ Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
    await put(policy('Allow', 'sqs:SendMessage'));
    await attempt();
    await put(policy('Allow', 'sqs:*'), policy('Deny', 'sqs:SendMessage'));
    await expect(attempt()).rejects.toThrow('explicit deny in a resource-based policy');
    const label = { QueueUrl, Label: 'friends' };
    await sqs.send(
      new sdk.AddPermissionCommand({ ...label, AWSAccountIds: ['111122223333'], Actions: ['SendMessage'] }),
    );
    const { Policy = '' } = (await attributes('Policy')) ?? {};
    expect(JSON.parse(Policy).Statement.at(-1)).toEqual({
      Sid: 'friends',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: 'SQS:SendMessage',
      Resource: arn,
    });
    await sqs.send(new sdk.RemovePermissionCommand(label));
    await expect(sqs.send(new sdk.RemovePermissionCommand(label))).rejects.toThrow(/can't find label/);
  });
});

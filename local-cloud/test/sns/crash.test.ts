import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTopicCommand, PublishBatchCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { clientConfig } from '../support/cloud.js';
import { startCommand } from '../support/command.js';
import { queue } from '../support/queues.js';

test('what was published is delivered, although the process is killed right after', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sns-crash-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const first = await startCommand(directory);
  const sns = new SNSClient({ ...clientConfig(first), maxAttempts: 1 });
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'lasting' }));
  const { arn } = await queue(new SQSClient(clientConfig(first)), 'lasting', TopicArn);
  const subscription = {
    TopicArn,
    Protocol: 'sqs',
    Endpoint: arn,
    Attributes: { RawMessageDelivery: 'true' },
  };
  await sns.send(new SubscribeCommand(subscription));
  const wanted: string[] = [];
  const publish = async (batch: number) => {
    const messages = Array.from({ length: 10 }, (_, index) => `${batch}-${index}`);
    await sns.send(
      new PublishBatchCommand({
        TopicArn,
        PublishBatchRequestEntries: messages.map((Message) => ({ Id: Message, Message })),
      }),
    );
    wanted.push(...messages);
  };
  await Promise.all(Array.from({ length: 5 }, (_, batch) => publish(batch)));
  await first.end('SIGKILL');

  const second = await startCommand(directory);
  const sqs = new SQSClient(clientConfig(second));
  const { url: QueueUrl } = await queue(sqs, 'lasting');
  const got = new Set<string>();
  while (got.size < wanted.length) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 }),
    );
    if (Messages.length === 0) break;
    for (const { Body = '', ReceiptHandle } of Messages) {
      got.add(Body);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
  expect([...got].sort()).toEqual(wanted.sort());
});

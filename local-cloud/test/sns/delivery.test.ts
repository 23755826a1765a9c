import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';

const cloud = await startCloud();
const config = { ...clientConfig(cloud), maxAttempts: 1 };
const sns = new SNSClient(config);
const sqs = new SQSClient(config);
const _lambda = new LambdaClient(config);
const _iam = new IAMClient(config);

async function queue(name: string, from?: string): Promise<{ url: string; arn: string }> {
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  const arn = Attributes?.QueueArn ?? '';
  if (from !== undefined) {
    const Statement = [
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: arn,
        Condition: { ArnEquals: { 'aws:SourceArn': from } },
      },
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
  }
  return { url, arn };
}

async function receive(url: string) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] }),
  );
  return Messages[0];
}

test('what is published to a topic comes to a queue', async () => {
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'news' }));
  const { url, arn } = await queue('inbox', TopicArn);
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: arn }));
  await sns.send(new PublishCommand({ TopicArn, Message: 'hello' }));
  const message = await receive(url);
  expect(JSON.parse(message?.Body ?? '')).toMatchObject({ Type: 'Notification', TopicArn, Message: 'hello' });
});

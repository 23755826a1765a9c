import {
  CreateTopicCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { startLambda } from '../lambda/support.js';
import { queue, receive } from '../support/queues.js';

const cloud = await startLambda();
const sns = new SNSClient(cloud.config);
const sqs = new SQSClient(cloud.config);
const caller = { service: 'iot.amazonaws.com', sourceArn: 'arn:aws:iot:eu-central-1:000000000000:audit' };

const policy = (
  resource: string,
  Action: string,
  Condition: object,
  Principal: unknown = { Service: caller.service },
) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal, Action, Resource: resource, Condition }],
  });

test('a service publishes to a topic and sends to a queue where their policies allow it', async () => {
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'audits' }));
  const inbox = await queue(sqs, 'audits', TopicArn);
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: inbox.arn }));
  const publish = () => cloud.topics.publish(TopicArn, { message: 'found', subject: 'Audit' }, caller);
  const put = (AttributeValue: string) =>
    sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue }));
  await expect(publish()).rejects.toMatchObject({ code: 'AuthorizationError', status: 403 });
  await put(policy(TopicArn, 'sns:Publish', { StringEquals: { 'aws:SourceAccount': '111122223333' } }));
  await expect(publish()).rejects.toMatchObject({ code: 'AuthorizationError' });
  await put(
    policy(TopicArn, 'sns:Publish', {
      StringEquals: { 'aws:SourceAccount': '000000000000' },
      ArnLike: { 'aws:SourceArn': 'arn:aws:iot:*:000000000000:*' },
    }),
  );
  const { messageId } = await publish();
  expect((await receive(sqs, inbox.url)).json).toMatchObject({ MessageId: messageId, Subject: 'Audit' });

  const send = () => cloud.queues.send(inbox.arn, 'found', undefined, caller);
  await expect(send()).rejects.toMatchObject({ code: 'AccessDenied' });
  // A statement for everybody is for services too.
  const Policy = policy(
    inbox.arn,
    'SQS:SendMessage',
    { ArnEquals: { 'aws:SourceArn': caller.sourceArn } },
    '*',
  );
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: inbox.url, Attributes: { Policy } }));
  await send();
  expect((await receive(sqs, inbox.url)).Body).toBe('found');
});

test('whoever has checked a role before needs no policy; what is not there is told in the services’ words', async () => {
  const { arn, url } = await queue(sqs, 'plain');
  const { messageId } = await cloud.queues.send(arn, 'x', { n: { DataType: 'Number', StringValue: '1' } });
  expect(await receive(sqs, url)).toMatchObject({
    MessageId: messageId,
    MessageAttributes: { n: { StringValue: '1' } },
  });
  await expect(cloud.queues.send(`${arn}-not`, 'x')).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  await expect(cloud.queues.send(arn, '')).rejects.toMatchObject({ code: 'MissingParameter' });
  const nowhere = 'arn:aws:sns:eu-central-1:000000000000:nowhere';
  await expect(cloud.topics.publish(nowhere, { message: 'x' })).rejects.toMatchObject({
    name: 'NotFoundException',
  });
  await expect(cloud.topics.publish('nowhere', { message: 'x' })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
});

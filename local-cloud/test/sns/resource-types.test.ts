import { GetTopicAttributesCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { receive } from '../support/queues.js';
import { resources } from '../support/resources.js';

const cloud = await startCloud({ log: () => {} });
const { create, read, update, delete: remove } = resources(cloud);
const sns = new SNSClient(clientConfig(cloud));
const sqs = new SQSClient(clientConfig(cloud));
const ARN = 'eu-central-1:000000000000';

const allow = (service: string, Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action, Resource: '*' }],
});

test('AWS::SQS::Queue and AWS::SQS::QueuePolicy', async () => {
  const dead = await create('AWS::SQS::Queue', { QueueName: 'dead' });
  expect(dead).toBe(`${cloud.endpointUrl}/000000000000/dead`);
  const RedrivePolicy = { deadLetterTargetArn: `arn:aws:sqs:${ARN}:dead`, maxReceiveCount: 3 };
  const url = await create('AWS::SQS::Queue', {
    QueueName: 'work',
    VisibilityTimeout: 60,
    RedrivePolicy,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  expect(await read('AWS::SQS::Queue', url)).toEqual({
    QueueName: 'work',
    QueueUrl: url,
    Arn: `arn:aws:sqs:${ARN}:work`,
    DelaySeconds: 0,
    MaximumMessageSize: 1_048_576,
    MessageRetentionPeriod: 345_600,
    ReceiveMessageWaitTimeSeconds: 0,
    VisibilityTimeout: 60,
    SqsManagedSseEnabled: true,
    RedrivePolicy,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  await update('AWS::SQS::Queue', url, [
    { op: 'remove', path: '/RedrivePolicy' },
    { op: 'replace', path: '/VisibilityTimeout', value: 10 },
  ]);
  const changed = await read('AWS::SQS::Queue', url);
  expect([changed.VisibilityTimeout, changed.RedrivePolicy]).toEqual([10, undefined]);
  const PolicyDocument = allow('sns.amazonaws.com', 'sqs:SendMessage');
  const policy = await create('AWS::SQS::QueuePolicy', { Queues: [url], PolicyDocument });
  const policyOf = async (QueueUrl: string) =>
    (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }))).Attributes
      ?.Policy;
  expect(JSON.parse((await policyOf(url)) ?? '')).toEqual(PolicyDocument);
  await update('AWS::SQS::QueuePolicy', policy, [{ op: 'replace', path: '/Queues', value: [dead] }]);
  expect([await policyOf(url), JSON.parse((await policyOf(dead)) ?? '')]).toEqual([
    undefined,
    PolicyDocument,
  ]);
  await remove('AWS::SQS::QueuePolicy', policy);
  expect(await policyOf(dead)).toBeUndefined();
  expect(await create('AWS::SQS::QueueInlinePolicy', { Queue: url, PolicyDocument })).toBe(url);
  expect(await read('AWS::SQS::QueueInlinePolicy', url)).toEqual({ Queue: url, PolicyDocument });
  await remove('AWS::SQS::QueueInlinePolicy', url);
  expect(await policyOf(url)).toBeUndefined();
  await expect(create('AWS::SQS::Queue', { QueueName: 'work' })).rejects.toMatchObject({
    name: 'AlreadyExists',
  });
  await expect(create('AWS::SQS::Queue', { QueueName: 'x.fifo', FifoQueue: true })).rejects.toMatchObject({
    name: 'InvalidRequest',
  });
  await remove('AWS::SQS::Queue', url);
  await expect(read('AWS::SQS::Queue', url)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(remove('AWS::SQS::Queue', url)).rejects.toMatchObject({ name: 'NotFound' });
});

test('AWS::SNS::Topic, AWS::SNS::Subscription and AWS::SNS::TopicPolicy', async () => {
  const inbox = await create('AWS::SQS::Queue', {});
  const { Arn: Endpoint } = await read('AWS::SQS::Queue', inbox);
  const PolicyDocument = allow('sns.amazonaws.com', 'sqs:SendMessage');
  await create('AWS::SQS::QueuePolicy', { Queues: [inbox], PolicyDocument });
  const inline = { Protocol: 'sqs', Endpoint };
  const topic = await create('AWS::SNS::Topic', {
    TopicName: 'news',
    DisplayName: 'News',
    Subscription: [inline],
  });
  expect(topic).toBe(`arn:aws:sns:${ARN}:news`);
  expect(await read('AWS::SNS::Topic', topic)).toEqual({
    TopicArn: topic,
    TopicName: 'news',
    DisplayName: 'News',
    Subscription: [inline],
  });
  await sns.send(new PublishCommand({ TopicArn: topic, Message: 'hello' }));
  expect((await receive(sqs, inbox)).json.Message).toBe('hello');
  await update('AWS::SNS::Topic', topic, [
    { op: 'remove', path: '/Subscription' },
    { op: 'add', path: '/Tags', value: [{ Key: 'a', Value: '1' }] },
  ]);
  expect(await read('AWS::SNS::Topic', topic)).toMatchObject({ Tags: [{ Key: 'a', Value: '1' }] });
  const subscription = await create('AWS::SNS::Subscription', {
    TopicArn: topic,
    ...inline,
    FilterPolicy: { kind: ['a'] },
    RawMessageDelivery: true,
  });
  expect(await read('AWS::SNS::Subscription', subscription)).toEqual({
    Arn: subscription,
    TopicArn: topic,
    ...inline,
    FilterPolicy: { kind: ['a'] },
    RawMessageDelivery: true,
  });
  await update('AWS::SNS::Subscription', subscription, [{ op: 'remove', path: '/FilterPolicy' }]);
  await sns.send(new PublishCommand({ TopicArn: topic, Message: 'raw' }));
  expect((await receive(sqs, inbox)).Body).toBe('raw');
  const document = allow('iot.amazonaws.com', 'sns:Publish');
  const policy = await create('AWS::SNS::TopicPolicy', { Topics: [topic], PolicyDocument: document });
  const policyOf = async () =>
    JSON.parse((await sns.send(new GetTopicAttributesCommand({ TopicArn: topic }))).Attributes?.Policy ?? '');
  expect(await policyOf()).toEqual(document);
  await remove('AWS::SNS::TopicPolicy', policy);
  expect((await policyOf()).Id).toBe('__default_policy_ID');
  await create('AWS::SNS::TopicInlinePolicy', { TopicArn: topic, PolicyDocument: document });
  const other = allow('s3.amazonaws.com', 'sns:Publish');
  await update('AWS::SNS::TopicInlinePolicy', topic, [
    { op: 'replace', path: '/PolicyDocument', value: other },
  ]);
  expect(await read('AWS::SNS::TopicInlinePolicy', topic)).toEqual({
    TopicArn: topic,
    PolicyDocument: other,
  });
  await remove('AWS::SNS::Subscription', subscription);
  await expect(create('AWS::SNS::Topic', { TopicName: 'news' })).rejects.toMatchObject({
    name: 'AlreadyExists',
  });
  await expect(create('AWS::SNS::Topic', { ArchivePolicy: {} })).rejects.toThrow(/ArchivePolicy .*not built/);
  await remove('AWS::SNS::Topic', topic);
  await expect(read('AWS::SNS::Topic', topic)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

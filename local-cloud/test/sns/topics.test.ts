import * as sdk from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { queue, receive } from '../support/queues.js';
import { roleSession } from '../support/role-session.js';

const cloud = await startCloud();
const config = { ...clientConfig(cloud), maxAttempts: 1 };
const sns = new sdk.SNSClient(config);
const sqs = new SQSClient(config);
const ARN = 'arn:aws:sns:eu-central-1:000000000000';

const create = (Name: string, more: object = {}) => sns.send(new sdk.CreateTopicCommand({ Name, ...more }));
const attributes = async (TopicArn: string) =>
  (await sns.send(new sdk.GetTopicAttributesCommand({ TopicArn }))).Attributes ?? {};

test('a topic is made once, described, changed, tagged and deleted', async () => {
  const TopicArn = `${ARN}:news`;
  const Tags = [{ Key: 'a', Value: '1' }];
  expect((await create('news', { Attributes: { DisplayName: 'News' }, Tags })).TopicArn).toBe(TopicArn);
  expect((await create('news')).TopicArn).toBe(TopicArn);
  await expect(create('news', { Attributes: { DisplayName: 'Other' } })).rejects.toMatchObject({
    name: 'InvalidParameterException',
    message: 'Invalid parameter: Attributes Reason: Topic already exists with different attributes',
  });
  const described = await attributes(TopicArn);
  expect(described).toMatchObject({
    TopicArn,
    Owner: '000000000000',
    DisplayName: 'News',
    SubscriptionsConfirmed: '0',
    SubscriptionsPending: '0',
    SubscriptionsDeleted: '0',
  });
  expect(JSON.parse(described.Policy ?? '').Statement[0]).toMatchObject({
    Sid: '__default_statement_ID',
    Condition: { StringEquals: { 'AWS:SourceOwner': '000000000000' } },
  });
  await sns.send(new sdk.TagResourceCommand({ ResourceArn: TopicArn, Tags: [{ Key: 'b', Value: '2' }] }));
  await sns.send(new sdk.UntagResourceCommand({ ResourceArn: TopicArn, TagKeys: ['a'] }));
  const { Tags: left } = await sns.send(new sdk.ListTagsForResourceCommand({ ResourceArn: TopicArn }));
  expect(left).toEqual([{ Key: 'b', Value: '2' }]);
  await sns.send(new sdk.DeleteTopicCommand({ TopicArn }));
  await sns.send(new sdk.DeleteTopicCommand({ TopicArn }));
  await expect(attributes(TopicArn)).rejects.toMatchObject({ name: 'NotFoundException' });
  await expect(attributes('news')).rejects.toMatchObject({ name: 'InvalidParameterException' });
  await expect(create('a b')).rejects.toThrow('Invalid parameter: Topic Name');
});

test('topics and subscriptions are listed by page', async () => {
  const names = Array.from({ length: 101 }, (_, index) => `page-${String(index).padStart(3, '0')}`);
  await Promise.all(names.map((name) => create(name)));
  const found: (string | undefined)[] = [];
  for await (const { Topics = [] } of sdk.paginateListTopics({ client: sns }, {})) {
    found.push(...Topics.map(({ TopicArn }) => TopicArn));
  }
  expect(found.filter((arn) => arn?.includes(':page-'))).toEqual(names.map((name) => `${ARN}:${name}`));
  const subscription = { TopicArn: `${ARN}:page-000`, Protocol: 'sqs' };
  const Endpoint = 'arn:aws:sqs:eu-central-1:000000000000:nowhere';
  const subscribe = (Attributes = {}) =>
    sns.send(new sdk.SubscribeCommand({ ...subscription, Endpoint, Attributes }));
  const { SubscriptionArn } = await subscribe();
  expect((await subscribe()).SubscriptionArn).toBe(SubscriptionArn);
  await expect(subscribe({ RawMessageDelivery: 'true' })).rejects.toThrow(
    'Subscription already exists with different attributes',
  );
  const { Subscriptions } = await sns.send(new sdk.ListSubscriptionsCommand({}));
  expect(Subscriptions).toEqual([{ ...subscription, SubscriptionArn, Endpoint, Owner: '000000000000' }]);
  const { Attributes } = await sns.send(new sdk.GetSubscriptionAttributesCommand({ SubscriptionArn }));
  expect(Attributes).toMatchObject({
    PendingConfirmation: 'false',
    RawMessageDelivery: 'false',
    SubscriptionArn,
  });
  await sns.send(new sdk.UnsubscribeCommand({ SubscriptionArn }));
  await expect(sns.send(new sdk.GetSubscriptionAttributesCommand({ SubscriptionArn }))).rejects.toMatchObject(
    { name: 'NotFoundException' },
  );
});

test('what cannot be published is refused in the words of SNS', async () => {
  const { TopicArn } = await create('strict');
  const publish = (Message: string, more: object = {}) =>
    sns.send(new sdk.PublishCommand({ TopicArn, Message, ...more }));
  for (const [message, more, problem] of [
    ['', {}, 'Empty message'],
    ['x'.repeat(262_145), {}, 'Message too long'],
    ['x', { Subject: 'two\nlines' }, 'Subject'],
    ['x', { MessageStructure: 'json' }, 'Message Structure - JSON message body failed to parse'],
    [
      '{"sqs":"x"}',
      { MessageStructure: 'json' },
      'Message Structure - No default entry in JSON message body',
    ],
    ['x', { TopicArn: 'strict' }, 'TopicArn'],
  ] as const) {
    await expect(publish(message, more)).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: `Invalid parameter: ${problem}`,
    });
  }
  await expect(publish('x', { TopicArn: `${ARN}:nowhere` })).rejects.toMatchObject({
    name: 'NotFoundException',
    message: 'Topic does not exist',
  });
  for (const attribute of [
    { DataType: 'Text', StringValue: 'x' },
    { DataType: 'String' },
    { DataType: 'Number', StringValue: 'x' },
    { DataType: 'String.Array', StringValue: 'x' },
  ]) {
    await expect(publish('x', { MessageAttributes: { attribute } })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    });
  }
});

test('messages are published in batches, in which each fails by itself', async () => {
  const { TopicArn = '' } = await create('batches');
  const { url, arn } = await queue(sqs, 'batches', TopicArn);
  await sns.send(new sdk.SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: arn }));
  const publish = (...entries: sdk.PublishBatchRequestEntry[]) =>
    sns.send(new sdk.PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: entries }));
  const { Successful, Failed } = await publish(
    { Id: 'a', Message: 'first' },
    { Id: 'b', Message: 'x', Subject: '\n' },
  );
  expect(Successful).toMatchObject([{ Id: 'a' }]);
  expect(Failed).toMatchObject([{ Id: 'b', Code: 'InvalidParameter', SenderFault: true }]);
  expect((await receive(sqs, url)).json).toMatchObject({
    MessageId: Successful?.[0]?.MessageId,
    Message: 'first',
  });
  await expect(publish()).rejects.toMatchObject({ name: 'EmptyBatchRequestException' });
  await expect(publish({ Id: 'a', Message: 'x' }, { Id: 'a', Message: 'x' })).rejects.toMatchObject({
    name: 'BatchEntryIdsNotDistinctException',
  });
});

test('roles publish where their policy or the topic’s allows it', async () => {
  const { TopicArn = '' } = await create('guarded');
  const allowed = { Effect: 'Allow', Action: 'sns:ListTopics', Resource: '*' };
  const other = new sdk.SNSClient(await roleSession(cloud, 'publisher', [allowed]));
  const publish = () => other.send(new sdk.PublishCommand({ TopicArn, Message: 'x' }));
  await other.send(new sdk.ListTopicsCommand({}));
  await expect(publish()).rejects.toMatchObject({ name: 'AuthorizationErrorException' });
  const put = (...Statement: object[]) =>
    sns.send(
      new sdk.SetTopicAttributesCommand({
        TopicArn,
        AttributeName: 'Policy',
        AttributeValue: JSON.stringify({ Version: '2012-10-17', Statement }),
      }),
    );
  await put({
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::000000000000:role/publisher' },
    Action: 'sns:Publish',
    Resource: TopicArn,
  });
  await publish();
  await sns.send(
    new sdk.AddPermissionCommand({
      TopicArn,
      Label: 'others',
      AWSAccountId: ['111122223333'],
      ActionName: ['Publish'],
    }),
  );
  const { Policy = '' } = await attributes(TopicArn);
  expect(JSON.parse(Policy).Statement.at(-1)).toMatchObject({ Sid: 'others', Action: 'SNS:Publish' });
  await sns.send(new sdk.RemovePermissionCommand({ TopicArn, Label: 'others' }));
  await put({ Effect: 'Deny', Principal: '*', Action: 'sns:Publish', Resource: TopicArn });
  await expect(publish()).rejects.toThrow(/explicit deny/);
  await expect(put({ Effect: 'Perhaps' })).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

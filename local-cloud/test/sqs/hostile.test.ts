import { Sha256 } from '@aws-crypto/sha256-js';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { queue } from '../support/queues.js';

const cloud = await startCloud({ log: () => {} });
const sqs = new SQSClient({ ...clientConfig(cloud), maxAttempts: 1 });
const sns = new SNSClient({ ...clientConfig(cloud), maxAttempts: 1 });
const { url } = await queue(sqs, 'target');
const runs = { numRuns: 150 };

/** Sends what no SDK would; returns the status. */
async function send(service: string, headers: Record<string, string>, body: string): Promise<number> {
  const { host, hostname } = new URL(cloud.endpointUrl);
  const { credentials, region } = clientConfig(cloud);
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256 });
  const request = { method: 'POST', protocol: 'http:', hostname, path: '/', body };
  const signed = await signer.sign({ ...request, headers: { host, ...headers } });
  const answer = await fetch(cloud.endpointUrl, { method: 'POST', headers: signed.headers, body });
  await answer.text();
  return answer.status;
}

const scalar = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.constantFrom(url, '', 'All', '{}', '[]', 'null', '{"deadLetterTargetArn":1}', 'arn:aws:sqs:::x', 'true'),
);
const member = fc.oneof(
  scalar,
  fc.jsonValue({ maxDepth: 2 }),
  fc.array(fc.record({ Id: scalar, MessageBody: scalar, ReceiptHandle: scalar }, { requiredKeys: [] })),
  fc.dictionary(
    fc.constantFrom('Policy', 'RedrivePolicy', 'RedriveAllowPolicy', 'DelaySeconds', '__proto__', 'x'),
    fc.oneof(scalar, fc.record({ DataType: scalar, StringValue: scalar })),
  ),
);

test('whatever is asked of SQS in JSON is answered or refused', async () => {
  const operations = [
    'CreateQueue',
    'SetQueueAttributes',
    'SendMessage',
    'SendMessageBatch',
    'GetQueueAttributes',
  ];
  const more = [
    'ReceiveMessage',
    'DeleteMessage',
    'DeleteMessageBatch',
    'ChangeMessageVisibility',
    'AddPermission',
  ];
  const input = fc.record(
    {
      QueueUrl: fc.oneof({ weight: 3, arbitrary: fc.constant(url) }, { weight: 1, arbitrary: member }),
      QueueName: member,
      Attributes: member,
      MessageBody: member,
      MessageAttributes: member,
      Entries: member,
      AttributeNames: member,
      ReceiptHandle: member,
      VisibilityTimeout: member,
      Label: member,
      Actions: member,
      AWSAccountIds: member,
    },
    { requiredKeys: ['QueueUrl'] },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...operations, ...more), input, async (operation, data) => {
      const headers = {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
      };
      expect(await send('sqs', headers, JSON.stringify(data))).toBeLessThan(500);
    }),
    runs,
  );
  await sqs.send(new ListQueuesCommand({}));
});

test('whatever is asked of SNS is answered or refused', async () => {
  const operations = [
    'CreateTopic',
    'Subscribe',
    'Publish',
    'PublishBatch',
    'SetTopicAttributes',
    'AddPermission',
  ];
  const more = [
    'SetSubscriptionAttributes',
    'ConfirmSubscription',
    'Unsubscribe',
    'ListTopics',
    'TagResource',
  ];
  const names = [
    ...['Name', 'TopicArn', 'Protocol', 'Endpoint', 'Message', 'Subject', 'MessageStructure', 'NextToken'],
    ...['AttributeName', 'AttributeValue', 'Attributes.entry.1.key', 'Attributes.entry.1.value', 'Token'],
    ...['MessageAttributes.entry.1.Name', 'MessageAttributes.entry.1.Value.DataType', 'SubscriptionArn'],
    ...['MessageAttributes.entry.1.Value.StringValue', 'PublishBatchRequestEntries.member.1.Id', 'Label'],
  ];
  const value = fc.oneof(
    scalar.map(String),
    fc.constantFrom('arn:aws:sns:eu-central-1:000000000000:t', 'sqs', 'FilterPolicy', 'Policy', 'json'),
    fc.json(),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...operations, ...more),
      fc.dictionary(fc.constantFrom(...names), value),
      async (Action, parameters) => {
        const body = new URLSearchParams({ Action, Version: '2010-03-31', Name: 't', ...parameters });
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        expect(await send('sns', headers, body.toString())).toBeLessThan(500);
      },
    ),
    runs,
  );
  await sns.send(new ListTopicsCommand({}));
});

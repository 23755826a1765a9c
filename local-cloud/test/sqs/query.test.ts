import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, test } from 'vitest';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { startCloud } from '../support/cloud.js';

const cloud = await startCloud({ log: () => {} });

/** Calls SQS as clients did before November 2023, among them the AWS CLI of Debian 12; no SDK here sends that. */
async function call(Action: string, parameters: Record<string, string>, secretAccessKey = 'test') {
  const { host, hostname } = new URL(cloud.endpointUrl);
  const signer = new SignatureV4({
    credentials: { accessKeyId: 'test', secretAccessKey },
    region: cloud.region,
    service: 'sqs',
    sha256: Sha256,
  });
  const body = new URLSearchParams({ Action, Version: '2012-11-05', ...parameters }).toString();
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const signed = await signer.sign({ method: 'POST', protocol: 'http:', hostname, path: '/', headers, body });
  const answer = await fetch(cloud.endpointUrl, { method: 'POST', headers: signed.headers, body });
  return { status: answer.status, text: await answer.text() };
}

const tag = (text: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? '';

test('the query protocol does what the JSON protocol does', async () => {
  const created = await call('CreateQueue', {
    QueueName: 'query',
    'Attribute.1.Name': 'VisibilityTimeout',
    'Attribute.1.Value': '60',
    'Tag.1.Key': 'a',
    'Tag.1.Value': '1',
  });
  const QueueUrl = tag(created.text, 'QueueUrl');
  expect(created.text).toMatch(
    /^<CreateQueueResponse xmlns="http:\/\/queue.amazonaws.com\/doc\/2012-11-05\/"><CreateQueueResult><QueueUrl>http:[^<]+\/000000000000\/query<\/QueueUrl><\/CreateQueueResult><ResponseMetadata><RequestId>/,
  );
  const sent = await call('SendMessage', {
    QueueUrl,
    MessageBody: 'a <b> & "c"',
    'MessageAttribute.1.Name': 'timestamp',
    'MessageAttribute.1.Value.DataType': 'Number',
    'MessageAttribute.1.Value.StringValue': '1493147359900',
  });
  expect(tag(sent.text, 'MD5OfMessageAttributes')).toBe('235c5c510d26fb653d073faed50ae77c');
  await call('SendMessageBatch', {
    QueueUrl,
    'SendMessageBatchRequestEntry.1.Id': 'x',
    'SendMessageBatchRequestEntry.1.MessageBody': 'second',
  });
  const { text } = await call('ReceiveMessage', {
    QueueUrl,
    MaxNumberOfMessages: '10',
    'AttributeName.1': 'All',
    'MessageAttributeName.1': 'All',
  });
  expect(text.match(/<Message>/g)).toHaveLength(2);
  expect(text).toContain('<Body>a &lt;b&gt; &amp; &quot;c&quot;</Body>');
  expect(text).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>');
  expect(text).toContain(
    '<MessageAttribute><Name>timestamp</Name><Value><DataType>Number</DataType><StringValue>1493147359900</StringValue></Value></MessageAttribute>',
  );
  const ReceiptHandle = tag(text, 'ReceiptHandle');
  const deleted = await call('DeleteMessage', { QueueUrl, ReceiptHandle });
  expect([deleted.status, deleted.text]).toEqual([200, expect.stringMatching(/^<DeleteMessageResponse/)]);
  const { text: attributes } = await call('GetQueueAttributes', { QueueUrl, 'AttributeName.1': 'All' });
  expect(attributes).toContain('<Attribute><Name>VisibilityTimeout</Name><Value>60</Value></Attribute>');
});

test('errors have the codes of the query protocol, those of the front too', async () => {
  const missing = await call('GetQueueUrl', { QueueName: 'nowhere' });
  expect([missing.status, tag(missing.text, 'Code'), tag(missing.text, 'Type')]).toEqual([
    400,
    'AWS.SimpleQueueService.NonExistentQueue',
    'Sender',
  ]);
  const foreign = await call('ListQueues', {}, 'wrong');
  expect(foreign.text).toMatch(/^<(ErrorResponse|ListQueuesResponse)/);
});

describe.runIf(hasAwsCli)('the AWS CLI', () => {
  test('sends, receives and deletes', async () => {
    // For SQS, version 1 of the CLI takes its address from nowhere else.
    const aws = (...words: string[]) => awsCli(cloud)('--endpoint-url', cloud.endpointUrl, ...words);
    const { QueueUrl } = JSON.parse(await aws('sqs', 'create-queue', '--queue-name', 'cli'));
    const queue = ['--queue-url', QueueUrl];
    const attributes = '{"n":{"DataType":"Number","StringValue":"1"}}';
    await aws('sqs', 'send-message', ...queue, '--message-body', 'hello', '--message-attributes', attributes);
    const { Messages } = JSON.parse(
      await aws(
        'sqs',
        'receive-message',
        ...queue,
        '--message-attribute-names',
        'All',
        '--wait-time-seconds',
        '1',
      ),
    );
    expect(Messages).toMatchObject([
      { Body: 'hello', MessageAttributes: { n: { StringValue: '1', DataType: 'Number' } } },
    ]);
    await aws('sqs', 'delete-message', ...queue, '--receipt-handle', Messages[0].ReceiptHandle);
    await expect(aws('sqs', 'get-queue-url', '--queue-name', 'nowhere')).rejects.toMatchObject({
      stderr: expect.stringContaining('NonExistentQueue'),
    });
  });

  test('subscribes a queue to a topic and publishes', async () => {
    const aws = awsCli(cloud);
    const { TopicArn } = JSON.parse(await aws('sns', 'create-topic', '--name', 'cli'));
    const { SubscriptionArn } = JSON.parse(
      await aws(
        ...['sns', 'subscribe', '--topic-arn', TopicArn, '--protocol', 'sqs'],
        ...['--notification-endpoint', 'arn:aws:sqs:eu-central-1:000000000000:cli'],
        ...['--attributes', '{"RawMessageDelivery":"true"}'],
      ),
    );
    expect(SubscriptionArn).toContain(`${TopicArn}:`);
    const published = await aws('sns', 'publish', '--topic-arn', TopicArn, '--message', 'hello');
    expect(JSON.parse(published)).toEqual({ MessageId: expect.any(String) });
  });
});

import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as sdk from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test, vi } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { TRUST, zip } from '../lambda/support.js';
import { atEnd } from '../support/at-end.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { queue, receive } from '../support/queues.js';

const clock = new ManualClock(Date.now());
const cloud = await startCloud({ clock, log: () => {} });
const config = { ...clientConfig(cloud), maxAttempts: 1 };
const sns = new sdk.SNSClient(config);
const sqs = new SQSClient(config);

async function topic(Name: string, Attributes: Record<string, string> = {}): Promise<string> {
  const { TopicArn = '' } = await sns.send(new sdk.CreateTopicCommand({ Name, Attributes }));
  return TopicArn;
}

async function subscribe(
  TopicArn: string,
  Protocol: string,
  Endpoint: string,
  Attributes = {},
): Promise<string> {
  const { SubscriptionArn = '' } = await sns.send(
    new sdk.SubscribeCommand({ TopicArn, Protocol, Endpoint, Attributes, ReturnSubscriptionArn: true }),
  );
  return SubscriptionArn;
}

const publish = (TopicArn: string, Message: string, more: object = {}) =>
  sns.send(new sdk.PublishCommand({ TopicArn, Message, ...more }));

/** Whether the signature of a message is that of SNS (SNS developer guide, "Verifying the signatures"). */
async function isSigned(message: Record<string, unknown>): Promise<boolean> {
  const certificate = await (await fetch(String(message.SigningCertURL))).text();
  const names =
    message.Type === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const text = names
    .filter((name) => message[name] !== undefined)
    .map((name) => `${name}\n${message[name]}\n`)
    .join('');
  const digest = message.SignatureVersion === '2' ? 'sha256' : 'sha1';
  const key = createPublicKey(
    new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }),
  );
  return verify(digest, Buffer.from(text), key, Buffer.from(String(message.Signature), 'base64'));
}

/** An HTTP server that keeps what SNS sends it; answers with the statuses given, then with 200. */
async function endpoint(...statuses: number[]) {
  const requests: { headers: Record<string, unknown>; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      requests.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`, requests };
}

test('a queue gets an envelope that is signed', async () => {
  const arn = await topic('to-queue');
  const inbox = await queue(sqs, 'inbox', arn);
  const subscription = await subscribe(arn, 'sqs', inbox.arn);
  const { MessageId } = await publish(arn, 'hello', {
    Subject: 'Greeting',
    MessageAttributes: { n: { DataType: 'Number', StringValue: '7' } },
  });
  const { json } = await receive(sqs, inbox.url);
  expect(json).toEqual({
    Type: 'Notification',
    MessageId,
    TopicArn: arn,
    Subject: 'Greeting',
    Message: 'hello',
    Timestamp: new Date(clock.now()).toISOString(),
    SignatureVersion: '1',
    Signature: expect.any(String),
    SigningCertURL: expect.stringMatching(`^${cloud.endpointUrl}/.*\\.pem$`),
    UnsubscribeURL: expect.stringContaining(encodeURIComponent(subscription)),
    MessageAttributes: { n: { Type: 'Number', Value: '7' } },
  });
  expect(await isSigned(json)).toBe(true);
  expect(await isSigned({ ...json, Message: 'bye' })).toBe(false);
  await sns.send(
    new sdk.SetTopicAttributesCommand({
      TopicArn: arn,
      AttributeName: 'SignatureVersion',
      AttributeValue: '2',
    }),
  );
  await publish(arn, 'again');
  const second = (await receive(sqs, inbox.url)).json;
  expect([second.SignatureVersion, await isSigned(second)]).toEqual(['2', true]);
});

test('a queue gets the message alone where that is wanted, in the words for its protocol', async () => {
  const arn = await topic('raw');
  const inbox = await queue(sqs, 'raw', arn);
  await subscribe(arn, 'sqs', inbox.arn, { RawMessageDelivery: 'true' });
  await publish(arn, JSON.stringify({ default: 'for others', sqs: 'for queues' }), {
    MessageStructure: 'json',
    MessageAttributes: { kind: { DataType: 'String', StringValue: 'a' } },
  });
  const message = await receive(sqs, inbox.url);
  expect([message.Body, message.MessageAttributes]).toEqual([
    'for queues',
    { kind: { DataType: 'String', StringValue: 'a' } },
  ]);
});

test('a Lambda function gets the event of SNS, if its policy allows the topic to invoke it', async () => {
  const lambda = new LambdaClient(config);
  const iam = new IAMClient(config);
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: 'function', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
  );
  const { FunctionArn = '' } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'listener',
      Runtime: 'nodejs22.x',
      Role: Role?.Arn,
      Handler: 'index.handler',
      Code: {
        ZipFile: zip({
          'index.js': 'exports.handler = async (e) => console.log("event=" + JSON.stringify(e));',
        }),
      },
    }),
  );
  const arn = await topic('to-function');
  const dead = await queue(sqs, 'not-invoked', arn);
  const subscription = await subscribe(arn, 'lambda', FunctionArn, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn }),
  });
  await publish(arn, 'not allowed yet');
  const letter = await receive(sqs, dead.url);
  expect([letter.json.Message, letter.MessageAttributes?.ErrorCode?.StringValue]).toEqual([
    'not allowed yet',
    'AccessDeniedException',
  ]);
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: 'listener',
      StatementId: 'topic',
      Action: 'lambda:InvokeFunction',
      Principal: 'sns.amazonaws.com',
      SourceArn: arn,
    }),
  );
  const { MessageId } = await publish(arn, 'allowed', {
    MessageAttributes: { b: { DataType: 'Binary', BinaryValue: Uint8Array.of(1) } },
  });
  const logs = new CloudWatchLogsClient(config);
  const line = await vi.waitFor(
    async () => {
      const { events = [] } = await logs.send(
        new FilterLogEventsCommand({ logGroupName: '/aws/lambda/listener', filterPattern: '"event="' }),
      );
      expect(events).toHaveLength(1);
      return events[0]?.message ?? '';
    },
    { timeout: 5000 },
  );
  expect(JSON.parse(line.slice(line.indexOf('event=') + 6))).toEqual({
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscription,
        Sns: {
          Type: 'Notification',
          MessageId,
          TopicArn: arn,
          Subject: null,
          Message: 'allowed',
          Timestamp: expect.any(String),
          SignatureVersion: '1',
          Signature: expect.any(String),
          SigningCertUrl: expect.any(String),
          UnsubscribeUrl: expect.any(String),
          MessageAttributes: { b: { Type: 'Binary', Value: 'AQ==' } },
        },
      },
    ],
  });
});

test('filter policies choose by attributes and by the body', async () => {
  const arn = await topic('filtered');
  const byAttribute = await queue(sqs, 'by-attribute', arn);
  const byBody = await queue(sqs, 'by-body', arn);
  const one = await subscribe(arn, 'sqs', byAttribute.arn, {
    FilterPolicy: '{"kind":["a"],"n":[{"numeric":[">",1]}]}',
  });
  await subscribe(arn, 'sqs', byBody.arn, {
    FilterPolicy: '{"state":{"on":[true]}}',
    FilterPolicyScope: 'MessageBody',
  });
  const kind = (StringValue: string, n: string) => ({
    MessageAttributes: {
      kind: { DataType: 'String.Array', StringValue: JSON.stringify([StringValue]) },
      n: { DataType: 'Number', StringValue: n },
    },
  });
  await publish(arn, 'no JSON', kind('b', '2'));
  await publish(arn, '{"state":{"on":false}}', kind('a', '1'));
  await publish(arn, 'first', kind('a', '2'));
  await publish(arn, '{"state":{"on":true}}');
  expect((await receive(sqs, byAttribute.url)).json.Message).toBe('first');
  expect((await receive(sqs, byBody.url)).json.Message).toBe('{"state":{"on":true}}');
  const set = (AttributeName: string, AttributeValue: string) =>
    sns.send(
      new sdk.SetSubscriptionAttributesCommand({ SubscriptionArn: one, AttributeName, AttributeValue }),
    );
  await expect(set('FilterPolicy', '{"a":"x"}')).rejects.toMatchObject({
    name: 'InvalidParameterException',
    message: 'Invalid parameter: FilterPolicy: "a" must be an object or an array',
  });
  await set('FilterPolicy', '{}');
  await publish(arn, 'everything');
  expect((await receive(sqs, byAttribute.url)).json.Message).toBe('everything');
});

test('the queue’s policy decides whether a topic may send to it', async () => {
  const arn = await topic('unknown-to-queue');
  const closed = await queue(sqs, 'closed');
  const dead = await queue(sqs, 'undelivered', arn);
  await subscribe(arn, 'sqs', closed.arn, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn }),
  });
  await publish(arn, 'knock');
  expect((await receive(sqs, dead.url)).json).toMatchObject({ Message: 'knock', TopicArn: arn });
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: closed.url }));
  expect(Messages).toBeUndefined();
});

test('an HTTP endpoint is asked first, gets signed messages, and can end its subscription', async () => {
  const arn = await topic('to-http');
  const { url, requests } = await endpoint();
  const { SubscriptionArn } = await sns.send(
    new sdk.SubscribeCommand({ TopicArn: arn, Protocol: 'http', Endpoint: url }),
  );
  expect(SubscriptionArn).toBe('pending confirmation');
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  await publish(arn, 'too early');
  const question = JSON.parse(requests[0]?.body ?? '');
  expect(requests[0]?.headers).toMatchObject({
    'x-amz-sns-message-type': 'SubscriptionConfirmation',
    'x-amz-sns-topic-arn': arn,
    'content-type': 'text/plain; charset=UTF-8',
  });
  expect(question).toMatchObject({ Type: 'SubscriptionConfirmation', TopicArn: arn });
  expect(await isSigned(question)).toBe(true);
  expect(await (await fetch(question.SubscribeURL)).text()).toMatch(
    /^<ConfirmSubscriptionResponse .*<SubscriptionArn>arn:aws:sns:/,
  );
  await publish(arn, 'welcome');
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  const message = JSON.parse(requests[1]?.body ?? '');
  expect([message.Message, await isSigned(message)]).toEqual(['welcome', true]);
  expect(requests[1]?.headers).toMatchObject({
    'x-amz-sns-message-type': 'Notification',
    'x-amz-sns-message-id': message.MessageId,
    'x-amz-sns-subscription-arn': expect.stringContaining(arn),
  });
  expect((await fetch(message.UnsubscribeURL)).status).toBe(200);
  const { Subscriptions } = await sns.send(new sdk.ListSubscriptionsByTopicCommand({ TopicArn: arn }));
  expect(Subscriptions).toEqual([]);
});

test('an HTTP endpoint that fails is tried four times; then its message is a dead letter', async () => {
  const arn = await topic('failing-http');
  const { url, requests } = await endpoint(200, 500, 503, 500, 500);
  const dead = await queue(sqs, 'from-http', arn);
  await subscribe(arn, 'http', url, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn }) });
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  const { Token } = JSON.parse(requests[0]?.body ?? '');
  await sns.send(new sdk.ConfirmSubscriptionCommand({ TopicArn: arn, Token }));
  await publish(arn, 'try');
  const letter = receive(sqs, dead.url);
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  for (let attempt = 3; attempt <= 5; attempt += 1) {
    await vi.waitFor(() => {
      if (requests.length < attempt) clock.advance(1000);
      expect(requests).toHaveLength(attempt);
    }, 5000);
  }
  const message = await vi.waitFor(async () => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: dead.url, MessageAttributeNames: ['All'] }),
    );
    const found = Messages[0] ?? (await letter);
    expect(found.Body).toBeDefined();
    return found;
  });
  expect(JSON.parse(message.Body ?? '').Message).toBe('try');
  expect(message.MessageAttributes?.ErrorCode?.StringValue).toBe('500');
});

test('nothing is sent to other machines, and what is not built is refused by name', async () => {
  const arn = await topic('refusing');
  for (const [protocol, address] of [
    ['email', 'somebody@example.com'],
    ['sms', '+41000000000'],
    ['firehose', 'arn:aws:firehose:eu-central-1:000000000000:deliverystream/x'],
    ['http', 'http://example.com/'],
    ['https', 'https://127.0.0.1.example.com/'],
  ] as const) {
    await expect(subscribe(arn, protocol, address)).rejects.toThrow(/Not built in the local cloud/);
  }
  await expect(subscribe(arn, 'sqs', 'http://127.0.0.1/queue')).rejects.toThrow('SQS endpoint ARN');
  await expect(subscribe(arn, 'pigeon', 'x')).rejects.toThrow(
    'does not support this protocol string: pigeon',
  );
  await expect(publish(arn, 'x', { TopicArn: undefined, PhoneNumber: '+41000000000' })).rejects.toThrow(
    /PhoneNumber/,
  );
  await expect(topic('queue.fifo', { FifoTopic: 'true' })).rejects.toThrow(/FIFO/);
});

import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  AddPermissionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionEventInvokeConfigCommand,
  ListFunctionEventInvokeConfigsCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionConfigurationCommand,
  UpdateFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, expect, test, vi } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { queue, receive } from '../support/queues.js';
import { ROLE, startLambda, TRUST } from './support.js';

const clock = new ManualClock();
const cloud = await startLambda(clock);
const sqs = new SQSClient(cloud.config);
const sns = new SNSClient(cloud.config);
const FAILING = 'exports.handler = async () => { throw new Error("no good"); };';

beforeAll(async () => {
  const iam = new IAMClient(cloud.config);
  const statement = {
    Effect: 'Allow',
    Action: ['sqs:SendMessage', 'sns:Publish', 'lambda:InvokeFunction'],
    Resource: '*',
  };
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'function-role',
      PolicyName: 'destinations',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }),
  );
  await iam.send(
    new CreateRoleCommand({ RoleName: 'powerless', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
  );
});

const runs = (name: string) => cloud.messages(name).filter((message) => message.startsWith('REPORT')).length;

/** Lets a function that fails be tried until its attempts are used up. */
async function exhaust(name: string, attempts = 3): Promise<void> {
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    await vi.waitFor(() => expect(runs(name)).toBe(attempt));
    clock.advance(120_000);
  }
}

test('an event that failed for good is a dead letter, with what went wrong as attributes', async () => {
  const { url, arn } = await queue(sqs, 'dead-letters');
  const created = await cloud.create('dying', FAILING, { DeadLetterConfig: { TargetArn: arn } });
  expect(created.DeadLetterConfig).toEqual({ TargetArn: arn });
  const { $metadata } = await cloud.invoke('dying', { n: 1 }, { InvocationType: 'Event' });
  await exhaust('dying');
  const message = await receive(sqs, url);
  expect(message.Body).toBe('{"n":1}');
  expect(message.MessageAttributes).toEqual({
    RequestID: { DataType: 'String', StringValue: $metadata.requestId },
    ErrorCode: { DataType: 'Number', StringValue: '200' },
    ErrorMessage: { DataType: 'String', StringValue: 'no good' },
  });
});

test('a dead letter goes to a topic too', async () => {
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'dead-letters' }));
  const inbox = await queue(sqs, 'dead-letters-of-topic', TopicArn);
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: inbox.arn }));
  await cloud.create('dying-to-topic', FAILING, { DeadLetterConfig: { TargetArn: TopicArn } });
  await cloud.client.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: 'dying-to-topic', MaximumRetryAttempts: 0 }),
  );
  await cloud.invoke('dying-to-topic', { n: 2 }, { InvocationType: 'Event' });
  const { json } = await receive(sqs, inbox.url);
  expect(json).toMatchObject({
    Message: '{"n":2}',
    MessageAttributes: { ErrorMessage: { Type: 'String', Value: 'no good' } },
  });
});

test('the role of a function has to be allowed to send dead letters', async () => {
  const { arn } = await queue(sqs, 'forbidden');
  const powerless = { Role: ROLE.replace('function-role', 'powerless') };
  await expect(
    cloud.create('powerless', FAILING, { ...powerless, DeadLetterConfig: { TargetArn: arn } }),
  ).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
    message: 'The provided execution role does not have permissions to call SendMessage on SQS',
  });
  await cloud.create('powerless', FAILING, powerless);
  const change = (TargetArn: string) =>
    cloud.client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: 'powerless', DeadLetterConfig: { TargetArn } }),
    );
  await expect(change('arn:aws:sns:eu-central-1:000000000000:topic')).rejects.toThrow(
    'The provided execution role does not have permissions to call Publish on SNS',
  );
  await expect(change('arn:aws:s3:::bucket')).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
  });
  expect((await change('')).DeadLetterConfig).toBeUndefined();
  await expect(
    cloud.client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: 'powerless',
        DestinationConfig: { OnFailure: { Destination: arn } },
      }),
    ),
  ).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
    message: `The function's execution role does not have permissions to call SendMessage on ${arn}`,
  });
});

test('destinations get a record of what became of an event', async () => {
  const good = await queue(sqs, 'succeeded');
  const bad = await queue(sqs, 'failed');
  await cloud.create(
    'recorded',
    'exports.handler = async (event) => { if (event.fail) throw new Error("as asked"); return { n: event.n }; };',
  );
  await cloud.client.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'recorded',
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnSuccess: { Destination: good.arn }, OnFailure: { Destination: bad.arn } },
    }),
  );
  const { $metadata } = await cloud.invoke('recorded', { n: 3 }, { InvocationType: 'Event' });
  const arn = 'arn:aws:lambda:eu-central-1:000000000000:function:recorded:$LATEST';
  const success = await receive(sqs, good.url);
  expect(success.json).toEqual({
    version: '1.0',
    timestamp: new Date(clock.now()).toISOString(),
    requestContext: {
      requestId: $metadata.requestId,
      functionArn: arn,
      condition: 'Success',
      approximateInvokeCount: 1,
    },
    requestPayload: { n: 3 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST' },
    responsePayload: { n: 3 },
  });
  await cloud.invoke('recorded', { fail: true }, { InvocationType: 'Event' });
  expect((await receive(sqs, bad.url)).json).toMatchObject({
    requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
    responseContext: { statusCode: 200, functionError: 'Unhandled' },
    responsePayload: { errorMessage: 'as asked', errorType: 'Error' },
  });
});

test('another function can be the destination', async () => {
  const { arn, url } = await queue(sqs, 'end-of-chain');
  await cloud.create('second', 'exports.handler = async (event) => event.responsePayload;');
  await cloud.create('first', 'exports.handler = async () => "from the first";');
  const destine = (FunctionName: string, Destination: string) =>
    cloud.client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName,
        DestinationConfig: { OnSuccess: { Destination } },
      }),
    );
  await destine('first', 'arn:aws:lambda:eu-central-1:000000000000:function:second');
  await destine('second', arn);
  await cloud.invoke('first', {}, { InvocationType: 'Event' });
  expect((await receive(sqs, url)).json).toMatchObject({ responsePayload: 'from the first' });
});

test('event invoke configurations are put, changed, listed and deleted', async () => {
  await cloud.create('configured', FAILING);
  const FunctionName = 'configured';
  const { arn } = await queue(sqs, 'configured');
  await expect(
    cloud.client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await cloud.client.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnFailure: { Destination: arn } },
    }),
  );
  await cloud.client.send(
    new UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 }),
  );
  const config = await cloud.client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }));
  expect(config).toMatchObject({
    FunctionArn: expect.stringMatching(/:function:configured:\$LATEST$/),
    LastModified: new Date(clock.now()),
    MaximumEventAgeInSeconds: 60,
    MaximumRetryAttempts: 1,
    DestinationConfig: { OnSuccess: {}, OnFailure: { Destination: arn } },
  });
  const { FunctionEventInvokeConfigs } = await cloud.client.send(
    new ListFunctionEventInvokeConfigsCommand({ FunctionName }),
  );
  expect(FunctionEventInvokeConfigs).toHaveLength(1);
  for (const wrong of [{ MaximumRetryAttempts: 3 }, { MaximumEventAgeInSeconds: 59 }]) {
    await expect(
      cloud.client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, ...wrong })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
  }
  await cloud.client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }));
  await expect(
    cloud.client.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a function without reserved executions is throttled, and its events grow too old', async () => {
  const { arn, url } = await queue(sqs, 'too-old');
  const FunctionName = 'throttled';
  await cloud.create(FunctionName, 'exports.handler = async () => "done";', {
    DeadLetterConfig: { TargetArn: arn },
  });
  await cloud.client.send(
    new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }),
  );
  const { ReservedConcurrentExecutions } = await cloud.client.send(
    new GetFunctionConcurrencyCommand({ FunctionName }),
  );
  const { Concurrency } = await cloud.client.send(new GetFunctionCommand({ FunctionName }));
  expect([ReservedConcurrentExecutions, Concurrency]).toEqual([0, { ReservedConcurrentExecutions: 0 }]);
  await expect(cloud.invoke(FunctionName)).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  });
  await cloud.client.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumEventAgeInSeconds: 60 }),
  );
  await cloud.invoke(FunctionName, { n: 4 }, { InvocationType: 'Event' });
  const letter = await vi.waitFor(async () => {
    clock.advance(10_000);
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url, MessageAttributeNames: ['All'] }),
    );
    expect(Messages).toHaveLength(1);
    return Messages?.[0];
  });
  expect(letter?.MessageAttributes?.ErrorCode).toEqual({ DataType: 'Number', StringValue: '429' });
  await cloud.client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  expect((await cloud.invoke(FunctionName)).result).toBe('done');
  await expect(
    cloud.client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 901 })),
  ).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
});

test('a service invokes a function asynchronously when the function’s policy allows it', async () => {
  await cloud.create('called', 'exports.handler = async (event) => { console.log("got", event.n); };');
  const caller = { service: 'iot.amazonaws.com', sourceArn: 'arn:aws:iot:eu-central-1:000000000000:rule/r' };
  const later = () => cloud.invoker.invokeLater('called', Buffer.from('{"n":5}'), caller);
  await expect(later()).rejects.toMatchObject({ code: 'AccessDeniedException' });
  await cloud.client.send(
    new AddPermissionCommand({
      FunctionName: 'called',
      StatementId: 'rule',
      Action: 'lambda:InvokeFunction',
      Principal: 'iot.amazonaws.com',
      SourceArn: caller.sourceArn,
      SourceAccount: '000000000000',
    }),
  );
  await later();
  await vi.waitFor(() => expect(cloud.messages('called').join()).toContain('got 5'));
});

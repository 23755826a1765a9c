import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { queue } from '../support/queues.js';
import { resources } from '../support/resources.js';
import { TRUST } from './support.js';

const TYPE = 'AWS::Lambda::EventInvokeConfig';

test('what belongs to asynchronous functions is managed through Cloud Control', async () => {
  const cloud = await startCloud();
  const { create, read, update, delete: remove } = resources(cloud);
  const iam = new IAMClient(clientConfig(cloud));
  const { arn, url } = await queue(new SQSClient(clientConfig(cloud)), 'letters');
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: 'f', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
  );
  const statement = { Effect: 'Allow', Action: 'sqs:*', Resource: arn };
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: 'f',
      PolicyName: 'send',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }),
  );
  await create('AWS::Lambda::Function', {
    FunctionName: 'f',
    Role: Role?.Arn,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: 'exports.handler = async () => {};' },
    DeadLetterConfig: { TargetArn: arn },
    ReservedConcurrentExecutions: 5,
  });
  expect(await read('AWS::Lambda::Function', 'f')).toMatchObject({
    DeadLetterConfig: { TargetArn: arn },
    ReservedConcurrentExecutions: 5,
  });
  await update('AWS::Lambda::Function', 'f', [
    { op: 'remove', path: '/DeadLetterConfig' },
    { op: 'remove', path: '/ReservedConcurrentExecutions' },
  ]);
  const changed = await read('AWS::Lambda::Function', 'f');
  expect([changed.DeadLetterConfig, changed.ReservedConcurrentExecutions]).toEqual([undefined, undefined]);

  const key = { FunctionName: 'f', Qualifier: '$LATEST' };
  const DestinationConfig = { OnFailure: { Destination: arn } };
  const id = await create(TYPE, { ...key, MaximumRetryAttempts: 0, DestinationConfig });
  expect(id).toBe('f|$LATEST');
  expect(await read(TYPE, id)).toEqual({ ...key, MaximumRetryAttempts: 0, DestinationConfig });
  await update(TYPE, id, [
    { op: 'remove', path: '/MaximumRetryAttempts' },
    { op: 'add', path: '/MaximumEventAgeInSeconds', value: 60 },
  ]);
  expect(await read(TYPE, id)).toEqual({ ...key, MaximumEventAgeInSeconds: 60, DestinationConfig });
  await expect(create(TYPE, key)).rejects.toMatchObject({ name: 'AlreadyExists' });
  await expect(create(TYPE, { ...key, Qualifier: 'alias' })).rejects.toMatchObject({ name: 'NotFound' });
  await remove(TYPE, id);
  await expect(read(TYPE, id)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });

  const mapping = await create('AWS::Lambda::EventSourceMapping', {
    FunctionName: 'f',
    EventSourceArn: arn,
    BatchSize: 5,
  });
  await update('AWS::Lambda::EventSourceMapping', mapping, [{ op: 'replace', path: '/BatchSize', value: 6 }]);
  expect(await read('AWS::Lambda::EventSourceMapping', mapping)).toMatchObject({
    ...{ Id: mapping, FunctionName: 'f', EventSourceArn: arn, BatchSize: 6, Enabled: true },
  });
  await remove('AWS::Lambda::EventSourceMapping', mapping);

  // Whoever waits for messages does not keep the cloud from closing.
  const waiting = new SQSClient({ ...clientConfig(cloud), maxAttempts: 1 }).send(
    new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }),
  );
  const ended = waiting.catch(() => 'ended');
  await cloud.close();
  await ended;
});

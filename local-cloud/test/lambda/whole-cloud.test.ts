import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudControlClient,
  CreateResourceCommand,
  GetResourceRequestStatusCommand,
} from '@aws-sdk/client-cloudcontrol';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, expect, test, vi } from 'vitest';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { clientConfig } from '../support/cloud.js';
import { startCommand } from '../support/command.js';
import { contentOf, isAlive, numberAfter } from './processes.js';
import { TRUST, zip } from './support.js';

const directory = mkdtempSync(join(tmpdir(), 'whole-cloud-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const RoleArn = 'arn:aws:iam::000000000000:role/runner';

/** Starts the local cloud's program in a process of its own. */
async function start() {
  const cloud = await startCommand(join(directory, 'state'));
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  const aws = awsCli(cloud);
  return {
    lambda: new LambdaClient(config),
    control: new CloudControlClient(config),
    iam: new IAMClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    logs: new CloudWatchLogsClient(config),
    aws: async (...words: string[]) => {
      const output = await aws(...words, '--output', 'json');
      return output === '' ? {} : JSON.parse(output);
    },
    end: cloud.end,
  };
}

test('a function with a role of IAM and code of S3 runs, logs, and is there after kill -9, which leaves no process', async () => {
  const first = await start();
  await first.iam.send(
    new CreateRoleCommand({ RoleName: 'runner', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
  );
  await first.s3.send(new CreateBucketCommand({ Bucket: 'code' }));
  const source = `
    const { writeFileSync } = require('node:fs');
    const { spawn } = require('node:child_process');
    exports.handler = async (event) => {
      console.log('event', event.n);
      if (event.busy) {
        writeFileSync(event.busy, 'pid=' + process.pid + ' child=' + spawn('sleep', ['1000']).pid + ' ');
        for (;;) {}
      }
      return event.n + 1;
    };`;
  await first.s3.send(
    new PutObjectCommand({ Bucket: 'code', Key: 'f.zip', Body: zip({ 'index.js': source }) }),
  );
  await first.lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'f',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: RoleArn,
      Code: { S3Bucket: 'code', S3Key: 'f.zip' },
      Timeout: 900,
    }),
  );
  const answer = await first.lambda.send(
    new InvokeCommand({ FunctionName: 'f', Payload: Buffer.from('{"n":1}') }),
  );
  expect(Buffer.from(answer.Payload ?? []).toString()).toBe('2');
  const { events } = await first.logs.send(new FilterLogEventsCommand({ logGroupName: '/aws/lambda/f' }));
  const messages = (events ?? []).map(({ message }) => message ?? '');
  expect(messages.some((message) => message.includes('INFO\tevent 1'))).toBe(true);
  expect(messages.at(-1)).toMatch(/^REPORT RequestId/);

  const busy = join(directory, 'busy');
  const lost = first.lambda.send(
    new InvokeCommand({ FunctionName: 'f', Payload: Buffer.from(JSON.stringify({ n: 2, busy })) }),
  );
  const ended = expect(lost).rejects.toThrow();
  // Accepted for later while the first process of the function is at work, and kept over the kill.
  const accepted = await first.lambda.send(
    new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event', Payload: Buffer.from('{"n":40}') }),
  );
  expect(accepted.StatusCode).toBe(202);
  const { ProgressEvent } = await first.control.send(
    new CreateResourceCommand({
      TypeName: 'AWS::Lambda::Permission',
      DesiredState: JSON.stringify({
        FunctionName: 'f',
        Action: 'lambda:InvokeFunction',
        Principal: 'iot.amazonaws.com',
      }),
    }),
  );
  const processes = await contentOf(busy);
  await first.end('SIGKILL');
  await ended;
  await vi.waitFor(
    () => {
      expect(isAlive(numberAfter('pid=', processes))).toBe(false);
      expect(isAlive(numberAfter('child=', processes))).toBe(false);
    },
    { timeout: 10_000 },
  );

  const second = await start();
  const again = await second.lambda.send(
    new InvokeCommand({ FunctionName: 'f', Payload: Buffer.from('{"n":5}') }),
  );
  expect(Buffer.from(again.Payload ?? []).toString()).toBe('6');
  await vi.waitFor(async () => {
    const filter = new FilterLogEventsCommand({ logGroupName: '/aws/lambda/f', filterPattern: '"event 40"' });
    expect((await second.logs.send(filter)).events?.length).toBeGreaterThan(0);
  });
  await vi.waitFor(async () => {
    const status = await second.control.send(
      new GetResourceRequestStatusCommand({ RequestToken: ProgressEvent?.RequestToken }),
    );
    expect(status.ProgressEvent?.OperationStatus).toMatch(/SUCCESS|FAILED/);
  });
  expect(await second.end('SIGTERM')).toBe(0);
});

test.runIf(hasAwsCli)('the AWS CLI creates, invokes and describes', async () => {
  const cloud = await start();
  const out = join(directory, 'out.json');
  const inline = {
    FunctionName: 'cli',
    Role: RoleArn,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: 'exports.handler = async (event) => ({ hello: event.name });' },
  };
  const created = await cloud.aws(
    ...['cloudcontrol', 'create-resource', '--type-name', 'AWS::Lambda::Function'],
    ...['--desired-state', JSON.stringify(inline)],
  );
  const status = new GetResourceRequestStatusCommand({ RequestToken: created.ProgressEvent.RequestToken });
  await vi.waitFor(async () => {
    expect((await cloud.control.send(status)).ProgressEvent?.OperationStatus).toBe('SUCCESS');
  });
  const invoked = await cloud.aws(
    ...['lambda', 'invoke', '--function-name', 'cli', '--payload', '{"name":"cli"}', out],
  );
  expect(invoked).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
  expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual({ hello: 'cli' });
  const zipFile = join(directory, 'code.zip');
  writeFileSync(zipFile, zip({ 'index.js': 'exports.handler = async () => "zip";' }));
  await cloud.aws(
    ...['lambda', 'update-function-code', '--function-name', 'cli', '--zip-file', `fileb://${zipFile}`],
  );
  const { Functions } = await cloud.aws('lambda', 'list-functions');
  expect(Functions).toHaveLength(2);
  const type = await cloud.aws(
    ...['cloudformation', 'describe-type', '--type', 'RESOURCE', '--type-name', 'AWS::Lambda::Function'],
  );
  expect(JSON.parse(type.Schema).primaryIdentifier).toEqual(['/properties/FunctionName']);
  expect(await cloud.end('SIGTERM')).toBe(0);
});

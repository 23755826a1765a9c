import * as iot from '@aws-sdk/client-iot';
import { CreateJobCommand, IoTClient } from '@aws-sdk/client-iot';
import { IoTJobsDataPlaneClient, UpdateJobExecutionCommand } from '@aws-sdk/client-iot-jobs-data-plane';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { awsCli, hasAwsCli } from '../../support/aws-cli.js';
import { clientConfig, startCloud } from '../../support/cloud.js';
import { startCommand } from '../../support/command.js';
import { temporaryDirectory } from '../cloud.js';
import { sdkConfig } from '../fleet.js';
import { groupArn, thingArn } from './support.js';

test('a job’s document comes from S3', async () => {
  const cloud = await startCloud();
  const s3 = new S3Client({ ...clientConfig(cloud), forcePathStyle: true });
  const client = new IoTClient(sdkConfig(cloud));
  await client.send(new iot.CreateThingCommand({ thingName: 'a' }));
  await s3.send(new CreateBucketCommand({ Bucket: 'documents' }));
  await s3.send(new PutObjectCommand({ Bucket: 'documents', Key: 'a/b.json', Body: '{"from":"s3"}' }));
  const create = (jobId: string, documentSource: string) =>
    client.send(new CreateJobCommand({ jobId, targets: [thingArn('a')], documentSource }));
  const sources = [
    'https://documents.s3.eu-central-1.amazonaws.com/a/b.json',
    'https://s3.eu-central-1.amazonaws.com/documents/a/b.json',
    `${cloud.endpointUrl}/documents/a/b.json`,
  ];
  for (const [index, source] of sources.entries()) {
    await create(`job-${index}`, source);
    const { document } = await client.send(new iot.GetJobDocumentCommand({ jobId: `job-${index}` }));
    expect(document).toBe('{"from":"s3"}');
  }
  const described = await client.send(new iot.DescribeJobCommand({ jobId: 'job-0' }));
  expect(described.documentSource).toBe(sources[0]);
  await expect(create('none', 's3://documents/nothing')).rejects.toThrow(iot.InvalidRequestException);
  await expect(create('none', 'ftp://documents/a/b.json')).rejects.toThrow(iot.InvalidRequestException);
});

test('what was acknowledged is there after kill -9', async () => {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const things = ['a', 'b', 'c', 'd'];
  let acknowledged = new Map<string, string>();
  for (let round = 0; round < 2; round += 1) {
    const cloud = await startCommand(directory.path);
    const client = new IoTClient(sdkConfig(cloud));
    const device = new IoTJobsDataPlaneClient(sdkConfig(cloud));
    if (round === 0) {
      await client.send(new iot.CreateThingGroupCommand({ thingGroupName: 'fleet' }));
      for (const thingName of things) {
        await client.send(new iot.CreateThingCommand({ thingName }));
        await client.send(new iot.AddThingToThingGroupCommand({ thingName, thingGroupName: 'fleet' }));
      }
      await client.send(
        new CreateJobCommand({
          jobId: 'job',
          document: '{}',
          targets: [groupArn('fleet')],
          targetSelection: 'CONTINUOUS',
        }),
      );
    }
    const { executionSummaries = [] } = await client.send(
      new iot.ListJobExecutionsForJobCommand({ jobId: 'job' }),
    );
    const statuses = new Map(
      executionSummaries.map(({ thingArn: arn = '', jobExecutionSummary }) => [
        arn.split('/')[1] ?? '',
        jobExecutionSummary?.status ?? '',
      ]),
    );
    for (const [thing, status] of acknowledged) expect(statuses.get(thing)).toBe(status);
    expect(statuses.size).toBe(4);
    // Killed while the updates come in; those that were answered count.
    acknowledged = new Map();
    const updates = things.map(async (thingName, index) => {
      const status = ['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'IN_PROGRESS'][index] ?? '';
      await device.send(
        new UpdateJobExecutionCommand({ thingName, jobId: 'job', status: status as 'FAILED' }),
      );
      acknowledged.set(thingName, status);
      if (acknowledged.size === 2) await cloud.end('SIGKILL');
    });
    await Promise.allSettled(updates);
    if (round === 0) expect(acknowledged.size).toBeGreaterThanOrEqual(2);
    await cloud.end('SIGKILL');
  }
});

// The command takes seconds to start on a busy machine.
test.runIf(hasAwsCli)('the AWS CLI runs a job', { timeout: 300_000 }, async () => {
  const cloud = await startCloud();
  const cli = awsCli(cloud);
  const aws = async (...words: string[]): Promise<Record<string, unknown>> => {
    const output = await cli(...words, '--output', 'json');
    return output.trim() === '' ? {} : (JSON.parse(output) as Record<string, unknown>);
  };
  await aws('iot', 'create-thing', '--thing-name', 'a');
  await aws(
    ...['iot', 'create-job', '--job-id', 'job', '--targets', thingArn('a'), '--document', '{"n":1}'],
    ...['--job-executions-rollout-config', '{"maximumPerMinute":10}'],
  );
  const ofThing = ['--thing-name', 'a'];
  const started = await aws('iot-jobs-data', 'start-next-pending-job-execution', ...ofThing);
  expect(started).toMatchObject({
    execution: { jobId: 'job', status: 'IN_PROGRESS', jobDocument: '{"n":1}' },
  });
  const [pending, described] = await Promise.all([
    aws('iot-jobs-data', 'get-pending-job-executions', ...ofThing),
    aws('iot-jobs-data', 'describe-job-execution', '--job-id', '$next', ...ofThing),
  ]);
  expect(pending).toMatchObject({ inProgressJobs: [{ jobId: 'job' }] });
  expect(described).toMatchObject({ execution: { jobId: 'job' } });
  await aws(
    ...['iot-jobs-data', 'update-job-execution', '--job-id', 'job', ...ofThing],
    ...['--status', 'SUCCEEDED', '--status-details', '{"a":"b"}'],
  );
  const job = await aws('iot', 'describe-job', '--job-id', 'job');
  expect(job).toMatchObject({
    job: { status: 'COMPLETED', jobProcessDetails: { numberOfSucceededThings: 1 } },
  });
});

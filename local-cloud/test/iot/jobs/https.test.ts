import { Agent } from 'node:https';
import { DescribeEndpointCommand, ListJobExecutionsForThingCommand } from '@aws-sdk/client-iot';
import * as sdk from '@aws-sdk/client-iot-jobs-data-plane';
import { expect, onTestFinished, test } from 'vitest';
import { newIdentity, policyText, rootCa, sdkConfig } from '../fleet.js';
import { jobsCloud, thingArn } from './support.js';

test('a signed caller acts for a device', async () => {
  const { cloud, clock, things, create, job } = await jobsCloud();
  await things('a');
  const device = new sdk.IoTJobsDataPlaneClient(sdkConfig(cloud));
  const thingName = 'a';
  const start = (input: Partial<sdk.StartNextPendingJobExecutionCommandInput> = {}) =>
    device.send(new sdk.StartNextPendingJobExecutionCommand({ thingName, ...input }));
  expect((await start()).execution).toBeUndefined();
  await create('one', [thingArn('a')], {
    document: '{"n":1}',
    timeoutConfig: { inProgressTimeoutInMinutes: 9 },
  });
  await create('two', [thingArn('a')]);
  const now = Math.floor(clock.now() / 1000);
  const pending = await device.send(new sdk.GetPendingJobExecutionsCommand({ thingName }));
  expect(pending.inProgressJobs).toEqual([]);
  expect(pending.queuedJobs).toEqual([
    { jobId: 'one', queuedAt: now, lastUpdatedAt: now, versionNumber: 1, executionNumber: 1 },
    { jobId: 'two', queuedAt: now, lastUpdatedAt: now, versionNumber: 1, executionNumber: 1 },
  ]);
  const describe = async (input: Partial<sdk.DescribeJobExecutionCommandInput>) =>
    (await device.send(new sdk.DescribeJobExecutionCommand({ thingName, jobId: 'one', ...input }))).execution;
  expect(await describe({ jobId: '$next' })).toMatchObject({
    jobId: 'one',
    thingName: 'a',
    status: 'QUEUED',
    jobDocument: '{"n":1}',
  });
  expect(await describe({ includeJobDocument: false })).not.toHaveProperty('jobDocument');
  expect((await start({ statusDetails: { a: 'b' } })).execution).toMatchObject({
    jobId: 'one',
    status: 'IN_PROGRESS',
    statusDetails: { a: 'b' },
    approximateSecondsBeforeTimedOut: 540,
    versionNumber: 2,
  });
  const update = (input: Partial<sdk.UpdateJobExecutionCommandInput>) =>
    device.send(
      new sdk.UpdateJobExecutionCommand({ thingName, jobId: 'one', status: 'IN_PROGRESS', ...input }),
    );
  await expect(update({ expectedVersion: 1 })).rejects.toThrow(sdk.InvalidRequestException);
  const updated = await update({
    expectedVersion: 2,
    statusDetails: { a: 'c' },
    includeJobExecutionState: true,
    includeJobDocument: true,
  });
  expect(updated).toMatchObject({
    executionState: { status: 'IN_PROGRESS', statusDetails: { a: 'c' }, versionNumber: 3 },
    jobDocument: '{"n":1}',
  });
  await update({ status: 'SUCCEEDED' });
  expect((await job('one')).status).toBe('COMPLETED');
  await expect(update({ status: 'FAILED' })).rejects.toThrow(sdk.InvalidStateTransitionException);
  await expect(describe({})).rejects.toThrow(sdk.TerminalStateException);
  await expect(describe({ jobId: 'three' })).rejects.toThrow(sdk.ResourceNotFoundException);
  await expect(start({ thingName: 'nobody' })).rejects.toThrow(sdk.ResourceNotFoundException);
  await expect(start({ stepTimeoutInMinutes: 10_081 })).rejects.toThrow(sdk.InvalidRequestException);
  await expect(
    device.send(
      new sdk.StartCommandExecutionCommand({ targetArn: thingArn('a'), commandArn: `${thingArn('a')}/c` }),
    ),
  ).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('StartCommandExecution'),
  });
});

test('a device acts with its certificate as far as its policy goes', async () => {
  const { cloud, iot, things, create, job } = await jobsCloud();
  await things('a', 'b');
  await create('job', [thingArn('a'), thingArn('b')]);
  const identity = await newIdentity(
    iot,
    'device',
    policyText(
      {
        Effect: 'Allow',
        Action: ['iot:StartNextPendingJobExecution', 'iot:GetPendingJobExecutions', 'iot:UpdateJobExecution'],
        Resource: thingArn('a'),
      },
      { Effect: 'Allow', Action: 'iot:DescribeJobExecution', Resource: thingArn('b') },
    ),
  );
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Jobs' }));
  expect(endpointAddress).toBe(`localhost:${cloud.ports.https}`);
  const agent = new Agent({ ca: rootCa(cloud), cert: identity.cert, key: identity.key });
  const device = new sdk.IoTJobsDataPlaneClient({
    ...sdkConfig(cloud),
    endpoint: `https://${endpointAddress}`,
    requestHandler: { httpsAgent: agent },
  });
  onTestFinished(() => device.destroy());
  const { execution } = await device.send(
    new sdk.StartNextPendingJobExecutionCommand({ thingName: 'a', statusDetails: { step: '1' } }),
  );
  expect(execution).toMatchObject({ jobId: 'job', status: 'IN_PROGRESS' });
  await device.send(new sdk.UpdateJobExecutionCommand({ thingName: 'a', jobId: 'job', status: 'SUCCEEDED' }));
  expect((await device.send(new sdk.GetPendingJobExecutionsCommand({ thingName: 'a' }))).queuedJobs).toEqual(
    [],
  );
  await device.send(new sdk.DescribeJobExecutionCommand({ thingName: 'b', jobId: '$next' }));
  const forbidden = { name: 'ForbiddenException' };
  await expect(
    device.send(new sdk.DescribeJobExecutionCommand({ thingName: 'a', jobId: 'job' })),
  ).rejects.toMatchObject(forbidden);
  await expect(
    device.send(new sdk.StartNextPendingJobExecutionCommand({ thingName: 'b' })),
  ).rejects.toMatchObject(forbidden);
  expect((await job('job')).jobProcessDetails).toMatchObject({
    numberOfSucceededThings: 1,
    numberOfQueuedThings: 1,
  });
  const { executionSummaries } = await iot.send(new ListJobExecutionsForThingCommand({ thingName: 'b' }));
  expect(executionSummaries).toHaveLength(1);
});

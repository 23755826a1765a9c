import * as sdk from '@aws-sdk/client-iot';
import { expect, test } from 'vitest';
import { sdkConfig } from '../fleet.js';
import { groupArn, jobArn, jobsCloud, thingArn } from './support.js';

test('a job runs to its end, and each operation tells where it is', async () => {
  const { iot, clock, things, group, create, job, statuses, report } = await jobsCloud();
  await things('a', 'b', 'c');
  await group('fleet', ['a', 'b']);
  const made = await create('update', [groupArn('fleet'), thingArn('c'), thingArn('a')], {
    description: 'The update',
    document: '{"version":2}',
    tags: [{ Key: 'team', Value: 'x' }],
    timeoutConfig: { inProgressTimeoutInMinutes: 5 },
  });
  expect(made).toMatchObject({ jobArn: jobArn('update'), jobId: 'update', description: 'The update' });
  const created = await job('update');
  expect(created).toMatchObject({
    jobArn: jobArn('update'),
    targetSelection: 'SNAPSHOT',
    status: 'IN_PROGRESS',
    targets: [groupArn('fleet'), thingArn('c'), thingArn('a')],
    timeoutConfig: { inProgressTimeoutInMinutes: 5 },
    isConcurrent: false,
    jobProcessDetails: { numberOfQueuedThings: 3, numberOfInProgressThings: 0 },
  });
  const { document } = await iot.send(new sdk.GetJobDocumentCommand({ jobId: 'update' }));
  expect(document).toBe('{"version":2}');
  const tags = await iot.send(new sdk.ListTagsForResourceCommand({ resourceArn: jobArn('update') }));
  expect(tags.tags).toEqual([{ Key: 'team', Value: 'x' }]);

  report('a', 'update', 'IN_PROGRESS');
  clock.advance(60_000);
  const { execution } = await iot.send(
    new sdk.DescribeJobExecutionCommand({ jobId: 'update', thingName: 'a' }),
  );
  expect(execution).toMatchObject({
    jobId: 'update',
    status: 'IN_PROGRESS',
    thingArn: thingArn('a'),
    executionNumber: 1,
    versionNumber: 2,
    approximateSecondsBeforeTimedOut: 240,
  });
  report('a', 'update', 'SUCCEEDED');
  report('b', 'update', 'FAILED');
  expect((await job('update')).status).toBe('IN_PROGRESS');
  report('c', 'update', 'REJECTED');
  expect(await statuses('update')).toEqual({ a: 'SUCCEEDED', b: 'FAILED', c: 'REJECTED' });
  expect(await job('update')).toMatchObject({
    status: 'COMPLETED',
    completedAt: new Date(clock.now()),
    jobProcessDetails: {
      numberOfQueuedThings: 0,
      numberOfSucceededThings: 1,
      numberOfFailedThings: 1,
      numberOfRejectedThings: 1,
    },
  });
  await iot.send(new sdk.DeleteJobCommand({ jobId: 'update' }));
  await expect(job('update')).rejects.toThrow(sdk.ResourceNotFoundException);
  await expect(
    iot.send(new sdk.ListTagsForResourceCommand({ resourceArn: jobArn('update') })),
  ).rejects.toThrow(sdk.ResourceNotFoundException);
});

test('jobs and executions are listed by what they are asked for', async () => {
  const { iot, things, group, create, report } = await jobsCloud();
  await things('a', 'b');
  await group('fleet', ['a']);
  await create('first', [thingArn('a'), thingArn('b')]);
  await create('second', [groupArn('fleet')], { targetSelection: 'CONTINUOUS' });
  await create('third', [groupArn('fleet')], { namespaceId: 'other' });
  report('a', 'first', 'SUCCEEDED');
  report('b', 'first', 'SUCCEEDED');
  const list = async (input: sdk.ListJobsCommandInput) =>
    (await iot.send(new sdk.ListJobsCommand(input))).jobs?.map(({ jobId }) => jobId);
  expect(await list({})).toEqual(['third', 'second', 'first']);
  expect(await list({ status: 'COMPLETED' })).toEqual(['first']);
  expect(await list({ targetSelection: 'CONTINUOUS' })).toEqual(['second']);
  expect(await list({ namespaceId: 'other' })).toEqual(['third']);
  expect(await list({ thingGroupName: 'fleet' })).toEqual(['third', 'second']);
  await expect(list({ thingGroupName: 'nobody' })).rejects.toThrow(sdk.ResourceNotFoundException);
  const page = await iot.send(new sdk.ListJobsCommand({ maxResults: 2 }));
  expect(await list({ maxResults: 2, nextToken: page.nextToken })).toEqual(['first']);

  const ofThing = async (input: Partial<sdk.ListJobExecutionsForThingCommandInput>) =>
    (
      await iot.send(new sdk.ListJobExecutionsForThingCommand({ thingName: 'a', ...input }))
    ).executionSummaries?.map(({ jobId }) => jobId);
  expect(await ofThing({})).toEqual(['first', 'second', 'third']);
  expect(await ofThing({ namespaceId: 'other' })).toEqual(['third']);
  expect(await ofThing({ status: 'QUEUED' })).toEqual(['second', 'third']);
  expect(await ofThing({ jobId: 'first' })).toEqual(['first']);
  await expect(ofThing({ thingName: 'nobody' })).rejects.toThrow(sdk.ResourceNotFoundException);
});

test('canceling and deleting take back what has not ended', async () => {
  const { iot, things, create, job, statuses, report } = await jobsCloud();
  await things('a', 'b');
  const targets = [thingArn('a'), thingArn('b')];
  await create('one', targets);
  report('a', 'one', 'IN_PROGRESS');
  await iot.send(
    new sdk.CancelJobCommand({ jobId: 'one', reasonCode: 'NOT_NEEDED', comment: 'Not any more.' }),
  );
  expect(await statuses('one')).toEqual({ a: 'IN_PROGRESS', b: 'CANCELED' });
  expect(await job('one')).toMatchObject({
    status: 'CANCELED',
    reasonCode: 'NOT_NEEDED',
    comment: 'Not any more.',
    isConcurrent: false,
  });
  await expect(iot.send(new sdk.CancelJobCommand({ jobId: 'one' }))).rejects.toThrow(
    sdk.InvalidRequestException,
  );
  report('a', 'one', 'SUCCEEDED');
  await iot.send(new sdk.DeleteJobCommand({ jobId: 'one' }));

  await create('two', targets);
  report('a', 'two', 'IN_PROGRESS');
  await iot.send(new sdk.CancelJobCommand({ jobId: 'two', force: true }));
  expect(await statuses('two')).toEqual({ a: 'CANCELED', b: 'CANCELED' });
  expect(await job('two')).toMatchObject({ forceCanceled: true });

  await create('three', targets);
  report('a', 'three', 'IN_PROGRESS');
  const cancel = (thingName: string, input: Partial<sdk.CancelJobExecutionCommandInput> = {}) =>
    iot.send(new sdk.CancelJobExecutionCommand({ jobId: 'three', thingName, ...input }));
  await expect(cancel('a')).rejects.toThrow(sdk.InvalidStateTransitionException);
  await expect(cancel('a', { force: true, expectedVersion: 7 })).rejects.toThrow(
    sdk.VersionConflictException,
  );
  await expect(cancel('a', { force: true, statusDetails: { 'a b': 'c' } })).rejects.toThrow(
    sdk.InvalidRequestException,
  );
  await cancel('a', { force: true, expectedVersion: 2, statusDetails: { why: 'so' } });
  const { execution } = await iot.send(
    new sdk.DescribeJobExecutionCommand({ jobId: 'three', thingName: 'a' }),
  );
  expect(execution).toMatchObject({
    status: 'CANCELED',
    forceCanceled: true,
    statusDetails: { detailsMap: { why: 'so' } },
  });
  const remove = (executionNumber: number, force?: boolean) =>
    iot.send(new sdk.DeleteJobExecutionCommand({ jobId: 'three', thingName: 'b', executionNumber, force }));
  await expect(remove(1)).rejects.toThrow(sdk.InvalidStateTransitionException);
  await expect(remove(2)).rejects.toThrow(sdk.ResourceNotFoundException);
  await expect(iot.send(new sdk.DeleteJobCommand({ jobId: 'three' }))).rejects.toThrow(
    sdk.InvalidStateTransitionException,
  );
  await remove(1, true);
  expect(await statuses('three')).toEqual({ a: 'CANCELED' });
  expect((await job('three')).status).toBe('COMPLETED');

  await create('four', targets);
  await iot.send(new sdk.DeleteJobCommand({ jobId: 'four', force: true }));
  await expect(job('four')).rejects.toThrow(sdk.ResourceNotFoundException);
  await create('four', targets);
  expect(await statuses('four')).toEqual({ a: 'QUEUED', b: 'QUEUED' });
});

test('jobs are updated and get more targets', async () => {
  const { iot, things, group, create, job, statuses } = await jobsCloud();
  await things('a', 'b');
  await group('fleet', ['a']);
  await create('job', [groupArn('fleet')], { targetSelection: 'CONTINUOUS' });
  await iot.send(
    new sdk.UpdateJobCommand({
      jobId: 'job',
      description: 'New',
      jobExecutionsRolloutConfig: { maximumPerMinute: 5 },
    }),
  );
  expect(await job('job')).toMatchObject({
    description: 'New',
    jobExecutionsRolloutConfig: { maximumPerMinute: 5 },
  });
  await iot.send(
    new sdk.AssociateTargetsWithJobCommand({ jobId: 'job', targets: [thingArn('b')], comment: 'b too' }),
  );
  expect(await statuses('job')).toEqual({ a: 'QUEUED', b: 'QUEUED' });
  expect(await job('job')).toMatchObject({ comment: 'b too', targets: [groupArn('fleet'), thingArn('b')] });
  await create('snapshot', [thingArn('a')]);
  await expect(
    iot.send(new sdk.AssociateTargetsWithJobCommand({ jobId: 'snapshot', targets: [thingArn('b')] })),
  ).rejects.toThrow(sdk.InvalidRequestException);
  await expect(
    iot.send(new sdk.UpdateJobCommand({ jobId: 'job', timeoutConfig: { inProgressTimeoutInMinutes: 0 } })),
  ).rejects.toThrow(sdk.InvalidRequestException);
  await iot.send(new sdk.CancelJobCommand({ jobId: 'job' }));
  await expect(iot.send(new sdk.UpdateJobCommand({ jobId: 'job', description: 'x' }))).rejects.toThrow(
    sdk.InvalidRequestException,
  );
});

test('what a job cannot be is refused', async () => {
  const { things, create } = await jobsCloud();
  await things('a');
  const a = [thingArn('a')];
  await create('job', a);
  await expect(create('job', a)).rejects.toThrow(sdk.ResourceAlreadyExistsException);
  await expect(create('new', [thingArn('nobody')])).rejects.toThrow(sdk.ResourceNotFoundException);
  const invalid: [string, string[], Partial<sdk.CreateJobCommandInput>][] = [
    ['with space', a, {}],
    ['x'.repeat(65), a, {}],
    ['new', [], {}],
    ['new', ['arn:aws:iot:eu-central-1:000000000000:cert/a'], {}],
    ['new', a, { document: '{"not' }],
    ['new', a, { document: undefined }],
    ['new', a, { documentSource: 'https://s3.eu-central-1.amazonaws.com/b/k' }],
    ['new', a, { document: JSON.stringify('x'.repeat(32_768)) }],
    ['new', a, { description: 'x'.repeat(2029) }],
    ['new', a, { jobExecutionsRolloutConfig: { maximumPerMinute: 1001 } }],
    [
      'new',
      a,
      {
        jobExecutionsRolloutConfig: {
          exponentialRate: {
            baseRatePerMinute: 5,
            incrementFactor: 1,
            rateIncreaseCriteria: { numberOfNotifiedThings: 1 },
          },
        },
      },
    ],
    [
      'new',
      a,
      {
        abortConfig: {
          criteriaList: [
            { failureType: 'ALL', action: 'CANCEL', thresholdPercentage: 101, minNumberOfExecutedThings: 1 },
          ],
        },
      },
    ],
    ['new', a, { timeoutConfig: { inProgressTimeoutInMinutes: 10_081 } }],
    [
      'new',
      a,
      { jobExecutionsRetryConfig: { criteriaList: [{ failureType: 'FAILED', numberOfRetries: 11 }] } },
    ],
    ['new', a, { namespaceId: 'a b' }],
  ];
  for (const [jobId, targets, input] of invalid) {
    await expect(create(jobId, targets, input), JSON.stringify(input)).rejects.toThrow(
      sdk.InvalidRequestException,
    );
  }
  for (const input of [
    { schedulingConfig: { startTime: '2030-01-01 10:00' } },
    { presignedUrlConfig: { roleArn: 'arn:aws:iam::000000000000:role/r' } },
    { jobTemplateArn: 'arn:aws:iot:eu-central-1::jobtemplate/AWS-Reboot:1.0' },
    { document: '{"url":"${aws:iot:s3-presigned-url:https://s3.amazonaws.com/b/k}"}' },
  ]) {
    await expect(create('new', a, input)).rejects.toMatchObject({ name: 'NotImplementedException' });
  }
});

test('jobs are made of templates', async () => {
  const { iot, clock, things, create, job } = await jobsCloud();
  await things('a');
  const template = (jobTemplateId: string, input: Partial<sdk.CreateJobTemplateCommandInput> = {}) =>
    iot.send(new sdk.CreateJobTemplateCommand({ jobTemplateId, description: 'A template', ...input }));
  const { jobTemplateArn } = await template('update', {
    document: '{"from":"template"}',
    timeoutConfig: { inProgressTimeoutInMinutes: 5 },
    jobExecutionsRolloutConfig: { maximumPerMinute: 7 },
    tags: [{ Key: 'a', Value: 'b' }],
  });
  expect(jobTemplateArn).toBe(jobArn('update').replace(':job/', ':jobtemplate/'));
  await expect(template('update', { document: '{}' })).rejects.toThrow(sdk.ConflictException);
  await expect(template('none')).rejects.toThrow(sdk.InvalidRequestException);
  await expect(template('none', { document: 'no' })).rejects.toThrow(sdk.InvalidRequestException);
  await create('job', [thingArn('a')], {
    document: undefined,
    jobTemplateArn,
    jobExecutionsRolloutConfig: { maximumPerMinute: 9 },
  });
  expect(await job('job')).toMatchObject({
    jobTemplateArn,
    description: 'A template',
    timeoutConfig: { inProgressTimeoutInMinutes: 5 },
    jobExecutionsRolloutConfig: { maximumPerMinute: 9 },
  });
  const { document } = await iot.send(new sdk.GetJobDocumentCommand({ jobId: 'job' }));
  expect(document).toBe('{"from":"template"}');
  await template('again', { jobArn: jobArn('job') });
  expect(await iot.send(new sdk.DescribeJobTemplateCommand({ jobTemplateId: 'again' }))).toMatchObject({
    description: 'A template',
    document: '{"from":"template"}',
    createdAt: new Date(clock.now()),
    timeoutConfig: { inProgressTimeoutInMinutes: 5 },
    jobExecutionsRolloutConfig: { maximumPerMinute: 9 },
  });
  const { tags } = await iot.send(new sdk.ListTagsForResourceCommand({ resourceArn: jobTemplateArn }));
  expect(tags).toEqual([{ Key: 'a', Value: 'b' }]);
  await iot.send(new sdk.DeleteJobTemplateCommand({ jobTemplateId: 'update' }));
  const { jobTemplates } = await iot.send(new sdk.ListJobTemplatesCommand({}));
  expect(jobTemplates?.map(({ jobTemplateId }) => jobTemplateId)).toEqual(['again']);
  await expect(create('new', [thingArn('a')], { document: undefined, jobTemplateArn })).rejects.toThrow(
    sdk.ResourceNotFoundException,
  );
});

test('roles do with jobs what their policies allow', async () => {
  const allowed = new Set([`iot:CreateJob ${jobArn('mine')}`, `iot:CreateJob ${thingArn('a')}`]);
  const { cloud, things } = await jobsCloud({
    roles: {
      decide: (_role, { action, resource }) =>
        allowed.has(`${action} ${resource}`) ? 'allowed' : 'implicitDeny',
    },
  });
  await things('a', 'b');
  const credentials = cloud.issuer.issue('deployer', 'session', 900);
  const role = new sdk.IoTClient({ ...sdkConfig(cloud), credentials });
  const create = (jobId: string, targets: string[]) =>
    role.send(new sdk.CreateJobCommand({ jobId, targets, document: '{}' }));
  await create('mine', [thingArn('a')]);
  await expect(create('mine', [thingArn('b')])).rejects.toThrow(sdk.UnauthorizedException);
  await expect(create('other', [thingArn('a')])).rejects.toThrow(sdk.UnauthorizedException);
  await expect(
    role.send(new sdk.DescribeJobExecutionCommand({ jobId: 'mine', thingName: 'a' })),
  ).rejects.toThrow(sdk.UnauthorizedException);
});

test('lists refuse a filter by a status that there is not', async () => {
  const { iot } = await jobsCloud();
  // As typed by hand on a command line.
  const status = 'DONE' as sdk.JobStatus & sdk.JobExecutionStatus;
  const refused = {
    name: 'InvalidRequestException',
    message: expect.stringContaining("Value 'DONE' at 'status' failed to satisfy constraint"),
  };
  await expect(iot.send(new sdk.ListJobsCommand({ status }))).rejects.toMatchObject(refused);
  const forJob = new sdk.ListJobExecutionsForJobCommand({ jobId: 'update', status });
  await expect(iot.send(forJob)).rejects.toMatchObject(refused);
  const forThing = new sdk.ListJobExecutionsForThingCommand({ thingName: 'a', status });
  await expect(iot.send(forThing)).rejects.toMatchObject(refused);
});

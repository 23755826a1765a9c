import * as sdk from '@aws-sdk/client-iot';
import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../../src/clock.js';
import { openTables } from '../../../src/services/iot/tables.js';
import { key, openStore } from '../../../src/store/store.js';
import { openIotCloud, temporaryDirectory } from '../cloud.js';
import { actions, groupArn, jobsCloud, thingArn } from './support.js';

const MINUTE = 60_000;
const names = (count: number) => Array.from({ length: count }, (_, n) => `t${String(n).padStart(5, '0')}`);

/** A group of as many things; written directly, as a call for each would take its time. */
async function fleet(count: number) {
  const all = names(count);
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const store = openStore(directory.path);
  const tables = openTables(store);
  store.transaction(() => {
    for (const thingName of all) {
      tables.things.put(thingName, { thingName, thingId: thingName, attributes: {}, version: 1 });
      tables.groupMembers.put(key('fleet', thingName), true);
      tables.thingMemberships.put(key(thingName, 'fleet'), true);
    }
  });
  await store.close();
  const jobs = await jobsCloud({ stateDirectory: directory.path });
  await jobs.group('fleet');
  return { ...jobs, all };
}

test('an exponential rollout reaches 200 things faster and faster', { timeout: 30_000 }, async () => {
  const { clock, create, job, statuses, report } = await fleet(200);
  await create('job', [groupArn('fleet')], {
    jobExecutionsRolloutConfig: {
      exponentialRate: {
        baseRatePerMinute: 10,
        incrementFactor: 2,
        rateIncreaseCriteria: { numberOfNotifiedThings: 20 },
      },
      maximumPerMinute: 60,
    },
  });
  const notified = async () => Object.keys(await statuses('job')).length;
  const seen = [await notified()];
  expect((await job('job')).isConcurrent).toBe(true);
  while ((seen.at(-1) ?? 0) < 200) {
    clock.advance(MINUTE);
    seen.push(await notified());
  }
  // 10 a minute up to 20 things, then 20 up to 40, then 40, then as many as are allowed.
  expect(seen).toEqual([10, 20, 40, 80, 140, 200]);
  expect((await job('job')).isConcurrent).toBe(false);
  for (const thing of Object.keys(await statuses('job'))) report(thing, 'job', 'SUCCEEDED');
  expect(await job('job')).toMatchObject({
    status: 'COMPLETED',
    jobProcessDetails: { numberOfSucceededThings: 200 },
  });
});

test('a rollout that grows with successes waits for them', async () => {
  const { clock, create, statuses, report } = await fleet(12);
  await create('job', [groupArn('fleet')], {
    jobExecutionsRolloutConfig: {
      exponentialRate: {
        baseRatePerMinute: 1,
        incrementFactor: 3,
        rateIncreaseCriteria: { numberOfSucceededThings: 2 },
      },
    },
  });
  const queued = async () =>
    Object.entries(await statuses('job')).flatMap(([t, s]) => (s === 'QUEUED' ? t : []));
  const step = async () => {
    clock.advance(MINUTE);
    return Object.keys(await statuses('job')).length;
  };
  expect([await step(), await step()]).toEqual([2, 3]);
  for (const thing of (await queued()).slice(0, 2)) report(thing, 'job', 'SUCCEEDED');
  expect([await step(), await step()]).toEqual([6, 9]);
  expect(await step()).toBe(12);
});

test('a job that fails too often is aborted', async () => {
  const { clock, create, job, statuses, report } = await fleet(20);
  await create('job', [groupArn('fleet')], {
    jobExecutionsRolloutConfig: { maximumPerMinute: 5 },
    abortConfig: {
      criteriaList: [
        { failureType: 'REJECTED', action: 'CANCEL', thresholdPercentage: 1, minNumberOfExecutedThings: 1 },
        { failureType: 'FAILED', action: 'CANCEL', thresholdPercentage: 20, minNumberOfExecutedThings: 10 },
      ],
    },
  });
  const [first = '', second = '', third = '', fourth = ''] = Object.keys(await statuses('job'));
  report(first, 'job', 'FAILED');
  report(second, 'job', 'FAILED');
  report(fourth, 'job', 'IN_PROGRESS');
  // Two of five are enough, but five things are not.
  expect((await job('job')).status).toBe('IN_PROGRESS');
  clock.advance(MINUTE);
  const aborted = await job('job');
  expect(aborted).toMatchObject({
    status: 'CANCELED',
    reasonCode: 'ABORT_CRITERIA_MET',
    jobProcessDetails: { numberOfFailedThings: 2, numberOfCanceledThings: 7, numberOfInProgressThings: 1 },
  });
  expect(aborted.forceCanceled ?? false).toBe(false);
  expect((await statuses('job'))[third]).toBe('CANCELED');
  clock.advance(10 * MINUTE);
  expect(Object.keys(await statuses('job'))).toHaveLength(10);
});

test('executions that take too long time out, also by the timer of a step', async () => {
  const { clock, cloud, things, create, statuses, report } = await jobsCloud();
  await things('a', 'b', 'c');
  await create('job', [thingArn('a'), thingArn('b'), thingArn('c')], {
    timeoutConfig: { inProgressTimeoutInMinutes: 10 },
  });
  report('a', 'job', 'IN_PROGRESS');
  const scope = { thingName: 'b', namespaceId: undefined };
  const step = (minutes: number) =>
    cloud.iot.deviceJobs.update(scope, 'job', { status: 'IN_PROGRESS', stepTimeoutInMinutes: minutes });
  step(2);
  clock.advance(MINUTE);
  step(2);
  clock.advance(MINUTE + 1);
  expect(await statuses('job')).toEqual({ a: 'IN_PROGRESS', b: 'IN_PROGRESS', c: 'QUEUED' });
  step(-1);
  clock.advance(5 * MINUTE);
  expect(await statuses('job')).toMatchObject({ b: 'IN_PROGRESS' });
  step(1);
  clock.advance(MINUTE);
  expect(await statuses('job')).toEqual({ a: 'IN_PROGRESS', b: 'TIMED_OUT', c: 'QUEUED' });
  // The step's timer does not move the job's.
  clock.advance(2 * MINUTE - 2);
  expect(await statuses('job')).toMatchObject({ a: 'IN_PROGRESS' });
  clock.advance(2);
  expect(await statuses('job')).toEqual({ a: 'TIMED_OUT', b: 'TIMED_OUT', c: 'QUEUED' });
});

test('failures are retried as often as the job says', async () => {
  const { iot, clock, things, create, job, report } = await jobsCloud();
  await things('a');
  await create('job', [thingArn('a')], {
    timeoutConfig: { inProgressTimeoutInMinutes: 1 },
    jobExecutionsRetryConfig: {
      criteriaList: [
        { failureType: 'FAILED', numberOfRetries: 1 },
        { failureType: 'TIMED_OUT', numberOfRetries: 1 },
      ],
    },
  });
  const execution = async (executionNumber?: number) =>
    (await iot.send(new sdk.DescribeJobExecutionCommand({ jobId: 'job', thingName: 'a', executionNumber })))
      .execution;
  report('a', 'job', 'FAILED');
  expect(await execution()).toMatchObject({ status: 'QUEUED', executionNumber: 2, versionNumber: 1 });
  expect(await execution(1)).toMatchObject({ status: 'FAILED', executionNumber: 1 });
  report('a', 'job', 'IN_PROGRESS');
  clock.advance(MINUTE);
  expect(await execution()).toMatchObject({ status: 'QUEUED', executionNumber: 3 });
  report('a', 'job', 'FAILED');
  expect(await execution()).toMatchObject({ status: 'FAILED', executionNumber: 3 });
  expect(await job('job')).toMatchObject({
    status: 'COMPLETED',
    jobProcessDetails: { numberOfFailedThings: 1, numberOfTimedOutThings: 0 },
  });
  const { executionSummaries } = await iot.send(new sdk.ListJobExecutionsForJobCommand({ jobId: 'job' }));
  expect(executionSummaries?.map(({ jobExecutionSummary }) => jobExecutionSummary?.retryAttempt)).toEqual([
    2,
  ]);
});

test('a continuous job follows who joins and leaves its groups', async () => {
  const { iot, things, group, create, job, statuses, report } = await jobsCloud();
  await things('a', 'b', 'c');
  await group('root', ['a']);
  await group('child', [], 'root');
  await create('job', [groupArn('root')], { targetSelection: 'CONTINUOUS' });
  await create('once', [groupArn('root')]);
  report('a', 'job', 'SUCCEEDED');
  expect((await job('job')).status).toBe('IN_PROGRESS');
  const join = (thingName: string, thingGroupName: string) =>
    iot.send(new sdk.AddThingToThingGroupCommand({ thingName, thingGroupName }));
  const leave = (thingName: string, thingGroupName: string) =>
    iot.send(new sdk.RemoveThingFromThingGroupCommand({ thingName, thingGroupName }));
  await join('b', 'child');
  await join('c', 'root');
  expect(await statuses('job')).toEqual({ a: 'SUCCEEDED', b: 'QUEUED', c: 'QUEUED' });
  expect(await statuses('once')).toEqual({ a: 'QUEUED' });

  // Provisioned into a nested group.
  await iot.send(
    new sdk.RegisterThingCommand({
      templateBody: JSON.stringify({
        Resources: {
          thing: { Type: 'AWS::IoT::Thing', Properties: { ThingName: 'd', ThingGroups: ['child'] } },
        },
      }),
    }),
  );
  report('b', 'job', 'IN_PROGRESS');
  await leave('b', 'child');
  await leave('c', 'root');
  expect(await statuses('job')).toEqual({ a: 'SUCCEEDED', b: 'IN_PROGRESS', c: 'REMOVED', d: 'QUEUED' });
  report('b', 'job', 'SUCCEEDED');

  // Who comes again gets it again, also who has moved within the hierarchy not.
  await join('b', 'child');
  await join('c', 'root');
  await iot.send(
    new sdk.UpdateThingGroupsForThingCommand({
      thingName: 'a',
      thingGroupsToRemove: ['root'],
      thingGroupsToAdd: ['child'],
    }),
  );
  expect(await statuses('job')).toEqual({ a: 'SUCCEEDED', b: 'QUEUED', c: 'QUEUED', d: 'QUEUED' });
  const { execution } = await iot.send(new sdk.DescribeJobExecutionCommand({ jobId: 'job', thingName: 'b' }));
  expect(execution?.executionNumber).toBe(2);

  await iot.send(new sdk.DeleteThingCommand({ thingName: 'a' }));
  await iot.send(new sdk.DeleteThingCommand({ thingName: 'd' }));
  expect(await statuses('job')).toEqual({ a: 'SUCCEEDED', b: 'QUEUED', c: 'QUEUED', d: 'REMOVED' });
  // Its only thing is gone.
  expect(await job('once')).toMatchObject({
    status: 'COMPLETED',
    jobProcessDetails: { numberOfRemovedThings: 1 },
  });
  await iot.send(new sdk.CancelJobCommand({ jobId: 'job' }));
  await things('e');
  await join('e', 'root');
  expect(await statuses('job')).not.toHaveProperty('e');
});

test('things that join a continuous job keep to its rate', async () => {
  const { clock, iot, things, group, create, statuses } = await jobsCloud();
  await group('fleet');
  await create('job', [groupArn('fleet')], {
    targetSelection: 'CONTINUOUS',
    jobExecutionsRolloutConfig: { maximumPerMinute: 2 },
  });
  for (const thingName of names(5)) {
    await things(thingName);
    await iot.send(new sdk.AddThingToThingGroupCommand({ thingName, thingGroupName: 'fleet' }));
  }
  const count = async () => Object.keys(await statuses('job')).length;
  expect(await count()).toBe(2);
  clock.advance(MINUTE);
  expect(await count()).toBe(4);
  clock.advance(MINUTE);
  expect(await count()).toBe(5);
});

test('rollouts, timeouts and memberships go on after a restart', async () => {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const clock = new ManualClock(Date.now());
  const first = await openIotCloud({ stateDirectory: directory.path, clock });
  const before = actions(first);
  await before.things('a', 'b', 'c');
  await before.group('fleet', ['a', 'b', 'c']);
  await before.create('job', [groupArn('fleet')], {
    jobExecutionsRolloutConfig: { maximumPerMinute: 1 },
    timeoutConfig: { inProgressTimeoutInMinutes: 3 },
  });
  before.report('a', 'job', 'IN_PROGRESS');
  await first.close();

  const after = await jobsCloud({ stateDirectory: directory.path }, clock);
  expect(await after.statuses('job')).toEqual({ a: 'IN_PROGRESS' });
  clock.advance(2 * MINUTE);
  expect(await after.statuses('job')).toEqual({ a: 'IN_PROGRESS', b: 'QUEUED', c: 'QUEUED' });
  clock.advance(MINUTE);
  expect(await after.statuses('job')).toMatchObject({ a: 'TIMED_OUT' });
});

test('a job on ten thousand things keeps nobody waiting', { timeout: 60_000 }, async () => {
  const { all, clock, iot, create, job, report } = await fleet(10_000);
  await create('job', [groupArn('fleet')]);
  clock.advance(1);
  expect((await job('job')).jobProcessDetails?.numberOfQueuedThings).toBe(10_000);
  for (const thing of all.slice(0, 500)) report(thing, 'job', 'SUCCEEDED');
  expect((await job('job')).jobProcessDetails?.numberOfSucceededThings).toBe(500);
  await iot.send(new sdk.CancelJobCommand({ jobId: 'job' }));
  clock.advance(1);
  expect((await job('job')).jobProcessDetails?.numberOfCanceledThings).toBe(9500);
  await iot.send(new sdk.DeleteJobCommand({ jobId: 'job' }));
  expect((await job('job')).status).toBe('DELETION_IN_PROGRESS');
  clock.advance(1);
  await expect(job('job')).rejects.toThrow(sdk.ResourceNotFoundException);
});

import * as sdk from '@aws-sdk/client-iot';
import fc from 'fast-check';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { DeviceJobError } from '../../../src/services/iot/jobs/device-jobs.js';
import { parseObjectUrl } from '../../../src/services/iot/jobs/document-source.js';
import { parseJobTopic, parsePayload, parseRequest } from '../../../src/services/iot/jobs/mqtt-request.js';
import { ALLOW_ALL, connect, messages, newIdentity, rootCa } from '../fleet.js';
import { groupArn, jobsCloud, thingArn } from './support.js';

const MINUTE = 60_000;

/** A cloud with the thing `a`, and its device, which hears everything about its jobs. */
async function deviceCloud() {
  const jobs = await jobsCloud();
  await jobs.things('a');
  const identity = await newIdentity(jobs.iot, 'all', ALLOW_ALL);
  const device: MqttClient = await connect(jobs.cloud, identity, 'a', { keepalive: 0 });
  onTestFinished(() => void device.end(true));
  const inbox = messages(device);
  await device.subscribeAsync('$aws/things/a/jobs/#', { qos: 1 });
  const heard = new Map<string, unknown[]>();
  /** The next message on a topic below the thing's jobs; others are kept. */
  const next = async (topic: string): Promise<unknown> => {
    for (;;) {
      const kept = heard.get(topic)?.shift();
      if (kept !== undefined) return kept;
      const message = await inbox.next();
      const name = message.topic.slice('$aws/things/a/jobs/'.length);
      heard.set(name, [...(heard.get(name) ?? []), message.body]);
    }
  };
  /** Sends a request and returns what is answered; `accepted` and `rejected` alike. */
  const ask = async (topic: string, payload: unknown): Promise<{ accepted: boolean; body: unknown }> => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const answered = new Promise<{ accepted: boolean; body: unknown }>((resolve) => {
      const listen = (at: string, answer: Buffer) => {
        const verdict = at.slice(`$aws/things/a/jobs/${topic}/`.length);
        if (!at.startsWith(`$aws/things/a/jobs/${topic}/`) || !/^(accepted|rejected)$/.test(verdict)) return;
        device.off('message', listen);
        resolve({ accepted: verdict === 'accepted', body: JSON.parse(answer.toString()) });
      };
      device.on('message', listen);
    });
    await device.publishAsync(`$aws/things/a/jobs/${topic}`, text, { qos: 1 });
    return answered;
  };
  const quiet = () => [...heard].filter(([topic, bodies]) => topic.startsWith('notify') && bodies.length > 0);
  return { ...jobs, identity, device, next, ask, quiet };
}

test('a device takes its jobs one after the other, and is told when what it has to do changes', async () => {
  const { clock, create, next, ask, job, quiet } = await deviceCloud();
  const timestamp = Math.floor(clock.now() / 1000);
  expect(await ask('get', { clientToken: 'none' })).toEqual({
    accepted: true,
    body: { clientToken: 'none', timestamp, inProgressJobs: [], queuedJobs: [] },
  });
  expect(await ask('start-next', {})).toEqual({ accepted: true, body: { timestamp } });
  expect(await ask('$next/get', '')).toEqual({ accepted: true, body: { timestamp } });

  await create('first', [thingArn('a')], { document: '{"version":1}' });
  const first = {
    jobId: 'first',
    queuedAt: timestamp,
    lastUpdatedAt: timestamp,
    versionNumber: 1,
    executionNumber: 1,
  };
  expect(await next('notify')).toEqual({ timestamp, jobs: { QUEUED: [first] } });
  expect(await next('notify-next')).toEqual({
    timestamp,
    execution: { ...first, status: 'QUEUED', jobDocument: { version: 1 } },
  });
  // A second one changes the list, not what is next.
  await create('second', [thingArn('a')], { document: '{"version":2}' });
  const second = { ...first, jobId: 'second' };
  expect(await next('notify')).toEqual({ timestamp, jobs: { QUEUED: [first, second] } });

  clock.advance(1000);
  const later = timestamp + 1;
  expect(await ask('$next/get', { includeJobDocument: false, clientToken: 'n' })).toEqual({
    accepted: true,
    body: { clientToken: 'n', timestamp: later, execution: { ...first, status: 'QUEUED' } },
  });
  const started = { ...first, startedAt: later, lastUpdatedAt: later, versionNumber: 2 };
  expect(await ask('start-next', { statusDetails: { step: 'fetch' }, stepTimeoutInMinutes: 5 })).toEqual({
    accepted: true,
    body: {
      timestamp: later,
      execution: {
        ...started,
        status: 'IN_PROGRESS',
        statusDetails: { step: 'fetch' },
        jobDocument: { version: 1 },
        approximateSecondsBeforeTimedOut: 300,
      },
    },
  });
  expect(await next('notify')).toEqual({
    timestamp: later,
    jobs: { IN_PROGRESS: [started], QUEUED: [second] },
  });
  // Started already: nothing changes.
  expect((await ask('start-next', { statusDetails: { step: 'other' } })).body).toMatchObject({
    execution: { jobId: 'first', versionNumber: 2, statusDetails: { step: 'fetch' } },
  });
  expect((await ask('get', {})).body).toMatchObject({
    inProgressJobs: [{ jobId: 'first' }],
    queuedJobs: [{ jobId: 'second' }],
  });

  expect(
    await ask('first/update', {
      status: 'IN_PROGRESS',
      statusDetails: { step: 'install', percent: '50' },
      expectedVersion: '2',
      includeJobExecutionState: true,
      includeJobDocument: true,
      clientToken: 'u',
    }),
  ).toEqual({
    accepted: true,
    body: {
      clientToken: 'u',
      timestamp: later,
      executionState: {
        status: 'IN_PROGRESS',
        statusDetails: { step: 'install', percent: '50' },
        versionNumber: 3,
      },
      jobDocument: { version: 1 },
    },
  });
  expect(await ask('first/update', { status: 'SUCCEEDED' })).toEqual({
    accepted: true,
    body: { timestamp: later },
  });
  expect(await next('notify')).toEqual({ timestamp: later, jobs: { QUEUED: [second] } });
  expect(await next('notify-next')).toMatchObject({
    execution: { jobId: 'second', jobDocument: { version: 2 } },
  });
  await ask('second/update', { status: 'REJECTED', executionNumber: 1 });
  expect(await next('notify')).toEqual({ timestamp: later, jobs: {} });
  expect(await next('notify-next')).toEqual({ timestamp: later });
  expect(await job('first')).toMatchObject({ status: 'COMPLETED' });
  expect(quiet()).toEqual([]);
});

test('one that is started first comes first', async () => {
  const { create, next, ask } = await deviceCloud();
  await create('one', [thingArn('a')]);
  await create('two', [thingArn('a')]);
  expect(await next('notify-next')).toMatchObject({ execution: { jobId: 'one' } });
  await ask('two/update', { status: 'IN_PROGRESS' });
  expect(await next('notify-next')).toMatchObject({ execution: { jobId: 'two', status: 'IN_PROGRESS' } });
  await ask('one/update', { status: 'IN_PROGRESS' });
  // Queued earlier than the one in progress.
  expect(await next('notify-next')).toMatchObject({ execution: { jobId: 'one', status: 'IN_PROGRESS' } });
});

test('wrong requests are rejected with the codes of the API', async () => {
  const { clock, create, ask, iot } = await deviceCloud();
  await create('job', [thingArn('a')]);
  const timestamp = Math.floor(clock.now() / 1000);
  const rejected = async (topic: string, payload: unknown) => {
    const { accepted, body } = await ask(topic, payload);
    expect(accepted).toBe(false);
    return body;
  };
  expect(await rejected('job/update', '{"status"')).toEqual({
    code: 'InvalidJson',
    message: expect.any(String),
    timestamp,
  });
  expect(await rejected('job/frobnicate', {})).toMatchObject({ code: 'InvalidTopic' });
  expect(await rejected('job/update', { clientToken: 't' })).toMatchObject({
    code: 'InvalidRequest',
    clientToken: 't',
  });
  for (const request of [
    [],
    { status: 'DONE' },
    { status: 'CANCELED' },
    { status: 5 },
    { status: 'IN_PROGRESS', stepTimeoutInMinutes: 0 },
    { status: 'IN_PROGRESS', statusDetails: { a: 1 } },
    { status: 'IN_PROGRESS', statusDetails: { 'a b': 'c' } },
    { status: 'IN_PROGRESS', statusDetails: { a: '' } },
    { status: 'IN_PROGRESS', statusDetails: { a: 'x'.repeat(1025) } },
    {
      status: 'IN_PROGRESS',
      statusDetails: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`k${n}`, 'v'])),
    },
  ]) {
    expect(await rejected('job/update', request)).toMatchObject({ code: 'InvalidRequest' });
  }
  expect(await rejected('nobody/get', {})).toMatchObject({ code: 'ResourceNotFound' });
  expect(await rejected('job/update', { status: 'FAILED', executionNumber: 2 })).toMatchObject({
    code: 'ResourceNotFound',
  });
  expect(await rejected('job/update', { status: 'IN_PROGRESS', expectedVersion: 3 })).toMatchObject({
    code: 'VersionMismatch',
    executionState: { status: 'QUEUED', versionNumber: 1 },
  });
  await ask('job/update', { status: 'FAILED', statusDetails: { why: 'x' } });
  expect(await rejected('job/update', { status: 'IN_PROGRESS' })).toMatchObject({
    code: 'InvalidStateTransition',
    executionState: { status: 'FAILED', statusDetails: { why: 'x' }, versionNumber: 2 },
  });
  expect(await rejected('job/get', {})).toMatchObject({ code: 'TerminalStateReached' });

  await create('canceled', [thingArn('a')]);
  await ask('canceled/update', { status: 'IN_PROGRESS' });
  await iot.send(new sdk.CancelJobCommand({ jobId: 'canceled', force: true }));
  expect(await rejected('canceled/update', { status: 'SUCCEEDED' })).toMatchObject({
    code: 'InvalidStateTransition',
    executionState: { status: 'CANCELED' },
  });
});

test('jobs of a namespace have topics of their own', async () => {
  const { cloud, iot, group, create, next, ask, quiet } = await deviceCloud();
  await group('fleet', ['a']);
  await create('ordinary', [thingArn('a')]);
  await next('notify');
  await next('notify-next');
  // As Greengrass makes its deployments.
  cloud.iot.jobs.create({
    jobId: 'deployment',
    targets: [groupArn('fleet')],
    targetSelection: 'CONTINUOUS',
    document: '{"components":{}}',
    namespaceId: 'aws-gg-deployment',
  });
  expect(await next('notify-namespace-aws-gg-deployment')).toMatchObject({
    jobs: { QUEUED: [{ jobId: 'deployment', versionNumber: 1 }] },
  });
  expect(await next('notify-next-namespace-aws-gg-deployment')).toMatchObject({
    execution: { jobId: 'deployment', jobDocument: { components: {} } },
  });
  const request = {
    jobId: '$next',
    thingName: 'a',
    includeJobDocument: true,
    clientToken: 'jobs-nucleus-lite',
  };
  expect((await ask('$next/namespace-aws-gg-deployment/get', request)).body).toMatchObject({
    clientToken: 'jobs-nucleus-lite',
    execution: {
      jobId: 'deployment',
      status: 'QUEUED',
      queuedAt: expect.any(Number),
      jobDocument: { components: {} },
    },
  });
  expect((await ask('$next/get', {})).body).toMatchObject({ execution: { jobId: 'ordinary' } });
  expect((await ask('get', {})).body).toMatchObject({ queuedJobs: [{ jobId: 'ordinary' }] });
  for (const topic of [
    'deployment/get',
    'ordinary/namespace-aws-gg-deployment/get',
    'deployment/namespace-b/get',
  ]) {
    expect((await ask(topic, {})).body).toMatchObject({ code: 'ResourceNotFound' });
  }
  expect(
    await ask('deployment/namespace-aws-gg-deployment/update', { status: 'IN_PROGRESS', clientToken: 'x' }),
  ).toMatchObject({ accepted: true, body: { clientToken: 'x' } });
  expect(await next('notify-namespace-aws-gg-deployment')).toMatchObject({
    jobs: { IN_PROGRESS: [{ jobId: 'deployment' }] },
  });
  await ask('deployment/namespace-aws-gg-deployment/update', {
    status: 'SUCCEEDED',
    statusDetails: { 'detailed-deployment-status': 'SUCCESSFUL' },
  });
  expect(await next('notify-namespace-aws-gg-deployment')).toMatchObject({ jobs: {} });
  const next1 = await next('notify-next-namespace-aws-gg-deployment');
  expect(next1).not.toHaveProperty('execution');
  const { execution } = await iot.send(
    new sdk.DescribeJobExecutionCommand({ jobId: 'deployment', thingName: 'a' }),
  );
  expect(execution).toMatchObject({
    status: 'SUCCEEDED',
    statusDetails: { detailsMap: { 'detailed-deployment-status': 'SUCCESSFUL' } },
  });
  expect(quiet()).toEqual([]);
});

test('a device that was away finds the notification of its new job', async () => {
  const { cloud, identity, things, create } = await deviceCloud();
  await things('away');
  const options: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 3600 }, keepalive: 0 };
  const device = await connect(cloud, identity, 'away', options);
  await device.subscribeAsync('$aws/things/away/jobs/notify-next', { qos: 1 });
  await device.endAsync();
  await create('job', [thingArn('away')]);
  // Not awaited, as the message comes at once.
  const again = mqtt.connect(`mqtts://localhost:${cloud.ports.mqtt}`, {
    ...options,
    ...{ ca: rootCa(cloud), cert: identity.cert, key: identity.key },
    ...{ clientId: 'away', protocolVersion: 5, reconnectPeriod: 0 },
  });
  onTestFinished(() => void again.end(true));
  const payload = await new Promise<Buffer>((resolve) => {
    again.on('message', (_topic, bytes) => resolve(bytes));
  });
  expect(JSON.parse(payload.toString())).toMatchObject({ execution: { jobId: 'job' } });
});

test('what becomes of jobs is told on $aws/events to accounts that want to know', async () => {
  const { iot, cloud, identity, clock, create, report } = await deviceCloud();
  const observer = await connect(cloud, identity, 'observer', { keepalive: 0 });
  onTestFinished(() => void observer.end(true));
  const inbox = messages(observer);
  await observer.subscribeAsync('$aws/events/#', { qos: 1 });
  await create('silent', [thingArn('a')]);
  report('a', 'silent', 'SUCCEEDED');
  await iot.send(
    new sdk.UpdateEventConfigurationsCommand({
      eventConfigurations: { JOB: { Enabled: true }, JOB_EXECUTION: { Enabled: true } },
    }),
  );
  const heard = async () => {
    for (;;) {
      const message = await inbox.next();
      if (!/presence|subscriptions/.test(message.topic)) return message;
    }
  };
  await create('job', [thingArn('a')], { description: 'It' });
  report('a', 'job', 'FAILED');
  expect(await heard()).toEqual({
    topic: '$aws/events/jobExecution/job/failed',
    body: {
      eventType: 'JOB_EXECUTION',
      eventId: expect.any(String),
      timestamp: Math.floor(clock.now() / 1000),
      operation: 'failed',
      jobId: 'job',
      thingArn: thingArn('a'),
      status: 'FAILED',
    },
  });
  expect(await heard()).toEqual({
    topic: '$aws/events/job/job/completed',
    body: {
      eventType: 'JOB',
      eventId: expect.any(String),
      timestamp: Math.floor(clock.now() / 1000),
      operation: 'completed',
      jobId: 'job',
      status: 'COMPLETED',
      targetSelection: 'SNAPSHOT',
      targets: [thingArn('a')],
      description: 'It',
      completedAt: clock.now(),
      createdAt: clock.now(),
      lastUpdatedAt: clock.now(),
      jobProcessDetails: {
        numberOfCanceledThings: 0,
        numberOfRejectedThings: 0,
        numberOfFailedThings: 1,
        numberOfRemovedThings: 0,
        numberOfSucceededThings: 0,
        numberOfTimedOutThings: 0,
      },
    },
  });
  await create('other', [thingArn('a')]);
  await iot.send(new sdk.CancelJobCommand({ jobId: 'other' }));
  await iot.send(new sdk.DeleteJobCommand({ jobId: 'other' }));
  const topics: string[] = [];
  while (topics.length < 6) topics.push((await heard()).topic.slice('$aws/events/'.length));
  expect(topics).toEqual([
    'job/other/cancellation_in_progress',
    'jobExecution/other/canceled',
    'job/other/canceled',
    'job/other/deletion_in_progress',
    'jobExecution/other/deleted',
    'job/other/deleted',
  ]);
});

test('a timeout is told to the device as well', async () => {
  const { clock, create, next, ask } = await deviceCloud();
  await create('job', [thingArn('a')], { timeoutConfig: { inProgressTimeoutInMinutes: 1 } });
  await ask('$next/get', {});
  await ask('start-next', {});
  await next('notify');
  await next('notify');
  clock.advance(MINUTE);
  expect(await next('notify')).toMatchObject({ jobs: {} });
});

test('anything is read or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.stringMatching(/^[a-z$/-]{0,40}$/)), (text) => {
      const topic = parseJobTopic(text);
      if (topic && 'jobId' in topic) expect(text).toContain(topic.jobId);
      expect(() => parseObjectUrl(text)).not.toThrow();
      try {
        parseRequest(parsePayload(Buffer.from(text)));
      } catch (error) {
        expect(error).toBeInstanceOf(DeviceJobError);
      }
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      try {
        parsePayload(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'InvalidJson' });
      }
    }),
  );
  fc.assert(
    fc.property(
      fc.record(
        {
          status: fc.oneof(fc.string(), fc.anything()),
          statusDetails: fc.anything(),
          expectedVersion: fc.anything(),
          stepTimeoutInMinutes: fc.anything(),
          clientToken: fc.anything(),
        },
        { requiredKeys: [] },
      ),
      (request) => {
        try {
          const { statusDetails = {} } = parseRequest(request);
          for (const value of Object.values(statusDetails)) expect(value).toBeTypeOf('string');
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidRequest' });
        }
      },
    ),
  );
  expect(parseObjectUrl('https://b.s3.eu-central-1.amazonaws.com/a/b%20c?versionId=v')).toEqual({
    bucket: 'b',
    key: 'a/b c',
    version: 'v',
  });
  expect(parseObjectUrl('http://127.0.0.1:4566/b/a/b')).toEqual({
    bucket: 'b',
    key: 'a/b',
    version: undefined,
  });
  expect(parseObjectUrl('https://s3.eu-central-1.amazonaws.com/b')).toBeUndefined();
});

import { once } from 'node:events';
import { iot as crtIot, iotjobs, mqtt as mqtt3, mqtt5 } from 'aws-iot-device-sdk-v2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IotCloud, openIotCloud } from '../cloud.js';
import { ALLOW_ALL, type Identity, iotClient, newIdentity, rootCa } from '../fleet.js';
import { actions, thingArn } from './support.js';

const { SUCCEEDED, IN_PROGRESS } = iotjobs.model.JobStatus;
let cloud: IotCloud;
let identity: Identity;

beforeAll(async () => {
  cloud = await openIotCloud();
  identity = await newIdentity(iotClient(cloud), 'all', ALLOW_ALL);
});
afterAll(() => cloud.close());

test('the vendor’s first jobs client runs a job', async () => {
  const { things, create, job } = actions(cloud);
  await things('v1');
  const config = crtIot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(identity.cert, identity.key)
    .with_certificate_authority(rootCa(cloud))
    .with_client_id('v1')
    .with_endpoint('localhost')
    .with_port(cloud.ports.mqtt)
    .build();
  const connection = new mqtt3.MqttClient().new_connection(config);
  await connection.connect();
  const client = new iotjobs.IotJobsClient(connection);
  const qos = mqtt3.QoS.AtLeastOnce;
  const thing = { thingName: 'v1' };
  /** The first message of a subscription. */
  const first = async <T>(
    subscribe: (handler: (error?: unknown, response?: T) => void) => Promise<unknown>,
  ): Promise<() => Promise<T | undefined>> => {
    let tell: (response: T | undefined) => void = () => {};
    const message = new Promise<T | undefined>((resolve) => {
      tell = resolve;
    });
    await subscribe((_error, response) => tell(response));
    return () => message;
  };
  const changed = await first<iotjobs.model.NextJobExecutionChangedEvent>((handler) =>
    client.subscribeToNextJobExecutionChangedEvents(thing, qos, handler),
  );
  const listed = await first<iotjobs.model.JobExecutionsChangedEvent>((handler) =>
    client.subscribeToJobExecutionsChangedEvents(thing, qos, handler),
  );
  const started = await first<iotjobs.model.StartNextJobExecutionResponse>((handler) =>
    client.subscribeToStartNextPendingJobExecutionAccepted(thing, qos, handler),
  );
  const updated = await first<iotjobs.model.UpdateJobExecutionResponse>((handler) =>
    client.subscribeToUpdateJobExecutionAccepted({ ...thing, jobId: 'v1' }, qos, handler),
  );
  const rejected = await first<iotjobs.model.RejectedErrorResponse>((handler) =>
    client.subscribeToUpdateJobExecutionRejected({ ...thing, jobId: 'v1' }, qos, handler),
  );
  await create('v1', [thingArn('v1')], { document: '{"n":1}' });
  expect(await changed()).toMatchObject({ execution: { jobId: 'v1', jobDocument: { n: 1 } } });
  expect(await listed()).toMatchObject({ jobs: { QUEUED: [{ jobId: 'v1' }] } });
  await client.publishStartNextPendingJobExecution({ ...thing, clientToken: 's' }, qos);
  expect(await started()).toMatchObject({
    clientToken: 's',
    execution: { jobId: 'v1', status: 'IN_PROGRESS' },
  });
  const update = { ...thing, jobId: 'v1', expectedVersion: 2, includeJobExecutionState: true };
  await client.publishUpdateJobExecution({ ...update, status: SUCCEEDED }, qos);
  expect(await updated()).toMatchObject({ executionState: { status: 'SUCCEEDED', versionNumber: 3 } });
  await client.publishUpdateJobExecution({ ...update, status: IN_PROGRESS, expectedVersion: 3 }, qos);
  expect(await rejected()).toMatchObject({ code: 'InvalidStateTransition' });
  expect((await job('v1')).status).toBe('COMPLETED');
  await connection.disconnect();
});

test('the vendor’s request and response client gets answers, modelled errors and streams', async () => {
  const { things, create, job } = actions(cloud);
  await things('v2');
  const builder = crtIot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(
    'localhost',
    identity.cert,
    identity.key,
  );
  builder.withCertificateAuthority(rootCa(cloud)).withPort(cloud.ports.mqtt);
  builder.withConnectProperties({ clientId: 'v2', keepAliveIntervalSeconds: 60 });
  const connection = new mqtt5.Mqtt5Client(builder.build());
  const connected = once(connection, 'connectionSuccess');
  connection.start();
  await connected;
  const client = iotjobs.IotJobsClientv2.newFromMqtt5(connection, {
    maxRequestResponseSubscriptions: 6,
    maxStreamingSubscriptions: 2,
    operationTimeoutInSeconds: 30,
  });
  const thing = { thingName: 'v2' };
  const changes = client.createNextJobExecutionChangedStream(thing);
  const lists = client.createJobExecutionsChangedStream(thing);
  const subscribed = [once(changes, 'subscriptionStatus'), once(lists, 'subscriptionStatus')];
  changes.open();
  lists.open();
  await Promise.all(subscribed);
  expect(await client.getPendingJobExecutions(thing)).toMatchObject({ queuedJobs: [], inProgressJobs: [] });
  const events = [once(changes, 'incomingPublish'), once(lists, 'incomingPublish')];
  await create('v2', [thingArn('v2')], { document: '{"n":2}' });
  const [[change], [list]] = (await Promise.all(events)) as [[unknown], [unknown]];
  expect(change).toMatchObject({ message: { execution: { jobId: 'v2', jobDocument: { n: 2 } } } });
  expect(list).toMatchObject({ message: { jobs: { QUEUED: [{ jobId: 'v2' }] } } });
  expect(await client.describeJobExecution({ ...thing, jobId: '$next' })).toMatchObject({
    execution: { jobId: 'v2', status: 'QUEUED', jobDocument: { n: 2 } },
  });
  expect(await client.startNextPendingJobExecution(thing)).toMatchObject({
    execution: { jobId: 'v2', status: 'IN_PROGRESS', versionNumber: 2 },
  });
  const update = { ...thing, jobId: 'v2' };
  await expect(
    client.updateJobExecution({ ...update, status: SUCCEEDED, expectedVersion: 9 }),
  ).rejects.toMatchObject({
    modeledError: { code: 'VersionMismatch', executionState: { status: 'IN_PROGRESS', versionNumber: 2 } },
  });
  await client.updateJobExecution({ ...update, status: SUCCEEDED, statusDetails: { by: 'v2' } });
  await expect(client.describeJobExecution(update)).rejects.toMatchObject({
    modeledError: { code: 'TerminalStateReached' },
  });
  expect((await job('v2')).status).toBe('COMPLETED');
  client.close();
  const stopped = once(connection, 'stopped');
  connection.stop();
  await stopped;
  connection.close();
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import {
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeThingCommand,
  IoTClient,
  ListJobExecutionsForJobCommand,
  UpdateIndexingConfigurationCommand,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  AllowlistAnswer,
  AllowlistChange,
  AllowlistChanges,
  bucketNames,
  componentNames,
  componentTags,
  DeploymentDetails,
  DeploymentsPage,
  DevicesAnswer,
  EventsPage,
  FleetPage,
  LogPage,
  logGroups,
  names,
  objectKeys,
  RotationAnswer,
  TelemetryAnswer,
} from '@mooring/contracts';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { deployLocal } from '../../src/deploy/index.js';
import { clientConfig } from '../../src/target.js';
import { Mooring } from '../commands/mooring.js';
import { DeviceConnection, type Identity, joinFleet } from '../deploy/certified-device.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { askedFunctions } from './asked-functions.js';

const ACCOUNT = '000000000000';
const NOW = Date.now();
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

let cloud: RunningCloud;
let functions: ReturnType<typeof askedFunctions>;
let iot: IoTClient;
let data: IoTDataPlaneClient;
let greengrass: GreengrassV2Client;
let dynamo: DynamoDBClient;
let logs: CloudWatchLogsClient;
let s3: S3Client;
let bucket: string;

beforeAll(async () => {
  cloud = await startCloud();
  const config = clientConfig(cloud.target);
  functions = askedFunctions(cloud.target);
  iot = new IoTClient(config);
  data = new IoTDataPlaneClient(config);
  greengrass = new GreengrassV2Client(config);
  dynamo = new DynamoDBClient(config);
  logs = new CloudWatchLogsClient(config);
  s3 = new S3Client(config);
  bucket = bucketNames(ACCOUNT, cloud.target.region).provisioning;
  await deployLocal(cloud.target);
});

afterAll(async () => {
  for (const client of [iot, data, greengrass, dynamo, logs, s3]) client?.destroy();
  await cloud?.stop();
});

interface Device extends Identity {
  readonly thing: string;
}

async function device(thing: string): Promise<Device> {
  return { thing, ...(await joinFleet(iot, thing, 3650)) };
}

const connect = (one: Device) => DeviceConnection.open(cloud, one.thing, one);

/** Ends a device's execution of a deployment's job, as the nucleus does. */
async function endJob(one: Device, jobId: string, update: object): Promise<void> {
  const connection = await connect(one);
  const topic = `$aws/things/${one.thing}/jobs/${jobId}/namespace-aws-gg-deployment/update`;
  await connection.subscribe(`${topic}/accepted`);
  await connection.publish(topic, update);
  await connection.next(`${topic}/accepted`);
  await connection.client.endAsync();
}

async function text(key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToString()) ?? '';
}

async function list(allowlist: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: objectKeys.allowlist, Body: allowlist }));
}

describe('the reader', () => {
  let first: Device;
  let second: Device;

  beforeAll(async () => {
    first = await device('reader-1');
    second = await device('reader-2');
    // Before the list of core devices is asked for, which is kept for a while.
    const connection = await connect(second);
    const report = {
      ggcVersion: '2.12.0',
      platform: 'linux',
      architecture: 'aarch64',
      thing: second.thing,
      overallDeviceStatus: 'UNHEALTHY',
      sequenceNumber: 1,
      timestamp: NOW,
      messageType: 'COMPLETE',
      components: [
        {
          componentName: componentNames.led,
          version: '1.0.0',
          isRoot: true,
          status: 'BROKEN',
          componentStatusDetails: { statusCodes: ['RUN_ERRORED'], statusReason: 'it ended' },
        },
      ],
    };
    const topic = `$aws/things/${second.thing}/greengrassv2/health/json`;
    await connection.publish(topic, report);
    await connection.client.endAsync();
  });

  test('tells the fleet without the fleet index, and with it who is connected and how rotations are', async () => {
    const health = { health: 'UNHEALTHY', healthAt: expect.any(Number) };
    const things = [{ thing: 'reader-1' }, { thing: 'reader-2', ...health }];
    await iot.send(
      new UpdateIndexingConfigurationCommand({ thingIndexingConfiguration: { thingIndexingMode: 'OFF' } }),
    );
    expect(await functions.read('/fleet', FleetPage)).toEqual({ devices: things });

    await iot.send(
      new UpdateIndexingConfigurationCommand({
        thingIndexingConfiguration: {
          thingIndexingMode: 'REGISTRY',
          thingConnectivityIndexingMode: 'STATUS',
          namedShadowIndexingMode: 'ON',
          filter: { namedShadowNames: [names.rotationShadow] },
        },
      }),
    );
    const rotation = { stage: 'completed', at: 5 };
    await data.send(
      new UpdateThingShadowCommand({
        thingName: first.thing,
        shadowName: names.rotationShadow,
        payload: Buffer.from(JSON.stringify({ state: { reported: rotation } })),
      }),
    );
    const { client } = await connect(first);
    try {
      expect(await functions.read('/fleet', FleetPage)).toEqual({
        devices: [
          { thing: 'reader-1', connected: true, connectionAt: expect.any(Number), rotation },
          { thing: 'reader-2', connected: false, connectionAt: expect.any(Number), ...health },
        ],
      });
    } finally {
      await client.endAsync();
    }
  });

  test('tells details of devices by name, and leaves out those that do not exist', async () => {
    const { devices } = await functions.read('/devices?thing=nobody&thing=reader-1', DevicesAnswer);
    expect(devices).toMatchObject([
      {
        thing: 'reader-1',
        certificates: [{ certificateId: first.certificateId, status: 'ACTIVE', expires: expect.any(Number) }],
        components: [],
        deployments: [],
      },
    ]);
    const many = Array.from({ length: 26 }, (_, index) => `thing=t${index}`).join('&');
    for (const query of ['', '?thing=a%2Fb', `?${many}`]) {
      expect(await functions.tryReading(`/devices${query}`)).toMatchObject({
        status: 400,
        body: { code: 'BadRequest' },
      });
    }
  });

  test('tells telemetry of a range, reduced, and the last of it among the details', async () => {
    for (let index = 0; index < 10; index += 1) {
      await dynamo.send(
        new PutItemCommand({
          TableName: names.telemetryTable,
          Item: {
            thing: { S: 'reader-1' },
            at: { N: String(NOW - 10_000 + index * 1000) },
            frequency: { N: String(1 + index) },
            blinking: { BOOL: true },
            expires: { N: String(Math.floor((NOW + DAY) / 1000)) },
          },
        }),
      );
    }
    const range = `from=${NOW - 10_000}&to=${NOW - 1}`;
    const whole = await functions.read(`/devices/reader-1/telemetry?${range}`, TelemetryAnswer);
    expect(whole).toMatchObject({ resolution: 0, points: { length: 10 } });
    expect(await functions.read(`/devices/reader-1/telemetry?${range}&points=2`, TelemetryAnswer)).toEqual({
      resolution: 5000,
      points: [
        { at: NOW - 6000, frequency: 5, blinking: true, lowest: 1, highest: 5 },
        { at: NOW - 1000, frequency: 10, blinking: true, lowest: 6, highest: 10 },
      ],
    });
    const { devices } = await functions.read('/devices?thing=reader-1', DevicesAnswer);
    expect(devices[0]?.led).toEqual({ at: NOW - 1000, frequency: 10, blinking: true });
    expect(await functions.tryReading('/devices/reader-1/telemetry?from=x&to=1')).toMatchObject({
      status: 400,
    });
  });

  test('tells a component’s log over the days, newest first, in pages', async () => {
    const logGroupName = logGroups.component(cloud.target.region, componentNames.led);
    const write = async (at: number, count: number) => {
      const logStreamName = `/${new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')}/thing/reader-1`;
      await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
      const logEvents = Array.from({ length: count }, (_, index) => ({
        timestamp: at + index,
        message: `${at + index}`,
      }));
      await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
    };
    const earlier = NOW - 3 * DAY;
    await write(earlier, 120);
    await write(NOW - MINUTE, 30);
    const path = `/devices/reader-1/logs?component=${componentNames.led}`;
    const newest = await functions.read(path, LogPage);
    expect(newest.events).toHaveLength(100);
    expect(newest.events[0]).toEqual({ at: NOW - MINUTE + 29, message: `${NOW - MINUTE + 29}` });
    const older = await functions.read(`${path}&next=${newest.next}`, LogPage);
    const times = [...newest.events, ...older.events].map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(new Set(times).size).toBe(150);
    expect(older.next).toBeUndefined();
    expect(await functions.read('/devices/reader-1/logs?component=nothing', LogPage)).toEqual({ events: [] });
    expect(await functions.tryReading(`${path}&next=x`)).toMatchObject({
      status: 400,
      body: { code: 'BadNext' },
    });
  });

  test('tells a deployment, who has it, why it failed, and what is broken', async () => {
    await greengrass.send(
      new CreateComponentVersionCommand({
        inlineRecipe: Buffer.from(
          JSON.stringify({
            RecipeFormatVersion: '2020-01-25',
            ComponentName: componentNames.led,
            ComponentVersion: '1.0.0',
            Manifests: [{ Lifecycle: { run: 'false' } }],
          }),
        ),
        tags: { [componentTags.broken]: 'since=2026-01-01T00:00:00.000Z devices=1' },
      }),
    );
    const targetArn = `arn:aws:iot:${cloud.target.region}:${ACCOUNT}:thinggroup/${names.thingGroup}`;
    const { deploymentId = '', iotJobId: jobId = '' } = await greengrass.send(
      new CreateDeploymentCommand({
        targetArn,
        deploymentName: 'first',
        components: { [componentNames.led]: { componentVersion: '1.0.0' } },
        iotJobConfiguration: {
          jobExecutionsRolloutConfig: {
            exponentialRate: {
              baseRatePerMinute: 1000,
              incrementFactor: 2,
              rateIncreaseCriteria: { numberOfSucceededThings: 1 },
            },
            maximumPerMinute: 1000,
          },
          abortConfig: {
            criteriaList: [
              {
                failureType: 'ALL',
                action: 'CANCEL',
                thresholdPercentage: 90,
                minNumberOfExecutedThings: 5,
              },
            ],
          },
        },
      }),
    );
    await vi.waitFor(async () => {
      const { executionSummaries } = await iot.send(new ListJobExecutionsForJobCommand({ jobId }));
      expect(executionSummaries).toHaveLength(2);
    }, 30_000);
    await endJob(first, jobId, { status: 'SUCCEEDED' });
    await endJob(second, jobId, {
      status: 'FAILED',
      statusDetails: { 'deployment-failure-cause': 'no space left' },
    });
    const page = await functions.read('/deployments', DeploymentsPage);
    expect(page.deployments).toMatchObject([{ deploymentId, name: 'first', revision: '1', latest: true }]);
    const details = await functions.read(`/deployments/${deploymentId}`, DeploymentDetails);
    expect(details).toMatchObject({
      deploymentId,
      components: [{ name: componentNames.led, version: '1.0.0', heldBack: true }],
      rollout: {
        perMinute: 1000,
        baseRatePerMinute: 1000,
        incrementFactor: 2,
        maximumPerMinute: 1000,
        abortThreshold: 90,
      },
      devices: { succeeded: 1, failed: 1 },
      failures: [{ thing: 'reader-2', status: 'FAILED', reason: 'no space left', at: expect.any(Number) }],
      broken: [{ name: componentNames.led, version: '1.0.0', things: ['reader-2'], reason: 'it ended' }],
    });
    expect(details.waves.at(-1)).toMatchObject({ succeeded: 1, failed: 1 });
    const { devices } = await functions.read('/devices?thing=reader-2', DevicesAnswer);
    expect(devices).toMatchObject([
      {
        health: 'UNHEALTHY',
        components: [{ name: componentNames.led, version: '1.0.0', state: 'BROKEN', reason: 'it ended' }],
        deployments: [{ deploymentId, name: 'first', status: 'FAILED' }],
      },
    ]);
    expect(await functions.tryReading('/deployments/8f6f5c1e-6a2a-4a8c-9d3e-2f1d9d1b0c11')).toMatchObject({
      status: 404,
      body: { code: 'NoSuchDeployment' },
    });
  });

  test('tells what happened, newest first over the days, to all and to one', async () => {
    const happened: [number, string][] = [
      ...Array.from({ length: 60 }, (_, index): [number, string] => [
        NOW - 2 * DAY + index,
        `other-${index % 2}`,
      ]),
      [NOW - 1, 'one'],
      [NOW - 40 * DAY, 'one'],
    ];
    for (const [at, thing] of happened) {
      await dynamo.send(
        new PutItemCommand({
          TableName: names.eventsTable,
          Item: {
            day: { S: new Date(at).toISOString().slice(0, 10) },
            id: { S: `${at}#a-${thing}` },
            at: { N: String(at) },
            type: { S: 'connected' },
            thing: { S: thing },
            expires: { N: String(Math.floor((NOW + DAY) / 1000)) },
          },
        }),
      );
    }
    const ours = (page: EventsPage) => page.events.filter(({ id }) => id.includes('#a-'));
    const found: number[] = [];
    let next: string | undefined;
    do {
      const page: EventsPage = await functions.read(
        next === undefined ? '/events' : `/events?next=${next}`,
        EventsPage,
      );
      found.push(...ours(page).map(({ at }) => at));
      next = page.next;
    } while (next !== undefined);
    expect(found).toEqual(happened.map(([at]) => at).sort((a, b) => b - a));
    const one = await functions.read('/events?thing=one', EventsPage);
    expect(one.events.map(({ at }) => at)).toEqual([NOW - 1, NOW - 40 * DAY]);
    const other = await functions.read('/events?thing=other-1', EventsPage);
    expect(other.events).toHaveLength(30);
  });
});

describe('what operators change of the allowlist', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-dashboard-'));
  const file = join(directory, 'allowlist.txt');
  const fleet = (command: string, ...args: string[]) =>
    new Mooring(['fleet', command, ...args, '--allowlist', file], { AWS_ENDPOINT_URL: cloud.endpointUrl })
      .finished;
  const changes = async () => Object.keys(JSON.parse(await text(objectKeys.allowlistChanges)));

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('holds against the repository’s list, is named, and is taken over by a pull', async () => {
    writeFileSync(file, '# the fleet\nreader-1\nreader-2\nlost-1\n');
    expect((await fleet('sync')).code).toBe(0);
    await device('lost-1');
    await functions.operate('DELETE', '/allowlist/lost-1');
    await functions.operate('PUT', '/allowlist/guest-1');
    await functions.operate('PUT', '/allowlist/reader-1');

    const { code, stdout } = await fleet('sync');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lost-1 was removed on the dashboard, 20\S+Z, by arn:aws:/m);
    expect(stdout).toMatch(/^guest-1 was allowed on the dashboard/m);
    expect(stdout).toMatch(/mooring fleet pull/);
    expect(stdout).not.toMatch(/reader-1/);
    expect(await text(objectKeys.allowlist)).toBe('# the fleet\nreader-1\nreader-2\nguest-1\n');
    expect(await changes()).toEqual(['guest-1', 'lost-1']);

    const pulled = await fleet('pull');
    expect(pulled.stdout).toMatch(
      /^guest-1 was allowed .*\nlost-1 was removed .*\n.* has changed: commit it/,
    );
    expect(readFileSync(file, 'utf8')).toBe('# the fleet\nreader-1\nreader-2\nguest-1\n');
    expect((await fleet('pull')).stdout).toMatch(/has all that was changed on the dashboard/);
    const after = await fleet('sync');
    expect(after.stdout).not.toMatch(/dashboard/);
    expect(after.stdout).toMatch(/was this one already/);
    expect(await changes()).toEqual([]);
  });

  test('is overruled by who allows or removes the same on purpose', async () => {
    await functions.operate('DELETE', '/allowlist/guest-1');
    expect((await fleet('allow', 'guest-1')).code).toBe(0);
    expect((await fleet('sync')).stdout).not.toMatch(/dashboard/);
    expect(await text(objectKeys.allowlist)).toContain('guest-1\n');
  });
});

describe('the operator', () => {
  test('asks a device to rotate its certificate, and says why not', async () => {
    await device('operated-1');
    const { status, body } = await functions.operate('POST', '/devices/operated-1/rotation');
    expect(status).toBe(200);
    expect(RotationAnswer.parse(body)).toEqual({ thing: 'operated-1', requested: true });
    expect(await functions.operate('POST', '/devices/nobody/rotation')).toMatchObject({
      status: 404,
      body: { code: 'NoSuchDevice' },
    });
    await iot.send(new CreateThingCommand({ thingName: 'bare' }));
    expect(await functions.operate('POST', '/devices/bare/rotation')).toMatchObject({
      status: 409,
      body: { code: 'NotRequested', message: expect.stringContaining('it has no certificate') },
    });
  });

  test('lets a serial number join, at the end of the list, and notes who did', async () => {
    await list('# the fleet\nreader-1\n');
    const answer = await functions.operate('PUT', '/allowlist/new-1');
    expect(AllowlistChange.parse(answer.body)).toEqual({ serial: 'new-1', allowed: true, changed: true });
    expect((await functions.operate('PUT', '/allowlist/new-1')).body).toMatchObject({ changed: false });
    expect(await text(objectKeys.allowlist)).toBe('# the fleet\nreader-1\nnew-1\n');
    const changes = AllowlistChanges.parse(JSON.parse(await text(objectKeys.allowlistChanges)));
    expect(changes).toEqual({
      'new-1': { allowed: true, by: `arn:aws:iam::${ACCOUNT}:root`, at: expect.any(Number) },
    });
    expect(await functions.read('/allowlist', AllowlistAnswer)).toEqual({
      serials: [
        { serial: 'reader-1', joined: true },
        { serial: 'new-1', joined: false },
      ],
    });
  });

  test('takes a device off the list, and its connection, certificate and thing with it', async () => {
    const gone = await device('gone-1');
    await list('# the fleet\ngone-1\nreader-1\n');
    const { client, closed } = await connect(gone);
    client.on('error', () => undefined);
    const { status, body } = await functions.operate('DELETE', '/allowlist/gone-1');
    expect(status).toBe(200);
    expect(AllowlistChange.parse(body)).toEqual({
      serial: 'gone-1',
      allowed: false,
      changed: true,
      certificates: [gone.certificateId],
    });
    await closed;
    const { certificatePem: cert, keyPem: key } = gone;
    const again = { clientId: 'gone-1', cert, key, ca: cloud.rootCa, reconnectPeriod: 0 };
    const broker = `mqtts://127.0.0.1:${cloud.ports.mqtt}`;
    await expect(mqtt.connectAsync(broker, again, false)).rejects.toThrow();
    expect(await text(objectKeys.allowlist)).toBe('# the fleet\nreader-1\n');
    const missing = { name: 'ResourceNotFoundException' };
    await expect(iot.send(new DescribeThingCommand({ thingName: 'gone-1' }))).rejects.toMatchObject(missing);
    const { certificateId } = gone;
    await expect(iot.send(new DescribeCertificateCommand({ certificateId }))).rejects.toMatchObject(missing);
    expect((await functions.operate('DELETE', '/allowlist/gone-1')).body).toMatchObject({
      changed: false,
      certificates: [],
    });
  });

  test('loses no change when several are made at once', async () => {
    await list('# nobody\n');
    const serials = ['p1', 'p2', 'p3', 'p4'];
    const answers = await Promise.all(
      serials.map((serial) => functions.operate('PUT', `/allowlist/${serial}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { serials: listed } = await functions.read('/allowlist', AllowlistAnswer);
    expect(listed.map(({ serial }) => serial).sort()).toEqual(serials);
  });

  test('changes nothing on a list that it cannot read, nor for what is no serial number', async () => {
    await list('a b\n');
    expect(await functions.operate('PUT', '/allowlist/new-2')).toMatchObject({
      status: 409,
      body: { code: 'AllowlistMalformed', message: expect.stringContaining('line 1') },
    });
    expect(await text(objectKeys.allowlist)).toBe('a b\n');
    expect(await functions.operate('PUT', '/allowlist/a%20b')).toMatchObject({ status: 400 });
    await list('# nobody\n');
  });
});

test('a function’s URL is open to signed requests only, of pages of any origin', async () => {
  const { headers } = await functions.tryReading('/deployments');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(await functions.session({})).toMatchObject({ status: 400 });
});

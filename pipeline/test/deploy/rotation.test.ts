import { setTimeout as pause } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateJobCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DescribeEventConfigurationsCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListThingPrincipalsCommand,
  StartOnDemandAuditTaskCommand,
} from '@aws-sdk/client-iot';
import { GetThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CertificateMessage,
  CsrRequestMessage,
  EventItem,
  logGroups,
  names,
  RotateThingsAnswer,
  TelemetryItem,
  topics,
} from '@mooring/contracts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { atEnd } from '../../../local-cloud/test/support/at-end.js';
import { planAccountSettings } from '../../src/deploy/account-settings.js';
import { deployLocal } from '../../src/deploy/index.js';
import { clientConfig } from '../../src/target.js';
import { DeviceConnection, type Identity, joinFleet, newKey, signingRequest } from './certified-device.js';
import { type RunningCloud, startCloud } from './running-cloud.js';

let cloud: RunningCloud;
let iot: IoTClient;
let data: IoTDataPlaneClient;
let lambda: LambdaClient;
let logs: CloudWatchLogsClient;
let database: DynamoDBClient;
let settings: readonly string[] | undefined;

beforeAll(async () => {
  cloud = await startCloud();
  atEnd(() => cloud.stop());
  ({ settings } = await deployLocal(cloud.target));
  const config = clientConfig(cloud.target);
  iot = new IoTClient(config);
  data = new IoTDataPlaneClient(config);
  lambda = new LambdaClient(config);
  logs = new CloudWatchLogsClient(config);
  database = new DynamoDBClient(config);
  atEnd(() => {
    for (const client of [iot, data, lambda, logs, database]) client.destroy();
  });
});

/** The device of a rotation: its connection is that of the certificate which is to be replaced. */
async function connected(thing: string, days = 3650): Promise<{ identity: Identity; old: DeviceConnection }> {
  const identity = await joinFleet(iot, thing, days);
  const old = await DeviceConnection.open(cloud, thing, identity);
  await old.subscribe(topics.csrRequest(thing), topics.certificate(thing), topics.certificateDone(thing));
  return { identity, old };
}

/** Plays what the device does when it is asked; returns the certificate that it has in the end. */
async function rotate(thing: string, { identity, old }: { identity: Identity; old: DeviceConnection }) {
  const { keys, keyPem } = await newKey();
  await old.publish(topics.csrResponse(thing), { csr: await signingRequest(keys, thing, identity) });
  const issued = CertificateMessage.parse(await old.next(topics.certificate(thing)));
  const now = await DeviceConnection.open(cloud, `${thing}#2`, { ...issued, keyPem });
  await now.subscribe(topics.certificateDone(thing));
  await now.publish(topics.certificateAck(thing), { certificateArn: issued.certificateArn });
  expect(await now.next(topics.certificateDone(thing))).toEqual({ certificateArn: issued.certificateArn });
  // The replaced certificate connects nobody any more.
  await old.closed;
  return issued;
}

async function certificatesOf(thingName: string): Promise<string[]> {
  const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
  return principals.map((principal) => principal.split('/')[1] ?? '');
}

async function stateOf(thingName: string): Promise<unknown> {
  const { payload } = await data.send(
    new GetThingShadowCommand({ thingName, shadowName: names.rotationShadow }),
  );
  return JSON.parse(Buffer.from(payload ?? []).toString()).state.reported;
}

/** The first line of a function's log that contains a text, when it is there. */
async function logLine(functionName: string, text: string): Promise<string> {
  for (;;) {
    const { events = [] } = await logs.send(
      new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${functionName}` }),
    );
    const found = events.find(({ message }) => message?.includes(text));
    if (found?.message !== undefined) return found.message;
    await pause(100);
  }
}

/** The items of a thing, oldest first; each is as the contracts say. */
async function itemsOf<T extends { thing: string; at: number }>(
  TableName: string,
  schema: z.ZodType<T>,
  thing: string,
): Promise<T[]> {
  const { Items = [] } = await database.send(new ScanCommand({ TableName }));
  return Items.map((item) => schema.parse(Object.fromEntries(Object.entries(item).map(plain))))
    .filter((item) => item.thing === thing)
    .sort((a, b) => a.at - b.at);
}

/** An attribute's value as JSON has it. */
function plain([name, { S, N, BOOL }]: [string, AttributeValue]): [string, unknown] {
  return [name, S ?? BOOL ?? Number(N)];
}

const DAY_SECONDS = 86_400;

describe('the deployed rotation', () => {
  it('replaces the certificate of a device that is asked by name', async () => {
    const thing = '1000000000000001';
    const device = await connected(thing);
    const { Payload } = await lambda.send(
      new InvokeCommand({
        FunctionName: names.rotationRequestFunction,
        Payload: Buffer.from(JSON.stringify({ things: [thing, 'nobody'] })),
      }),
    );
    expect(RotateThingsAnswer.parse(JSON.parse(Buffer.from(Payload ?? []).toString()))).toEqual({
      requested: [thing],
      refused: [{ thing: 'nobody', reason: 'there is no such thing' }],
    });
    expect(await device.old.next(topics.csrRequest(thing))).toEqual({});
    const { certificateId } = await rotate(thing, device);
    expect(await certificatesOf(thing)).toEqual([certificateId]);
    await expect(
      iot.send(new DescribeCertificateCommand({ certificateId: device.identity.certificateId })),
    ).rejects.toThrow('cannot be found');
    expect(await stateOf(thing)).toMatchObject({ stage: 'completed', certificateId });
  });

  it('replaces the certificates that an audit finds, and leaves the others alone', async () => {
    const [expiring, fresh] = ['1000000000000002', '1000000000000003'] as const;
    const device = await connected(expiring, 20);
    await connected(fresh);
    await iot.send(
      new StartOnDemandAuditTaskCommand({ targetCheckNames: ['DEVICE_CERTIFICATE_EXPIRING_CHECK'] }),
    );
    const request = CsrRequestMessage.parse(await device.old.next(topics.csrRequest(expiring)));
    expect(request).toEqual({ withinSeconds: 1 });
    const { certificateId } = await rotate(expiring, device);
    expect(await certificatesOf(expiring)).toEqual([certificateId]);
    await expect(stateOf(fresh)).rejects.toThrow(/No shadow exists/);
  });

  it('changes nothing for who acknowledges the certificate of another, and logs it', async () => {
    const [thing, victim] = ['1000000000000004', '1000000000000005'] as const;
    const { old } = await connected(thing);
    const { identity } = await connected(victim);
    await old.publish(topics.certificateAck(thing), { certificateArn: identity.certificateArn });
    expect(await logLine(names.certificateRetirementFunction, thing)).toContain(
      '"reason":"the acknowledged certificate is not that of the connection"',
    );
    expect(await certificatesOf(victim)).toEqual([identity.certificateId]);
  });

  it('lets no device speak for another, nor say how far its own rotation is', async () => {
    const [thing, victim] = ['1000000000000006', '1000000000000007'] as const;
    const { identity } = await connected(thing);
    await joinFleet(iot, victim, 3650);
    for (const topic of [
      topics.csrResponse(victim),
      topics.certificateAck(victim),
      `$aws/things/${thing}/shadow/name/${names.rotationShadow}/update`,
    ]) {
      const { client } = await DeviceConnection.open(cloud, `${thing}#9`, identity);
      await expect(client.publishAsync(topic, '{}', { qos: 1 }), topic).rejects.toThrow();
      await client.endAsync(true);
    }
    for (const one of [thing, victim]) await expect(stateOf(one)).rejects.toThrow(/No shadow exists/);
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: logGroups.iot }));
    const logged = events.map(({ message = '' }) => JSON.parse(message));
    expect(logged).toContainEqual(
      expect.objectContaining({
        eventType: 'Publish-In',
        topicName: topics.csrResponse(victim),
        clientId: `${thing}#9`,
        principalId: identity.certificateId,
        reason: 'AUTHORIZATION_FAILURE',
      }),
    );
  });
});

describe('the fleet’s history', () => {
  it('needs events and an index, which a deployment turns on for the account once', async () => {
    expect(settings).toEqual([
      'events of AWS IoT: THING, JOB_EXECUTION',
      `fleet index: things and their shadows, connectivity, the shadow ${names.rotationShadow}`,
    ]);
    const { eventConfigurations } = await iot.send(new DescribeEventConfigurationsCommand({}));
    expect(eventConfigurations).toMatchObject({
      THING: { Enabled: true },
      JOB_EXECUTION: { Enabled: true },
      THING_GROUP: { Enabled: false },
    });
    expect(await planAccountSettings(cloud.target)).toEqual([]);
  });

  it('keeps what a device tells of its LED, by Basic Ingest, and nothing else', async () => {
    const thing = '1000000000000008';
    const { old } = await connected(thing);
    for (const message of [
      { frequency: 'fast', blinking: true },
      { frequency: 51, blinking: true },
      { frequency: 2 },
      { frequency: 2, blinking: 'perhaps' },
      { frequency: [2], blinking: true },
    ]) {
      await old.publish(topics.telemetry(thing), message);
    }
    await old.publish(topics.telemetry(thing), { frequency: 2.5, blinking: true, more: 'ignored' });
    const stored = () => itemsOf(names.telemetryTable, TelemetryItem, thing);
    await vi.waitFor(async () => expect(await stored()).toHaveLength(1), { timeout: 10_000 });
    await old.publish(topics.telemetry(thing), { frequency: '50', blinking: false });
    await vi.waitFor(async () => expect(await stored()).toHaveLength(2), { timeout: 10_000 });
    expect(await stored()).toEqual([
      { thing, at: expect.any(Number), frequency: 2.5, blinking: true, expires: expect.any(Number) },
      { thing, at: expect.any(Number), frequency: 50, blinking: false, expires: expect.any(Number) },
    ]);
    for (const { at, expires } of await stored()) {
      expect(expires).toBe(Math.floor(at / 1000) + 30 * DAY_SECONDS);
    }
  });

  it('tells what happened to a thing, from its creation to its deletion', async () => {
    const thing = '1000000000000009';
    const device = await connected(thing);
    await lambda.send(
      new InvokeCommand({
        FunctionName: names.rotationRequestFunction,
        Payload: Buffer.from(JSON.stringify({ things: [thing] })),
      }),
    );
    await device.old.next(topics.csrRequest(thing));
    const { certificateArn } = await rotate(thing, device);
    await iot.send(new DetachThingPrincipalCommand({ thingName: thing, principal: certificateArn }));
    await iot.send(new DeleteThingCommand({ thingName: thing }));
    const stored = () => itemsOf(names.eventsTable, EventItem, thing);
    const types = async () => new Set((await stored()).map(({ type }) => type));
    await vi.waitFor(
      async () =>
        expect(await types()).toEqual(
          new Set([
            'thing_created',
            'connected',
            'rotation_requested',
            'rotation_completed',
            'disconnected',
            'thing_deleted',
          ]),
        ),
      { timeout: 10_000 },
    );
    const events = await stored();
    expect(events.find(({ type }) => type === 'disconnected')?.detail).toBe('AUTH_ERROR');
    for (const { day, id, at, expires } of events) {
      expect(day).toBe(new Date(at).toISOString().slice(0, 10));
      expect(id).toMatch(new RegExp(`^${at}#[0-9a-f-]{36}$`));
      expect(expires).toBe(Math.floor(at / 1000) + 90 * DAY_SECONDS);
    }
  });

  it('tells how a deployment ended on a device', async () => {
    const thing = '1000000000000010';
    const { old } = await connected(thing);
    const { jobId = '' } = await iot.send(
      new CreateJobCommand({
        jobId: 'told-of',
        targets: [`arn:aws:iot:${cloud.target.region}:000000000000:thing/${thing}`],
        document: '{}',
      }),
    );
    await old.publish(`$aws/things/${thing}/jobs/${jobId}/update`, { status: 'FAILED' });
    const failed = async () =>
      (await itemsOf(names.eventsTable, EventItem, thing)).find(({ type }) => type === 'deployment_failed');
    await vi.waitFor(async () => expect(await failed()).toBeDefined(), { timeout: 10_000 });
    expect(await failed()).toMatchObject({ thing, detail: `FAILED, job ${jobId}` });
  });

  it('has only devices in it', async () => {
    const { Items = [] } = await database.send(new ScanCommand({ TableName: names.eventsTable }));
    const strange = Items.map(({ thing }) => thing?.S ?? '').filter((thing) => !/^\d{16}$/.test(thing));
    expect(strange).toEqual([]);
  });
});

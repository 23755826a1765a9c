import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeThingCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingGroupsForThingCommand,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names, objectKeys } from '@mooring/contracts';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployLocal } from '../../src/deploy/index.js';
import { planFleet, syncFleet } from '../../src/fleet-sync/sync.js';
import { clientConfig, localTarget } from '../../src/target.js';
import { Mooring } from '../commands/mooring.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';

let cloud: RunningCloud;
let iot: IoTClient;
let data: IoTDataPlaneClient;
let s3: S3Client;
const directory = mkdtempSync(join(tmpdir(), 'mooring-fleet-'));
const allowlist = join(directory, 'allowlist.txt');

beforeAll(async () => {
  cloud = await startCloud();
  iot = new IoTClient(clientConfig(cloud.target));
  data = new IoTDataPlaneClient(clientConfig(cloud.target));
  s3 = new S3Client(clientConfig(cloud.target));
  await deployLocal(cloud.target);
});

afterAll(async () => {
  for (const client of [iot, data, s3]) client?.destroy();
  await cloud?.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Device {
  readonly thing: string;
  readonly certificateId: string;
  readonly arn: string;
  readonly pem: string;
  readonly key: string;
}

/** A device as provisioning leaves it, or as a destroyed infrastructure does. */
async function device(thing: string, { whole = true } = {}): Promise<Device> {
  const {
    certificateArn = '',
    certificateId = '',
    certificatePem = '',
    keyPair,
  } = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  await iot.send(
    new CreateThingCommand({
      thingName: thing,
      attributePayload: { attributes: { [names.fleetAttribute]: names.thingGroup } },
    }),
  );
  await iot.send(
    new AttachThingPrincipalCommand({
      thingName: thing,
      principal: certificateArn,
      thingPrincipalType: 'EXCLUSIVE_THING',
    }),
  );
  if (whole) {
    await iot.send(new AttachPolicyCommand({ policyName: names.devicePolicy, target: certificateArn }));
    await iot.send(new AddThingToThingGroupCommand({ thingName: thing, thingGroupName: names.thingGroup }));
  }
  return {
    thing,
    certificateId,
    arn: certificateArn,
    pem: certificatePem,
    key: keyPair?.PrivateKey ?? '',
  };
}

async function isGone({ thing, certificateId }: Device): Promise<boolean> {
  const gone = (error: unknown) => (error as Error).name === 'ResourceNotFoundException';
  const answers = await Promise.all([
    iot.send(new DescribeThingCommand({ thingName: thing })).then(() => false, gone),
    iot.send(new DescribeCertificateCommand({ certificateId })).then(() => false, gone),
  ]);
  return answers.every(Boolean);
}

async function listInBucket(): Promise<string | undefined> {
  const Bucket = bucketNames('000000000000', 'eu-central-1').provisioning;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: objectKeys.allowlist }));
  return Body?.transformToString();
}

const fleet = (command: string, ...args: string[]) =>
  new Mooring(['fleet', command, ...args, '--allowlist', allowlist], {
    AWS_ENDPOINT_URL: cloud.endpointUrl,
  }).finished;

describe('a device that is taken off the allowlist', () => {
  test('loses its connection, certificate, shadows and thing, and the others keep theirs', async () => {
    const gone = await device('gone-1');
    const kept = await device('kept-1');
    await data.send(
      new UpdateThingShadowCommand({
        thingName: gone.thing,
        shadowName: 'own',
        payload: Buffer.from('{"state":{"reported":{}}}'),
      }),
    );
    const connect = (one: Device) =>
      mqtt.connectAsync(
        `mqtts://127.0.0.1:${cloud.ports.mqtt}`,
        {
          clientId: one.thing,
          cert: one.pem,
          key: one.key,
          ca: cloud.rootCa,
          reconnectPeriod: 0,
        },
        false,
      );
    const client = await connect(gone);
    client.on('error', () => undefined);
    const dropped = new Promise<void>((resolve) => client.once('close', () => resolve()));
    writeFileSync(allowlist, '# the fleet\nkept-1\ngone-1\n');

    const refused = await fleet('sync', '--yes-remove', '7');
    expect(refused.code).toBe(0);
    const { code, stdout } = await fleet('remove', 'gone-1', 'never-there');
    expect(code).toBe(0);
    expect(stdout).toMatch(/gone-1 removed, with 1 certificates/);
    expect(stdout).toMatch(/never-there had not joined/);
    await dropped;
    await expect(connect(gone)).rejects.toThrow();
    expect(await isGone(gone)).toBe(true);
    expect(await isGone(kept)).toBe(false);
    expect(readFileSync(allowlist, 'utf8')).toBe('# the fleet\nkept-1\n');
    expect(await listInBucket()).toBe('# the fleet\nkept-1\n');
  });

  test('needs a confirmation by number where many go at once, and nothing changes without', async () => {
    const [one, two] = [await device('many-1'), await device('many-2')];
    writeFileSync(allowlist, 'kept-1\n');
    for (const args of [[], ['--yes-remove', '1'], ['--yes-remove', '3']]) {
      const { code, stderr } = await fleet('sync', ...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/would remove 2 of 3 devices .* --yes-remove 2/);
    }
    const dry = await fleet('sync', '--dry-run');
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(/^- many-1 /m);
    expect(dry.stdout).toMatch(/2 to remove, 0 to attach, 1 in order, 0 not joined yet/);
    expect(await isGone(one)).toBe(false);
    const { code } = await fleet('sync', '--yes-remove', '2');
    expect(code).toBe(0);
    expect(await isGone(one)).toBe(true);
    expect(await isGone(two)).toBe(true);
  });

  test("whose certificate is another thing's too: that one keeps it", async () => {
    const shared = await device('shared-1');
    await iot.send(new CreateThingCommand({ thingName: 'other-owner' }));
    const registered = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
    for (const thingName of ['other-owner', shared.thing]) {
      await iot.send(new AttachThingPrincipalCommand({ thingName, principal: registered.certificateArn }));
    }
    await syncFleet(cloud.target, { allowlist: 'kept-1\n', confirmed: 1 });
    expect(await isGone(shared)).toBe(true);
    const { certificateDescription } = await iot.send(
      new DescribeCertificateCommand({ certificateId: registered.certificateId }),
    );
    expect(certificateDescription?.status).toBe('ACTIVE');
  });
});

describe('a device that is on the allowlist', () => {
  test('is attached again to group and policy after the infrastructure was destroyed', async () => {
    const { thing, arn } = await device('back-1', { whole: false });
    writeFileSync(allowlist, 'kept-1\nback-1\n');
    const { code, stdout } = await fleet('sync');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\+ back-1 /m);
    const { policies } = await iot.send(new ListAttachedPoliciesCommand({ target: arn }));
    expect(policies?.map(({ policyName }) => policyName)).toEqual([names.devicePolicy]);
    const { thingGroups } = await iot.send(new ListThingGroupsForThingCommand({ thingName: thing }));
    expect(thingGroups?.map(({ groupName }) => groupName)).toEqual([names.thingGroup]);
    expect((await fleet('sync')).stdout).toMatch(/0 to remove, 0 to attach, 2 in order/);
  });

  test('may join once it was allowed, and is listed with the rest', async () => {
    const allowed = await fleet('allow', 'new-1');
    expect(allowed.code).toBe(0);
    expect(await listInBucket()).toContain('\nnew-1\n');
    expect((await fleet('allow', 'new-1')).stdout).toMatch(/could join already/);
    const { stdout } = await fleet('list');
    expect(stdout).toMatch(/^new-1 +yes +has not joined yet$/m);
    expect(stdout).toMatch(/^kept-1 +yes +in the fleet$/m);
  });
});

describe('a large fleet', () => {
  const serials = Array.from({ length: 260 }, (_, index) => `large-${String(index).padStart(3, '0')}`);
  const list = `kept-1\nback-1\n${serials.join('\n')}\n`;

  beforeAll(async () => {
    for (const thingName of serials) {
      await iot.send(
        new CreateThingCommand({
          thingName,
          attributePayload: { attributes: { [names.fleetAttribute]: names.thingGroup } },
        }),
      );
    }
  });

  test('is gone on with after an interruption, and the service may throttle', async () => {
    writeFileSync(allowlist, list);
    const first = new Mooring(['fleet', 'sync', '--allowlist', allowlist], {
      AWS_ENDPOINT_URL: cloud.endpointUrl,
    });
    await new Promise<void>((resolve) =>
      first.process.stderr?.on('data', (chunk: Buffer) => {
        if (/of 260 devices done/.test(chunk.toString())) resolve();
      }),
    );
    first.process.kill('SIGKILL');
    await first.finished;
    const left = await planFleet(cloud.target, { allowlist: list });
    expect(left.attach.length).toBeLessThan(260);
    expect(left.attach.length).toBeGreaterThan(0);

    const throttling = await throttlingProxy(cloud.endpointUrl, 150);
    try {
      const { outcomes } = await syncFleet(localTarget(throttling.url), { allowlist: list });
      expect(outcomes.filter(({ failed }) => failed)).toEqual([]);
      expect(outcomes).toHaveLength(left.attach.length);
      expect(throttling.refused()).toBeGreaterThan(0);
    } finally {
      throttling.server.close();
    }
    expect((await planFleet(cloud.target, { allowlist: list })).keep).toHaveLength(262);
  });
});

/** Passes requests on, but answers one in `every` as AWS does when there are too many. */
async function throttlingProxy(
  to: string,
  every: number,
): Promise<{ url: string; server: Server; refused: () => number }> {
  let requests = 0;
  let refused = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    if (requests % every === 0) {
      refused += 1;
      incoming.resume();
      outgoing.writeHead(429, {
        'x-amzn-errortype': 'ThrottlingException',
        'content-type': 'application/json',
      });
      outgoing.end('{"message":"Rate exceeded"}');
      return;
    }
    const onward = request(
      new URL(incoming.url ?? '/', to),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server, refused: () => refused };
}

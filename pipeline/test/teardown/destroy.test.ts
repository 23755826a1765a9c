import { DescribeRepositoriesCommand, ECRClient } from '@aws-sdk/client-ecr';
import {
  CreateComponentVersionCommand,
  GreengrassV2Client,
  ListComponentsCommand,
} from '@aws-sdk/client-greengrassv2';
import {
  AddThingToThingGroupCommand,
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  DescribeThingGroupCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListPoliciesCommand,
  ListThingsCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, componentNames, names } from '@mooring/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployLocal } from '../../src/deploy/index.js';
import { syncFleet } from '../../src/fleet-sync/sync.js';
import { provision } from '../../src/provisioning/provision.js';
import { clientConfig } from '../../src/target.js';
import { type Finished, Mooring } from '../commands/mooring.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';

let cloud: RunningCloud;
let iot: IoTClient;
let s3: S3Client;
let greengrass: GreengrassV2Client;
let ecr: ECRClient;
let claim: string;
let certificate: { certificateId: string; arn: string };
const buckets = bucketNames('000000000000', 'eu-central-1');
const allowlist = 'device-1\n';

const run = (...args: string[]): Promise<Finished> =>
  new Mooring(args, { AWS_ENDPOINT_URL: cloud.endpointUrl }).finished;

async function bucketsNow(): Promise<string[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  return Buckets.map(({ Name = '' }) => Name).sort();
}

async function statusOf(certificateId: string): Promise<string | undefined> {
  const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
  return certificateDescription?.status;
}

beforeAll(async () => {
  cloud = await startCloud();
  const config = clientConfig(cloud.target);
  iot = new IoTClient(config);
  s3 = new S3Client(config);
  greengrass = new GreengrassV2Client(config);
  ecr = new ECRClient(config);
  await deployLocal(cloud.target);
  claim = (await provision(cloud.target, allowlist)).claimCertificateId;
  const { certificateArn = '', certificateId = '' } = await iot.send(
    new CreateKeysAndCertificateCommand({ setAsActive: true }),
  );
  certificate = { certificateId, arn: certificateArn };
  await iot.send(
    new CreateThingCommand({
      thingName: 'device-1',
      attributePayload: { attributes: { [names.fleetAttribute]: names.thingGroup } },
    }),
  );
  await iot.send(new AttachThingPrincipalCommand({ thingName: 'device-1', principal: certificateArn }));
  await iot.send(new AttachPolicyCommand({ policyName: names.devicePolicy, target: certificateArn }));
  await iot.send(
    new AddThingToThingGroupCommand({ thingGroupName: names.thingGroup, thingName: 'device-1' }),
  );
  await greengrass.send(
    new CreateComponentVersionCommand({
      inlineRecipe: Buffer.from(
        JSON.stringify({
          RecipeFormatVersion: '2020-01-25',
          ComponentName: componentNames.led,
          ComponentVersion: '1.0.0',
          Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { Run: 'true' } }],
        }),
      ),
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: buckets.artifacts, Key: 'docker_led/1.0.0/file', Body: 'x' }));
});

afterAll(async () => {
  for (const client of [iot, s3, greengrass, ecr]) client?.destroy();
  await cloud?.stop();
});

test('destroying deletes the infrastructure; devices, certificates, claim and components stay', async () => {
  const { code, stdout } = await run('destroy');
  expect(code).toBe(0);
  expect(stdout).toMatch(/are still there/);
  await expect(
    iot.send(new DescribeThingGroupCommand({ thingGroupName: names.thingGroup })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  expect((await iot.send(new ListPoliciesCommand({}))).policies).toEqual([]);
  expect(await bucketsNow()).toEqual([buckets.bootstrap]);
  expect((await ecr.send(new DescribeRepositoriesCommand({}))).repositories).toEqual([]);

  expect((await iot.send(new ListThingsCommand({}))).things?.map(({ thingName }) => thingName)).toEqual([
    'device-1',
  ]);
  expect(await statusOf(certificate.certificateId)).toBe('ACTIVE');
  expect(await statusOf(claim)).toBe('ACTIVE');
  const { components } = await greengrass.send(new ListComponentsCommand({ scope: 'PRIVATE' }));
  expect(components?.map(({ componentName }) => componentName)).toEqual([componentNames.led]);

  const again = await run('destroy');
  expect(again.code).toBe(0);
});

test('redeployed, the same claim certificate and the same device are back', async () => {
  await deployLocal(cloud.target);
  const provisioned = await provision(cloud.target, allowlist);
  expect(provisioned).toMatchObject({ claimCertificateId: claim, claimCertificateCreated: false });
  const { outcomes } = await syncFleet(cloud.target, { allowlist });
  expect(outcomes).toMatchObject([{ thing: 'device-1', change: 'attached', failed: false }]);
  const { policies } = await iot.send(new ListAttachedPoliciesCommand({ target: certificate.arn }));
  expect(policies?.map(({ policyName }) => policyName)).toEqual([names.devicePolicy]);
});

test('a rotated claim leaves the one of before valid until it is withdrawn', async () => {
  const rotated = await run('claim', 'rotate', '--json');
  const { certificateId, stillValid } = JSON.parse(rotated.stdout) as {
    certificateId: string;
    stillValid: string[];
  };
  expect(stillValid).toEqual([claim]);
  expect(certificateId).not.toBe(claim);
  expect([await statusOf(claim), await statusOf(certificateId)]).toEqual(['ACTIVE', 'ACTIVE']);
  expect((await provision(cloud.target, allowlist)).claimCertificateId).toBe(certificateId);

  const current = await run('claim', 'withdraw', certificateId);
  expect(current.code).toBe(1);
  expect(current.stderr).toMatch(/new images get: run `mooring claim rotate` first/);
  const unknown = await run('claim', 'withdraw', 'abc-not-there');
  expect(unknown.stderr).toMatch(/no claim certificate abc-not-there: see `mooring claim list`/);

  expect((await run('claim', 'withdraw', claim.slice(0, 12))).code).toBe(0);
  await expect(statusOf(claim)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const { stdout } = await run('claim', 'list');
  expect(stdout).toContain(`${certificateId}  `);
  expect(stdout).not.toContain(claim);
});

test('a claim that the cloud has lost is made anew', async () => {
  const { claimCertificateId: certificateId } = await provision(cloud.target, allowlist);
  await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
  await iot.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }));
  const { claimCertificateId, claimCertificateCreated } = await provision(cloud.target, allowlist);
  expect(claimCertificateCreated).toBe(true);
  expect(await statusOf(claimCertificateId)).toBe('ACTIVE');
  expect((await run('claim', 'list')).stdout).toMatch(new RegExp(`^${certificateId} .* MISSING `, 'm'));
});

test('with --everything nothing is left', async () => {
  const { code, stdout } = await run('destroy', '--everything');
  expect(code).toBe(0);
  expect(stdout).toMatch(/Nothing is left/);
  expect((await iot.send(new ListThingsCommand({}))).things).toEqual([]);
  expect((await iot.send(new ListCertificatesCommand({}))).certificates).toEqual([]);
  expect((await iot.send(new ListPoliciesCommand({}))).policies).toEqual([]);
  expect(await bucketsNow()).toEqual([]);
  expect((await greengrass.send(new ListComponentsCommand({ scope: 'PRIVATE' }))).components).toEqual([]);
});

test('on AWS it has to be confirmed', async () => {
  const { code, stderr } = await new Mooring(['destroy', '--stack', 'prod']).finished;
  expect(code).toBe(1);
  expect(stderr).toMatch(/deletes the infrastructure of the stack prod: if it is meant so, add --yes/);
});

test('what is confirmed has to be the stack', async () => {
  const { code, stderr } = await run('destroy', '--confirm', 'prod');
  expect(code).toBe(1);
  expect(stderr).toMatch(/The stack is local, and what was confirmed is "prod": nothing was deleted/);
});

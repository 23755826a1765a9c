import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient, PutImageCommand } from '@aws-sdk/client-ecr';
import { CreateComponentVersionCommand, GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import {
  AttachRolePolicyCommand,
  CreatePolicyVersionCommand,
  DeleteRoleCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  IoTClient,
  ListThingsCommand,
} from '@aws-sdk/client-iot';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketNames, componentNames, names, objectKeys } from '@mooring/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAccount } from '../../src/bootstrap/account.js';
import { fleetCertificates } from '../../src/certificates/fleet-certificates.js';
import type { BuiltComponent } from '../../src/components/build.js';
import { finishLayout, startLayout, writeJsonBlob } from '../../src/components/oci.js';
import { publishComponents } from '../../src/components/publish.js';
import { deployLocal } from '../../src/deploy/index.js';
import { fleetOverview } from '../../src/fleet/overview.js';
import { syncFleet } from '../../src/fleet-sync/sync.js';
import { provision, withClaims } from '../../src/provisioning/provision.js';
import { deployComponents } from '../../src/rollout/deploy-components.js';
import { clientConfig, type Target } from '../../src/target.js';
import { destroyInfrastructure } from '../../src/teardown/destroy.js';
import { Mooring } from '../commands/mooring.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { Workshop } from '../rollout/fleet-cloud.js';
import { asPipeline } from './as-pipeline.js';

const buckets = bucketNames('000000000000', 'eu-central-1');
const workshop = new Workshop();
const folder = mkdtempSync(join(tmpdir(), 'mooring-image-'));
let cloud: RunningCloud;
/** With the credentials of the role. */
let pipeline: Target;
let environment: Record<string, string>;

beforeAll(async () => {
  cloud = await startCloud();
  const role = await asPipeline(cloud.target);
  pipeline = role.target;
  environment = {
    AWS_ENDPOINT_URL: cloud.endpointUrl,
    AWS_ACCESS_KEY_ID: role.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: role.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: role.credentials.sessionToken ?? '',
  };
});
afterAll(async () => {
  workshop.remove();
  rmSync(folder, { recursive: true, force: true });
  await cloud?.stop();
});

/** A device as the fleet's provisioning leaves it, with the account's own credentials. */
async function device(thingName: string): Promise<void> {
  const iot = new IoTClient(clientConfig(cloud.target));
  const { certificateArn = '' } = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  await iot.send(
    new CreateThingCommand({
      thingName,
      attributePayload: { attributes: { [names.fleetAttribute]: names.thingGroup } },
    }),
  );
  await iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
  iot.destroy();
}

/** A component whose image holds nothing. */
async function withImage(component: BuiltComponent): Promise<BuiltComponent> {
  await startLayout(folder);
  const config = await writeJsonBlob(folder, 'application/vnd.oci.image.config.v1+json', {
    architecture: 'arm64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const manifest = await writeJsonBlob(folder, 'application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: [],
  });
  const platform = { os: 'linux', architecture: 'arm64' };
  const { digest } = await finishLayout(folder, component.name, [{ ...manifest, platform }]);
  return {
    ...component,
    image: { layout: folder, digest, platforms: ['linux/arm64'], compressedBytes: { 'linux/arm64': 0 } },
  };
}

test('the role deploys the infrastructure, and a second time changes nothing', async () => {
  const { result } = await deployLocal(pipeline);
  expect(result.created).toBeGreaterThan(20);
  expect((await deployLocal(pipeline)).plan.changes).toBe(false);
});

test('the role sets provisioning up, rotates the claim, and reads what an image needs', async () => {
  await provision(pipeline, 'device-1\n');
  const claim = await withClaims(pipeline, ({ claims }) => claims.rotate());
  await provision(pipeline, 'device-1\n');
  const old = (await withClaims(pipeline, ({ claims }) => claims.list())).find((one) => !one.current);
  expect(old?.certificateId).not.toBe(claim.certificateId);
  await withClaims(pipeline, ({ claims }) => claims.withdraw(old?.certificateId ?? ''));
  const s3 = new S3Client(clientConfig(pipeline));
  for (const Key of [
    objectKeys.claimPrivateKey,
    objectKeys.claimCertificate,
    objectKeys.provisioningConfig,
  ]) {
    await s3.send(new GetObjectCommand({ Bucket: buckets.provisioning, Key }));
  }
  s3.destroy();
});

test('the role attaches, removes, and tells of devices', async () => {
  await device('device-1');
  await device('device-2');
  const both = await syncFleet(pipeline, { allowlist: 'device-1\ndevice-2\n' });
  expect(both.outcomes).toMatchObject([{ change: 'attached', failed: false }, { failed: false }]);
  const { outcomes } = await syncFleet(pipeline, { allowlist: 'device-1\n', confirmed: 1 });
  expect(outcomes).toMatchObject([{ thing: 'device-2', change: 'removed', failed: false }]);
  expect(await fleetCertificates(pipeline, () => undefined, Date.now())).toHaveLength(1);
});

test('the role publishes components with their images and artifacts, and deploys them', async () => {
  const led = await withImage(workshop.build(componentNames.led, 'echo 1'));
  const published = await publishComponents(pipeline, [led], { onProgress: () => undefined });
  expect(published).toMatchObject([{ version: '1.0.0', published: true }]);
  const deployment = await deployComponents(pipeline, {
    ...{ only: [], without: [], declared: {}, merges: [], resets: [] },
    ...{ failureThreshold: 20, wait: false, timeout: 1, settle: 0, onProgress: () => undefined },
  });
  expect(deployment.components).toMatchObject([{ name: componentNames.led, version: '1.0.0' }]);
  const { devices, deployment: inForce } = await fleetOverview(pipeline);
  expect(devices).toMatchObject([{ thing: 'device-1' }]);
  expect(inForce?.components).toMatchObject({ [componentNames.led]: '1.0.0' });
});

test('the command takes the credentials of the environment, and does not remove its own access', async () => {
  const status = await new Mooring(['status'], environment).finished;
  expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('device-1') });
  const { code, stderr } = await new Mooring(['destroy', '--everything'], environment).finished;
  expect(code).toBe(1);
  expect(stderr).toMatch(/run it with the credentials of an administrator, or without --everything/);
});

/** Calls that the role must not get through. */
const refused: readonly [
  what: string,
  call: (config: ReturnType<typeof clientConfig>) => Promise<unknown>,
][] = [
  [
    'its own trust',
    (config) =>
      new IAMClient(config).send(
        new UpdateAssumeRolePolicyCommand({ RoleName: names.pipelineRole, PolicyDocument: '{}' }),
      ),
  ],
  [
    'its own permissions',
    (config) =>
      new IAMClient(config).send(
        new PutRolePolicyCommand({ RoleName: names.pipelineRole, PolicyName: 'x', PolicyDocument: '{}' }),
      ),
  ],
  [
    'its own policies',
    (config) =>
      new IAMClient(config).send(
        new CreatePolicyVersionCommand({
          PolicyArn: `arn:aws:iam::000000000000:policy/${names.pipelineRole}Roles`,
          PolicyDocument: '{}',
        }),
      ),
  ],
  [
    "another's role",
    (config) => new IAMClient(config).send(new DeleteRoleCommand({ RoleName: 'GreengrassSomebodyRole' })),
  ],
  ["another's role, to read", (config) => new IAMClient(config).send(new GetRoleCommand({ RoleName: 'x' }))],
  [
    "AWS's policies for its functions",
    (config) =>
      new IAMClient(config).send(
        new AttachRolePolicyCommand({
          RoleName: `${names.allowlistFunction}Role`,
          PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
        }),
      ),
  ],
  [
    "another's bucket",
    (config) => new S3Client(config).send(new CreateBucketCommand({ Bucket: 'somebody' })),
  ],
  [
    "the state of the pipeline's access",
    (config) =>
      new S3Client(config).send(
        new GetObjectCommand({ Bucket: buckets.bootstrap, Key: 'state/local-access.json' }),
      ),
  ],
  [
    'the mark of the account',
    (config) =>
      new S3Client(config).send(
        new PutObjectCommand({ Bucket: buckets.bootstrap, Key: objectKeys.accountMarker, Body: '{}' }),
      ),
  ],
  [
    'old versions of the state',
    (config) => new S3Client(config).send(new ListObjectVersionsCommand({ Bucket: buckets.bootstrap })),
  ],
  [
    'a version of the state',
    (config) =>
      new S3Client(config).send(
        new DeleteObjectCommand({ Bucket: buckets.bootstrap, Key: 'state/local.json', VersionId: 'x' }),
      ),
  ],
  [
    "another's component",
    (config) =>
      new GreengrassV2Client(config).send(
        new CreateComponentVersionCommand({
          inlineRecipe: Buffer.from(
            JSON.stringify({
              RecipeFormatVersion: '2020-01-25',
              ComponentName: 'com.example.Somebody',
              ComponentVersion: '1.0.0',
              Manifests: [{ Lifecycle: { Run: 'true' } }],
            }),
          ),
        }),
      ),
  ],
  [
    "another's images",
    (config) =>
      new ECRClient(config).send(new PutImageCommand({ repositoryName: 'somebody', imageManifest: '{}' })),
  ],
  [
    "another's repository",
    (config) => new ECRClient(config).send(new CreateRepositoryCommand({ repositoryName: 'somebody' })),
  ],
  ['a new thing', (config) => new IoTClient(config).send(new CreateThingCommand({ thingName: 'somebody' }))],
  [
    "another's AWS IoT policy",
    (config) =>
      new IoTClient(config).send(new CreatePolicyCommand({ policyName: 'somebody', policyDocument: '{}' })),
  ],
  [
    'a key that is made in the cloud',
    (config) => new IoTClient(config).send(new CreateKeysAndCertificateCommand({})),
  ],
  [
    'the functions that sign certificates',
    (config) => new LambdaClient(config).send(new InvokeCommand({ FunctionName: names.csrFunction })),
  ],
];

test('the role sees by its own tags that another region is not the one of the account', async () => {
  await expect(checkAccount({ ...pipeline, region: 'eu-west-1' })).rejects.toMatchObject({
    code: 'OtherAccount',
    message: expect.stringContaining('has its local fleet in eu-central-1'),
  });
});

test.each(refused)('the role may not touch %s', async (_what, call) => {
  await expect(call(clientConfig(pipeline))).rejects.toMatchObject({
    name: expect.stringMatching(/^(AccessDenied|AccessDeniedException|UnauthorizedException)$/),
  });
});

test('the role destroys the infrastructure, and devices stay', async () => {
  const { result } = await destroyInfrastructure(pipeline);
  expect(result.deleted).toBeGreaterThan(20);
  const iot = new IoTClient(clientConfig(pipeline));
  expect((await iot.send(new ListThingsCommand({}))).things).toHaveLength(1);
  iot.destroy();
});

import { createHash } from 'node:crypto';
import {
  CreateComponentVersionCommand,
  type CreateComponentVersionCommandInput,
  DeleteComponentCommand,
  DescribeComponentCommand,
  GetComponentCommand,
  GetComponentVersionArtifactCommand,
  GreengrassV2Client,
  ListComponentsCommand,
  ListComponentVersionsCommand,
  ListTagsForResourceCommand,
  ResolveComponentCandidatesCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-greengrassv2';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';

const ARTIFACT = 'print("hello")\n';
const KEY = 'com.example.A/1.0.0/a b+ü.py';
let cloud: LocalCloud;
let greengrass: GreengrassV2Client;

beforeAll(async () => {
  cloud = await startCloud();
  greengrass = new GreengrassV2Client({ ...clientConfig(cloud), maxAttempts: 1 });
  const s3 = new S3Client({ ...clientConfig(cloud), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key: KEY, Body: ARTIFACT }));
});

const arnOf = (name: string, version?: string, account = '000000000000') =>
  `arn:aws:greengrass:eu-central-1:${account}:components:${name}${version === undefined ? '' : `:versions:${version}`}`;

function recipe(ComponentName: string, ComponentVersion: string, more: object = {}) {
  return {
    RecipeFormatVersion: '2020-01-25',
    ComponentName,
    ComponentVersion,
    ComponentDescription: 'An example',
    ComponentPublisher: 'Example',
    Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { Run: 'true' } }],
    ...more,
  };
}

function create(content: object, more: Partial<CreateComponentVersionCommandInput> = {}, as = greengrass) {
  return as.send(
    new CreateComponentVersionCommand({ inlineRecipe: Buffer.from(JSON.stringify(content)), ...more }),
  );
}

const withArtifact = (Uri: string) => ({
  Manifests: [{ Platform: { os: 'linux' }, Artifacts: [{ Uri }] }],
});

test('a component version comes to be, is described, tagged and deleted', async () => {
  const arn = arnOf('com.example.Life', '1.0.0');
  const made = await create(recipe('com.example.Life', '1.0.0'), { tags: { team: 'a' } });
  expect(made).toMatchObject({
    arn,
    componentName: 'com.example.Life',
    componentVersion: '1.0.0',
    creationTimestamp: expect.any(Date),
    status: { componentState: 'REQUESTED', message: 'NONE', errors: {} },
  });
  expect(await greengrass.send(new DescribeComponentCommand({ arn }))).toMatchObject({
    arn,
    componentName: 'com.example.Life',
    componentVersion: '1.0.0',
    publisher: 'Example',
    description: 'An example',
    status: { componentState: 'DEPLOYABLE', vendorGuidance: 'ACTIVE' },
    platforms: [{ attributes: { os: 'linux' } }],
    tags: { team: 'a' },
  });
  await expect(create(recipe('com.example.Life', '1.0.0'))).rejects.toMatchObject({
    name: 'ConflictException',
    message:
      'Component [com.example.Life : 1.0.0] for account [000000000000] already exists with state: [DEPLOYABLE]',
    resourceId: arn,
  });
  await greengrass.send(new TagResourceCommand({ resourceArn: arn, tags: { team: 'b', stage: 'dev' } }));
  await greengrass.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: ['team'] }));
  const { tags } = await greengrass.send(new ListTagsForResourceCommand({ resourceArn: arn }));
  expect(tags).toEqual({ stage: 'dev' });
  expect((await greengrass.send(new GetComponentCommand({ arn }))).tags).toEqual({ stage: 'dev' });
  await greengrass.send(new DeleteComponentCommand({ arn }));
  for (const command of [
    new DescribeComponentCommand({ arn }),
    new DeleteComponentCommand({ arn }),
    new ListComponentVersionsCommand({ arn: arnOf('com.example.Life') }),
    new ListTagsForResourceCommand({ resourceArn: arn }),
  ]) {
    await expect(greengrass.send(command as DescribeComponentCommand)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  }
  await expect(
    greengrass.send(new GetComponentCommand({ arn: arnOf('com.example.Life') })),
  ).rejects.toMatchObject({ name: 'ValidationException' });
});

test('the same request with the same token is answered once and the same', async () => {
  const content = recipe('com.example.Once', '1.0.0');
  const first = await create(content, { clientToken: 'once-1' });
  const { $metadata: _a, ...answer } = first;
  const { $metadata: _b, ...again } = await create(content, { clientToken: 'once-1' });
  expect(again).toEqual(answer);
  await expect(create(content, { clientToken: 'once-2' })).rejects.toMatchObject({
    name: 'ConflictException',
  });
  await expect(create(content, { clientToken: 'a b' })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('artifacts in S3 get their digest and a URL that they can be got from', async () => {
  const Uri = `s3://artifacts/${KEY}`;
  const docker = 'docker:127.0.0.1:4566/a@sha256:0';
  await create({
    ...recipe('com.example.A', '1.0.0'),
    Manifests: [{ Platform: { os: 'linux' }, Artifacts: [{ Uri }, { Uri: docker }] }],
  });
  const arn = arnOf('com.example.A', '1.0.0');
  const got = await greengrass.send(new GetComponentCommand({ arn, recipeOutputFormat: 'JSON' }));
  const digest = createHash('sha256').update(ARTIFACT).digest('base64');
  expect(JSON.parse(Buffer.from(got.recipe ?? []).toString()).Manifests[0].Artifacts).toEqual([
    {
      Uri,
      Unarchive: 'NONE',
      Permission: { Read: 'OWNER', Execute: 'NONE' },
      Digest: digest,
      Algorithm: 'SHA-256',
    },
    { Uri: docker, Unarchive: 'NONE', Permission: { Read: 'OWNER', Execute: 'NONE' } },
  ]);
  const yaml = await greengrass.send(new GetComponentCommand({ arn, recipeOutputFormat: 'YAML' }));
  expect(Buffer.from(yaml.recipe ?? []).toString()).toContain(`Digest: ${digest}`);

  for (const artifactName of ['a b+ü.py', `artifacts/${KEY}`, Uri]) {
    const { preSignedUrl = '' } = await greengrass.send(
      new GetComponentVersionArtifactCommand({ arn, artifactName }),
    );
    expect(await (await fetch(preSignedUrl)).text()).toBe(ARTIFACT);
    const part = await fetch(preSignedUrl, { headers: { range: 'bytes=0-4' } });
    expect([part.status, await part.text()]).toEqual([206, 'print']);
    const forged = await fetch(preSignedUrl.replace('a%20b', 'other'));
    expect(forged.status).toBe(403);
  }
  await expect(
    greengrass.send(new GetComponentVersionArtifactCommand({ arn, artifactName: 'other.py' })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });

  for (const uri of [
    's3://artifacts/none',
    's3://no-such-bucket/a',
    'https://example.com/a',
    's3://artifacts',
  ]) {
    await expect(create(recipe('com.example.B', '1.0.0', withArtifact(uri)))).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(
        `Invalid Input: Encountered following errors in Artifacts: {${uri} = `,
      ),
    });
  }
  await expect(create(recipe('com.example.B', '1.0.0', withArtifact('s3://artifacts/none')))).rejects.toThrow(
    '{s3://artifacts/none = Specified artifact resource cannot be accessed}',
  );
});

test('components are listed with their latest versions, page by page', async () => {
  for (const version of ['1.9.0', '1.10.0', '1.10.0-rc.1'])
    await create(recipe('com.example.Listed', version));
  await create(recipe('com.example.Listed2', '1.0.0'));
  const { components = [] } = await greengrass.send(new ListComponentsCommand({}));
  expect(components.find(({ componentName }) => componentName === 'com.example.Listed')).toEqual({
    arn: arnOf('com.example.Listed'),
    componentName: 'com.example.Listed',
    latestVersion: {
      arn: arnOf('com.example.Listed', '1.10.0'),
      componentVersion: '1.10.0',
      creationTimestamp: expect.any(Date),
      description: 'An example',
      publisher: 'Example',
      platforms: [{ attributes: { os: 'linux' } }],
    },
  });
  const versions: (string | undefined)[] = [];
  let nextToken: string | undefined;
  do {
    const input = { arn: arnOf('com.example.Listed'), maxResults: 2, nextToken };
    const page = await greengrass.send(new ListComponentVersionsCommand(input));
    versions.push(...(page.componentVersions ?? []).map(({ componentVersion }) => componentVersion));
    nextToken = page.nextToken;
  } while (nextToken);
  expect(versions).toEqual(['1.10.0', '1.10.0-rc.1', '1.9.0']);
  await expect(greengrass.send(new ListComponentsCommand({ nextToken: '?' }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
  await expect(greengrass.send(new ListComponentsCommand({ maxResults: 101 }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test("AWS's own components are there for everybody, and only to be read", async () => {
  const { components = [] } = await greengrass.send(new ListComponentsCommand({ scope: 'PUBLIC' }));
  expect(components.map(({ componentName }) => componentName)).toEqual([
    'aws.greengrass.Cli',
    'aws.greengrass.DockerApplicationManager',
    'aws.greengrass.LogManager',
    'aws.greengrass.Nucleus',
    'aws.greengrass.NucleusLite',
    'aws.greengrass.TokenExchangeService',
  ]);
  const arn = arnOf('aws.greengrass.Cli', '2.15.0', 'aws');
  expect(components[0]?.latestVersion?.arn).toBe(arn);
  const { recipe: text } = await greengrass.send(new GetComponentCommand({ arn }));
  expect(JSON.parse(Buffer.from(text ?? []).toString())).toMatchObject({
    ComponentType: 'aws.greengrass.plugin',
    ComponentDependencies: {
      'aws.greengrass.Nucleus': { VersionRequirement: '>=2.15.0 <2.16.0', DependencyType: 'SOFT' },
    },
  });
  await expect(greengrass.send(new DeleteComponentCommand({ arn }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});

test('what is not built or not given is said', async () => {
  await expect(
    greengrass.send(
      new CreateComponentVersionCommand({
        lambdaFunction: { lambdaArn: 'arn:aws:lambda:eu-central-1:000000000000:function:f:1' },
      }),
    ),
  ).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('lambdaFunction'),
  });
  await expect(greengrass.send(new CreateComponentVersionCommand({}))).rejects.toMatchObject({
    name: 'ValidationException',
  });
  await expect(create(recipe('com.example.T', '1.0.0'), { tags: { 'aws:x': 'y' } })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('candidates are resolved over the public API too', async () => {
  await create(recipe('com.example.R', '1.0.0'));
  const resolve = (attributes: Record<string, string>, versionRequirements: Record<string, string>) =>
    greengrass.send(
      new ResolveComponentCandidatesCommand({
        platform: { attributes },
        componentCandidates: [{ componentName: 'com.example.R', versionRequirements }],
      }),
    );
  const { resolvedComponentVersions = [] } = await resolve({ os: 'linux' }, { a: '^1.0.0' });
  expect(resolvedComponentVersions).toMatchObject([
    { arn: arnOf('com.example.R', '1.0.0'), componentVersion: '1.0.0', vendorGuidance: 'ACTIVE' },
  ]);
  expect(JSON.parse(Buffer.from(resolvedComponentVersions[0]?.recipe ?? []).toString())).toMatchObject({
    ComponentName: 'com.example.R',
  });
  await expect(resolve({ os: 'linux' }, { a: '^2.0.0' })).rejects.toThrow('no usable version');
  await expect(resolve({ os: 'windows' }, {})).rejects.toThrow('claim platform');
  await expect(resolve({ os: 'linux' }, { a: 'new' })).rejects.toMatchObject({ name: 'ValidationException' });
});

test('a role needs its permissions, also that on the artifact', async () => {
  const allow = (Action: string | string[], Resource: string | string[]) => ({
    Effect: 'Allow',
    Action,
    Resource,
  });
  const config = await roleSession(cloud, 'publisher', [
    allow('greengrass:CreateComponentVersion', '*'),
    allow(['greengrass:GetComponent', 'greengrass:DeleteComponent'], arnOf('com.example.Role', '1.0.0')),
    allow('greengrass:ResolveComponentCandidates', arnOf('com.example.Role', '*')),
  ]);
  const role = new GreengrassV2Client(config);
  await create(recipe('com.example.Role', '1.0.0'), {}, role);
  await role.send(new GetComponentCommand({ arn: arnOf('com.example.Role', '1.0.0') }));
  const candidate = (componentName: string) =>
    new ResolveComponentCandidatesCommand({
      platform: { attributes: { os: 'linux' } },
      componentCandidates: [{ componentName }],
    });
  await role.send(candidate('com.example.Role'));
  const denied = { name: 'AccessDeniedException' };
  await expect(role.send(candidate('aws.greengrass.Cli'))).rejects.toMatchObject(denied);
  await expect(role.send(new ListComponentsCommand({}))).rejects.toMatchObject(denied);
  await expect(
    role.send(new DescribeComponentCommand({ arn: arnOf('com.example.Role', '1.0.0') })),
  ).rejects.toMatchObject(denied);
  await expect(
    create(recipe('com.example.Role', '2.0.0', withArtifact(`s3://artifacts/${KEY}`)), {}, role),
  ).rejects.toThrow('Specified artifact resource cannot be accessed');
  const reader = new GreengrassV2Client(
    await roleSession(cloud, 'reader', [
      allow('greengrass:CreateComponentVersion', '*'),
      allow('s3:GetObject', 'arn:aws:s3:::artifacts/*'),
    ]),
  );
  await create(recipe('com.example.Role', '2.0.0', withArtifact(`s3://artifacts/${KEY}`)), {}, reader);
});

import {
  CancelDeploymentCommand,
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  type CreateDeploymentCommandInput,
  DeleteCoreDeviceCommand,
  DeleteDeploymentCommand,
  GetDeploymentCommand,
  GreengrassV2Client,
  ListCoreDevicesCommand,
  ListDeploymentsCommand,
  ListEffectiveDeploymentsCommand,
  ListInstalledComponentsCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
} from '@aws-sdk/client-greengrassv2';
import {
  AddThingToThingGroupCommand,
  CreateThingGroupCommand,
  DescribeJobCommand,
  IoTClient,
} from '@aws-sdk/client-iot';
import { GetThingShadowCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, expect, test, vi } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { temporaryDirectory } from '../iot/cloud.js';
import { policyText } from '../iot/fleet.js';
import { atEnd } from '../support/at-end.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';
import { type CoreDevice, coreDevice } from './core-device.js';

const SHADOW = 'shadow/name/AWSManagedGreengrassV2Deployment';
const iotArn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;
const ggArn = (resource: string, account = '000000000000') =>
  `arn:aws:greengrass:eu-central-1:${account}:${resource}`;

let cloud: LocalCloud & { stateDirectory: string };
let greengrass: GreengrassV2Client;
let iot: IoTClient;

beforeAll(async () => {
  const directory = temporaryDirectory();
  atEnd(() => directory.remove());
  cloud = {
    ...(await startCloud({ stateDirectory: directory.path, log: () => {} })),
    stateDirectory: directory.path,
  };
  greengrass = new GreengrassV2Client({ ...clientConfig(cloud), maxAttempts: 1 });
  iot = new IoTClient({ ...clientConfig(cloud), maxAttempts: 1 });
  const s3 = new S3Client({ ...clientConfig(cloud), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key: 'hello.py', Body: 'hello' }));
  for (const version of ['1.0.0', '1.1.0', '2.0.0']) {
    const recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: 'com.example.Hello',
      ComponentVersion: version,
      Manifests: [
        {
          // The newest version is not for Linux.
          Platform: { os: version === '2.0.0' ? 'windows' : 'linux' },
          Lifecycle: { Run: 'true' },
          Artifacts: [{ Uri: 's3://artifacts/hello.py' }],
        },
      ],
    };
    await greengrass.send(
      new CreateComponentVersionCommand({ inlineRecipe: Buffer.from(JSON.stringify(recipe)) }),
    );
  }
});

const HELLO = { 'com.example.Hello': { componentVersion: '1.0.0' } };

const deploy = (targetArn: string, more: Partial<CreateDeploymentCommandInput> = {}) =>
  greengrass.send(new CreateDeploymentCommand({ targetArn, components: HELLO, ...more }));

async function group(name: string, parentGroupName?: string): Promise<string> {
  await iot.send(new CreateThingGroupCommand({ thingGroupName: name, parentGroupName }));
  return iotArn(`thinggroup/${name}`);
}

const join = (thingName: string, thingGroupName: string) =>
  iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName }));

async function effective(coreDeviceThingName: string) {
  const { effectiveDeployments = [] } = await greengrass.send(
    new ListEffectiveDeploymentsCommand({ coreDeviceThingName }),
  );
  return effectiveDeployments;
}

const statusOf = async (deploymentId: string | undefined) =>
  (await greengrass.send(new GetDeploymentCommand({ deploymentId }))).deploymentStatus;

/** The next notification of the device's pending deployments that fits. */
async function notified(device: CoreDevice, fits: (jobs: Record<string, unknown>) => boolean): Promise<void> {
  for (;;) {
    const { topic, body } = await device.next();
    if (topic === 'jobs/notify-namespace-aws-gg-deployment' && fits(body.jobs as Record<string, unknown>))
      return;
  }
}
const queued = (jobs: Record<string, unknown>) => 'QUEUED' in jobs;

test('a deployment to a group comes to its devices by a job, and what they say of it is told', async () => {
  const targetArn = await group('fleet');
  const device = await coreDevice(cloud, iot, 'group-1');
  await join('group-1', 'fleet');
  await device.report();
  const policies = {
    failureHandlingPolicy: 'DO_NOTHING',
    componentUpdatePolicy: { timeoutInSeconds: 10, action: 'SKIP_NOTIFY_COMPONENTS' },
    configurationValidationPolicy: { timeoutInSeconds: 20 },
  } as const;
  const { deploymentId, iotJobId, iotJobArn } = await deploy(targetArn, {
    deploymentName: 'first',
    components: {
      'com.example.Hello': {
        componentVersion: '1.0.0',
        configurationUpdate: { merge: '{"a":{"b":1}}', reset: ['/old', ''] },
        runWith: { posixUser: 'ggc_user', systemResourceLimits: { memory: 1024, cpus: 0.5 } },
      },
      'aws.greengrass.Cli': { componentVersion: '2.15.0' },
    },
    deploymentPolicies: policies,
    tags: { stage: 'dev' },
  });
  expect(iotJobArn).toBe(iotArn(`job/${iotJobId}`));
  await notified(device, queued);
  const execution = await device.nextDeployment();
  expect(execution).toMatchObject({ jobId: iotJobId, status: 'QUEUED', queuedAt: expect.any(Number) });
  expect(execution?.jobDocument).toEqual({
    deploymentId,
    deploymentName: 'first',
    creationTimestamp: expect.any(Number),
    configurationArn: ggArn('configuration:thinggroup/fleet:1'),
    requiredCapabilities: [],
    failureHandlingPolicy: 'DO_NOTHING',
    componentUpdatePolicy: { timeout: 10, action: 'SKIP_NOTIFY_COMPONENTS' },
    configurationValidationPolicy: { timeout: 20 },
    components: {
      'com.example.Hello': {
        version: '1.0.0',
        configurationUpdate: { merge: { a: { b: 1 } }, reset: ['/old', ''] },
        runWith: { posixUser: 'ggc_user', systemResourceLimits: { memory: 1024, cpus: 0.5 } },
      },
      'aws.greengrass.Cli': { version: '2.15.0' },
    },
  });
  const common = { deploymentId, deploymentName: 'first', targetArn, iotJobId, iotJobArn };
  expect(await effective('group-1')).toMatchObject([{ ...common, coreDeviceExecutionStatus: 'QUEUED' }]);
  await device.updateDeployment(iotJobId ?? '', 'IN_PROGRESS');
  expect(await effective('group-1')).toMatchObject([{ ...common, coreDeviceExecutionStatus: 'IN_PROGRESS' }]);
  const reached = async () =>
    (await greengrass.send(new ListCoreDevicesCommand({ thingGroupArn: targetArn }))).coreDevices;
  expect(await reached()).toEqual([]);
  await device.updateDeployment(iotJobId ?? '', 'SUCCEEDED', { 'detailed-deployment-status': 'SUCCESSFUL' });
  expect(await effective('group-1')).toEqual([
    {
      ...common,
      coreDeviceExecutionStatus: 'SUCCEEDED',
      reason: 'SUCCESSFUL',
      creationTimestamp: expect.any(Date),
      modifiedTimestamp: expect.any(Date),
    },
  ]);
  expect(await device.nextDeployment()).toBeUndefined();
  expect(await reached()).toMatchObject([{ coreDeviceThingName: 'group-1', status: 'HEALTHY' }]);

  const described = await greengrass.send(new GetDeploymentCommand({ deploymentId }));
  expect(described).toMatchObject({
    ...common,
    revisionId: '1',
    deploymentStatus: 'ACTIVE',
    isLatestForTarget: true,
    deploymentPolicies: policies,
    components: {
      'com.example.Hello': { configurationUpdate: { merge: '{"a":{"b":1}}', reset: ['/old', ''] } },
    },
    tags: { stage: 'dev' },
  });
  const resourceArn = ggArn(`deployments:${deploymentId}`);
  await greengrass.send(new TagResourceCommand({ resourceArn, tags: { team: 'a' } }));
  const { tags } = await greengrass.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ stage: 'dev', team: 'a' });

  // Which deployment a component came with.
  await device.report({
    components: [
      {
        componentName: 'com.example.Hello',
        version: '1.0.0',
        fleetConfigArns: [ggArn('configuration:thinggroup/fleet:1')],
        isRoot: true,
        status: 'RUNNING',
      },
      { componentName: 'own', version: '1.0.0', fleetConfigArns: [], isRoot: true, status: 'RUNNING' },
    ],
  });
  await vi.waitFor(async () => {
    const { installedComponents = [] } = await greengrass.send(
      new ListInstalledComponentsCommand({ coreDeviceThingName: 'group-1' }),
    );
    expect(
      installedComponents.map(({ componentName, lastInstallationSource }) => [
        componentName,
        lastInstallationSource,
      ]),
    ).toEqual([
      ['com.example.Hello', deploymentId],
      ['own', 'LOCAL'],
    ]);
  });
});

test('a device that joins the group later gets its deployment, also in a group below', async () => {
  const targetArn = await group('late');
  await group('late-below', 'late');
  const { iotJobId } = await deploy(targetArn);
  const device = await coreDevice(cloud, iot, 'late-1');
  expect(await device.nextDeployment()).toBeUndefined();
  await join('late-1', 'late-below');
  await notified(device, queued);
  expect(await device.nextDeployment()).toMatchObject({ jobId: iotJobId });
  const groups = await device.call('GET', '/greengrass/v2/coreDevices/late-1/thingGroups');
  expect(groups).toMatchObject({
    status: 200,
    body: {
      thingGroups: [{ thingGroupName: 'late-below', rootToParentThingGroups: [{ thingGroupName: 'late' }] }],
      nextToken: null,
    },
  });
});

test('a failed deployment is told with its errors', async () => {
  const targetArn = await group('failing');
  const device = await coreDevice(cloud, iot, 'failing-1');
  await join('failing-1', 'failing');
  const { deploymentId, iotJobId = '' } = await deploy(targetArn);
  const errors = {
    errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_BROKEN'],
    errorTypes: ['USER_COMPONENT_ERROR'],
  };
  await device.report({
    deploymentInformation: {
      status: 'FAILED',
      statusDetails: {
        detailedStatus: 'FAILED_ROLLBACK_COMPLETE',
        failureCause: 'Hello is broken',
        ...errors,
      },
      fleetConfigurationArnForStatus: ggArn('configuration:thinggroup/failing:1'),
      deploymentId: iotJobId,
      unchangedRootComponents: [],
    },
  });
  await notified(device, queued);
  await device.updateDeployment(iotJobId, 'FAILED', {
    'detailed-deployment-status': 'FAILED_ROLLBACK_COMPLETE',
    'deployment-failure-cause': 'Hello is broken',
    'deployment-error-stack': '["DEPLOYMENT_FAILURE","COMPO',
    'deployment-error-types': '["USER_COMPONENT_ERROR"]',
  });
  expect(await effective('failing-1')).toMatchObject([
    {
      deploymentId,
      coreDeviceExecutionStatus: 'FAILED',
      reason: 'FAILED_ROLLBACK_COMPLETE: Hello is broken',
      statusDetails: errors,
    },
  ]);
  expect(await statusOf(deploymentId)).toBe('ACTIVE');
});

test('a revision takes the place of the deployment before, and a cancel of what is not begun', async () => {
  const targetArn = await group('revised');
  const device = await coreDevice(cloud, iot, 'revised-1');
  await device.report();
  await join('revised-1', 'revised');
  const first = await deploy(targetArn, { clientToken: 'revise-1' });
  const { $metadata: _, ...same } = await deploy(targetArn, { clientToken: 'revise-1' });
  expect(first).toMatchObject(same);
  await notified(device, queued);
  const second = await deploy(targetArn, { deploymentName: 'second' });
  await vi.waitFor(async () =>
    expect(await device.nextDeployment()).toMatchObject({
      jobId: second.iotJobId,
      jobDocument: { configurationArn: ggArn('configuration:thinggroup/revised:2') },
    }),
  );
  expect(await greengrass.send(new GetDeploymentCommand({ deploymentId: first.deploymentId }))).toMatchObject(
    {
      revisionId: '1',
      isLatestForTarget: false,
      deploymentStatus: 'CANCELED',
    },
  );
  const list = async (historyFilter?: 'ALL' | 'LATEST_ONLY') => {
    const input = { targetArn, historyFilter, maxResults: 1 };
    const found: unknown[] = [];
    let nextToken: string | undefined;
    do {
      const page = await greengrass.send(new ListDeploymentsCommand({ ...input, nextToken }));
      found.push(...(page.deployments ?? []).map(({ deploymentId }) => deploymentId));
      nextToken = page.nextToken;
    } while (nextToken);
    return found;
  };
  expect(await list()).toEqual([second.deploymentId]);
  expect(await list('ALL')).toEqual([second.deploymentId, first.deploymentId]);
  expect(await effective('revised-1')).toMatchObject([
    { deploymentId: second.deploymentId, coreDeviceExecutionStatus: 'QUEUED' },
  ]);

  const deletion = new DeleteDeploymentCommand({ deploymentId: second.deploymentId });
  await expect(greengrass.send(deletion)).rejects.toMatchObject({ name: 'ConflictException' });
  const cancellation = new CancelDeploymentCommand({ deploymentId: second.deploymentId });
  expect(await greengrass.send(cancellation)).toMatchObject({ message: 'SUCCESS' });
  await notified(device, (jobs) => Object.keys(jobs).length === 0);
  await vi.waitFor(async () =>
    expect(await effective('revised-1')).toMatchObject([
      { deploymentId: second.deploymentId, coreDeviceExecutionStatus: 'CANCELED' },
    ]),
  );
  expect(await statusOf(second.deploymentId)).toBe('CANCELED');
  const { job } = await iot.send(new DescribeJobCommand({ jobId: second.iotJobId }));
  expect(job).toMatchObject({ status: 'CANCELED', targetSelection: 'CONTINUOUS' });
  await expect(greengrass.send(cancellation)).rejects.toMatchObject({ name: 'ConflictException' });
  await greengrass.send(deletion);
  await expect(greengrass.send(deletion)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  // Numbers of revisions are not used twice.
  const third = await deploy(targetArn);
  expect(await greengrass.send(new GetDeploymentCommand({ deploymentId: third.deploymentId }))).toMatchObject(
    {
      revisionId: '3',
    },
  );
});

test('a deployment to a thing is in its shadow', async () => {
  const device = await coreDevice(cloud, iot, 'single');
  await device.report();
  const targetArn = iotArn('thing/single');
  const { deploymentId, iotJobId } = await deploy(targetArn, { deploymentName: 'own' });
  expect(iotJobId).toBeUndefined();
  const { topic, body } = await device.next();
  expect(topic).toBe(`${SHADOW}/update/accepted`);
  const { desired } = body.state as { desired: { desiredStatus: string; fleetConfig: string } };
  expect(desired.desiredStatus).toBe('SUCCEEDED');
  const configurationArn = ggArn('configuration:thing/single:1');
  expect(JSON.parse(desired.fleetConfig)).toMatchObject({
    deploymentId,
    configurationArn,
    failureHandlingPolicy: 'ROLLBACK',
    components: { 'com.example.Hello': { version: '1.0.0' } },
  });
  const common = { deploymentId, deploymentName: 'own', targetArn };
  expect(await effective('single')).toMatchObject([{ ...common, coreDeviceExecutionStatus: 'QUEUED' }]);
  const say = async (status: string, statusDetails: object, arn = configurationArn) => {
    const reported = { fleetConfigurationArnForStatus: arn, status, statusDetails, ggcVersion: '2.15.0' };
    await device.publish(`${SHADOW}/update`, { state: { reported } });
    await device.next();
  };
  await say('IN_PROGRESS', {});
  expect(await effective('single')).toMatchObject([{ ...common, coreDeviceExecutionStatus: 'IN_PROGRESS' }]);
  expect(await statusOf(deploymentId)).toBe('ACTIVE');
  await say('SUCCEEDED', { detailedStatus: 'SUCCESSFUL' });
  expect(await effective('single')).toMatchObject([
    { ...common, coreDeviceExecutionStatus: 'COMPLETED', reason: 'SUCCESSFUL' },
  ]);
  expect(await statusOf(deploymentId)).toBe('COMPLETED');

  const revision = await deploy(targetArn);
  expect(await statusOf(deploymentId)).toBe('INACTIVE');
  const details = {
    detailedStatus: 'FAILED_NO_STATE_CHANGE',
    failureCause: 'No space',
    errorStack: ['DISK_FULL'],
  };
  await device.next();
  await say('FAILED', details, ggArn('configuration:thing/single:2'));
  expect(await effective('single')).toMatchObject([
    {
      deploymentId: revision.deploymentId,
      coreDeviceExecutionStatus: 'FAILED',
      reason: 'FAILED_NO_STATE_CHANGE: No space',
      statusDetails: { errorStack: ['DISK_FULL'], errorTypes: [] },
    },
  ]);
  expect(await statusOf(revision.deploymentId)).toBe('FAILED');

  const canceled = await deploy(targetArn);
  await greengrass.send(new CancelDeploymentCommand({ deploymentId: canceled.deploymentId }));
  const data = new IoTDataPlaneClient({ ...clientConfig(cloud), maxAttempts: 1 });
  const { payload } = await data.send(
    new GetThingShadowCommand({ thingName: 'single', shadowName: 'AWSManagedGreengrassV2Deployment' }),
  );
  expect(JSON.parse(Buffer.from(payload ?? []).toString()).state.desired).toMatchObject({
    desiredStatus: 'CANCELED',
    fleetConfig: expect.stringContaining(canceled.deploymentId ?? '?'),
  });
  expect(await statusOf(canceled.deploymentId)).toBe('CANCELED');
  expect(await effective('single')).toMatchObject([{ coreDeviceExecutionStatus: 'CANCELED' }]);
  await greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: 'single' }));
  await expect(effective('single')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a subdeployment is sent on behalf of its group', async () => {
  const parentTargetArn = await group('parent');
  const targetArn = await group('child', 'parent');
  await expect(deploy(targetArn, { parentTargetArn })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const parent = await deploy(parentTargetArn);
  const device = await coreDevice(cloud, iot, 'child-1');
  const { deploymentId, iotJobId } = await deploy(targetArn, { parentTargetArn });
  await join('child-1', 'child');
  await vi.waitFor(async () => expect(await device.nextDeployment()).toBeDefined());
  const pending = await device.nextDeployment();
  await device.updateDeployment(pending?.jobId ?? '', 'SUCCEEDED');
  const other = await device.nextDeployment();
  const sub = [pending, other].find((execution) => execution?.jobId === iotJobId);
  expect(sub?.jobDocument).toMatchObject({
    deploymentId,
    parentTargetArn,
    onBehalfOf: targetArn,
    configurationArn: ggArn('configuration:thinggroup/parent:2'),
  });
  expect([pending?.jobId, other?.jobId]).toContain(parent.iotJobId);
  const { deployments } = await greengrass.send(new ListDeploymentsCommand({ parentTargetArn }));
  expect(deployments).toMatchObject([{ deploymentId, parentTargetArn, targetArn, isLatestForTarget: true }]);
});

test('what cannot be deployed is refused in words', async () => {
  const targetArn = await group('refused');
  const refused = async (input: Partial<CreateDeploymentCommandInput>, name: string, words = '') =>
    expect(deploy(targetArn, input)).rejects.toMatchObject({ name, message: expect.stringContaining(words) });
  const hello = (more: object) => ({
    components: { 'com.example.Hello': { componentVersion: '1.0.0', ...more } },
  });
  await refused({ targetArn: iotArn('thinggroup/none') }, 'ResourceNotFoundException', 'does not exist');
  await refused({ targetArn: iotArn('thing/none') }, 'ResourceNotFoundException');
  await refused({ targetArn: 'fleet' }, 'ValidationException', 'targetArn');
  await refused(
    { components: { 'com.example.Hello': { componentVersion: '9.0.0' } } },
    'ResourceNotFoundException',
    'com.example.Hello : 9.0.0',
  );
  await refused(hello({ componentVersion: '^1.0.0' }), 'ValidationException', 'semantic version');
  await refused(hello({ configurationUpdate: { merge: '[]' } }), 'ValidationException', 'JSON object');
  await refused(hello({ configurationUpdate: { reset: ['a'] } }), 'ValidationException', 'JSON pointer');
  await refused(
    hello({ configurationUpdate: { merge: JSON.stringify({ a: 'x'.repeat(32_000) }) } }),
    'NotImplementedException',
    'GetDeploymentConfiguration',
  );
  await refused(
    { iotJobConfiguration: { jobExecutionsRolloutConfig: { maximumPerMinute: 0 } } },
    'ValidationException',
    'maximumPerMinute',
  );
  await refused({ deploymentName: '' }, 'ValidationException', 'deploymentName');
  await coreDevice(cloud, iot, 'refused-1');
  await refused(
    {
      ...hello({ configurationUpdate: { merge: JSON.stringify({ a: '"'.repeat(2000) }) } }),
      targetArn: iotArn('thing/refused-1'),
    },
    'NotImplementedException',
    'shadow',
  );
  const { deployments } = await greengrass.send(new ListDeploymentsCommand({ targetArn }));
  expect(deployments).toEqual([]);
  await expect(
    greengrass.send(new ListDeploymentsCommand({ historyFilter: 'NEWEST' as 'ALL' })),
  ).rejects.toMatchObject({ name: 'ValidationException' });
});

test('the job has the settings of the deployment', async () => {
  const targetArn = await group('waves');
  const iotJobConfiguration = {
    jobExecutionsRolloutConfig: {
      maximumPerMinute: 50,
      exponentialRate: {
        baseRatePerMinute: 5,
        incrementFactor: 2,
        rateIncreaseCriteria: { numberOfSucceededThings: 4 },
      },
    },
    abortConfig: {
      criteriaList: [
        {
          failureType: 'FAILED',
          action: 'CANCEL',
          thresholdPercentage: 20,
          minNumberOfExecutedThings: 1,
        },
      ],
    },
    timeoutConfig: { inProgressTimeoutInMinutes: 5 },
  } as const;
  const { deploymentId, iotJobId } = await deploy(targetArn, {
    iotJobConfiguration: {
      ...iotJobConfiguration,
      abortConfig: { criteriaList: [...iotJobConfiguration.abortConfig.criteriaList] },
    },
  });
  const { job } = await iot.send(new DescribeJobCommand({ jobId: iotJobId }));
  expect(job).toMatchObject(iotJobConfiguration);
  expect(await greengrass.send(new GetDeploymentCommand({ deploymentId }))).toMatchObject({
    iotJobConfiguration,
  });
  // One device of one fails.
  const device = await coreDevice(cloud, iot, 'waves-1');
  await join('waves-1', 'waves');
  await notified(device, queued);
  await device.updateDeployment(iotJobId ?? '', 'FAILED');
  await vi.waitFor(async () => expect(await statusOf(deploymentId)).toBe('CANCELED'));
});

test('a core device resolves components and gets artifacts with its certificate, as its policy allows', async () => {
  const allowed = policyText(
    { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' },
    { Effect: 'Allow', Action: ['iot:Subscribe', 'iot:Receive', 'iot:Publish'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: ['greengrass:ResolveComponentCandidates', 'greengrass:GetComponentVersionArtifact'],
      Resource: ggArn('components:com.example.*'),
    },
    {
      Effect: 'Allow',
      Action: ['greengrass:ListThingGroupsForCoreDevice', 'greengrass:GetDeploymentConfiguration'],
      Resource: ggArn('coreDevices:*'),
    },
  );
  const device = await coreDevice(cloud, iot, 'resolver', allowed);
  const resolve = (componentName: string, versionRequirements: object, more: object = {}, os = 'linux') =>
    device.call('POST', '/greengrass/v2/resolveComponentCandidates', {
      componentCandidates: [{ componentName, versionRequirements, ...more }],
      platform: { attributes: { os, architecture: 'aarch64', 'architecture.detail': 'arm8' } },
    });
  const versions = async (...input: Parameters<typeof resolve>) => {
    const { status, body } = await resolve(...input);
    expect(status).toBe(200);
    return (body.resolvedComponentVersions as { componentVersion: string }[]).map(
      ({ componentVersion }) => componentVersion,
    );
  };
  const answer = await resolve('com.example.Hello', { 'thinggroup/fleet': '==1.0.0' });
  const arn = ggArn('components:com.example.Hello:versions:1.0.0');
  expect(answer).toEqual({
    status: 200,
    body: {
      resolvedComponentVersions: [
        {
          arn,
          componentName: 'com.example.Hello',
          componentVersion: '1.0.0',
          recipe: expect.any(String),
          vendorGuidance: 'ACTIVE',
        },
      ],
    },
  });
  const [resolved] = answer.body.resolvedComponentVersions as [{ recipe: string }];
  expect(JSON.parse(Buffer.from(resolved.recipe, 'base64').toString())).toMatchObject({
    ComponentName: 'com.example.Hello',
    Manifests: [{ Artifacts: [{ Digest: expect.any(String), Algorithm: 'SHA-256' }] }],
  });
  // The newest that claims the platform, unless the device has another that will do.
  expect(await versions('com.example.Hello', { requirements: '>=1.0 <2' })).toEqual(['1.1.0']);
  expect(await versions('com.example.Hello', { a: '>=1.0.0' })).toEqual(['1.1.0']);
  expect(await versions('com.example.Hello', { a: '*' }, {}, 'windows')).toEqual(['2.0.0']);
  expect(await versions('com.example.Hello', { a: '^1.0.0' }, { componentVersion: '1.0.0' })).toEqual([
    '1.0.0',
  ]);
  expect(await versions('com.example.Hello', { a: '~1.1' }, { componentVersion: '1.0.0' })).toEqual([
    '1.1.0',
  ]);
  expect(await resolve('com.example.Hello', { a: '==1.0.0', b: '^2.0.0' })).toMatchObject({
    status: 404,
    body: { message: expect.stringContaining('no usable version') },
  });
  expect(await resolve('com.example.Hello', { a: '==2.0.0' })).toMatchObject({
    status: 404,
    body: { message: expect.stringContaining('claim platform') },
  });
  expect(await resolve('com.example.None', {})).toMatchObject({ status: 404 });
  expect(await resolve('com.example.Hello', { a: 'new' })).toMatchObject({ status: 400 });
  expect(await resolve('aws.greengrass.Cli', {})).toMatchObject({ status: 403 });

  const path = (component: string, name: string) =>
    `/greengrass/v2/components/${encodeURIComponent(component)}/artifacts/${name}?s3EndpointType=GLOBAL`;
  const artifact = await device.call('GET', path(arn, 'artifacts/hello.py'));
  expect(artifact.status).toBe(200);
  expect(await (await fetch(String(artifact.body.preSignedUrl))).text()).toBe('hello');
  const cli = ggArn('components:aws.greengrass.Cli:versions:2.15.0', 'aws');
  expect(await device.call('GET', path(cli, 'cli.jar'))).toMatchObject({ status: 403 });
  // Another device's groups, and the control plane.
  await coreDevice(cloud, iot, 'resolver-2');
  expect(await device.call('GET', '/greengrass/v2/coreDevices/resolver-2/thingGroups')).toMatchObject({
    status: 403,
  });
  expect(await device.call('GET', '/greengrass/v2/coreDevices/resolver')).toMatchObject({ status: 403 });
  expect(await device.call('GET', '/greengrass/v2/deployments')).toMatchObject({ status: 403 });
  expect(await device.call('GET', '/greengrass/v2/none')).toMatchObject({ status: 404 });
});

test('the groups of a device come page by page', async () => {
  const device = await coreDevice(cloud, iot, 'pages');
  for (const name of ['pages-a', 'pages-b', 'pages-c']) {
    await group(name);
    await join('pages', name);
  }
  const names: unknown[] = [];
  let token: unknown = null;
  do {
    const more = token === null ? '' : `&nextToken=${encodeURIComponent(String(token))}`;
    const { body } = await device.call(
      'GET',
      `/greengrass/v2/coreDevices/pages/thingGroups?maxResults=2${more}`,
    );
    names.push(
      ...(body.thingGroups as { thingGroupName: string }[]).map(({ thingGroupName }) => thingGroupName),
    );
    token = body.nextToken;
  } while (token !== null);
  expect(names).toEqual(['pages-a', 'pages-b', 'pages-c']);
  expect(await device.call('GET', '/greengrass/v2/coreDevices/pages/thingGroups?nextToken=x')).toMatchObject({
    status: 400,
  });
});

test('a role deploys with its permissions on Greengrass and on the target', async () => {
  const targetArn = await group('by-role');
  const allow = (Action: string | string[], Resource: string) => ({ Effect: 'Allow', Action, Resource });
  const command = new CreateDeploymentCommand({ targetArn, components: HELLO });
  const without = new GreengrassV2Client(
    await roleSession(cloud, 'half', [allow('greengrass:CreateDeployment', '*')]),
  );
  await expect(without.send(command)).rejects.toThrow('iot:DescribeThingGroup');
  const deployer = new GreengrassV2Client(
    await roleSession(cloud, 'deployer', [
      allow('greengrass:CreateDeployment', '*'),
      allow(['iot:DescribeThingGroup', 'iot:CreateJob'], targetArn),
      allow(['greengrass:GetDeployment', 'greengrass:CancelDeployment'], ggArn('deployments:*')),
    ]),
  );
  const { deploymentId } = await deployer.send(command);
  await deployer.send(new GetDeploymentCommand({ deploymentId }));
  // To cancel it, and to revise it, is to cancel its job.
  for (const attempt of [new CancelDeploymentCommand({ deploymentId }), command]) {
    await expect(deployer.send(attempt as CancelDeploymentCommand)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('iot:CancelJob'),
    });
  }
  await expect(deployer.send(new ListCoreDevicesCommand({}))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});

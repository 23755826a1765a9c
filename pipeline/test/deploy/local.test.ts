import { GetPolicyCommand, IoTClient, ListPoliciesCommand } from '@aws-sdk/client-iot';
import {
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketNames } from '@mooring/contracts';
import { Role } from '@pulumi/aws-native/iam/index.js';
import { Policy, RoleAlias, ThingGroup } from '@pulumi/aws-native/iot/index.js';
import { Bucket } from '@pulumi/aws-native/s3/index.js';
import pulumi from '@pulumi/pulumi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeployError } from '../../src/deploy/deploy-error.js';
import type { DeployProgress } from '../../src/deploy/engine-ports.js';
import { deployInProcess, destroyInProcess, planInProcess } from '../../src/deploy/local.js';
import { withStackLock } from '../../src/deploy/stack-lock.js';
import { clientConfig } from '../../src/target.js';
import { type RunningCloud, startCloud } from './running-cloud.js';

let cloud: RunningCloud;
let iot: IoTClient;
let s3: S3Client;
const { bootstrap } = bucketNames('000000000000', 'eu-central-1');

beforeAll(async () => {
  cloud = await startCloud();
  iot = new IoTClient(clientConfig(cloud.target));
  s3 = new S3Client(clientConfig(cloud.target));
});
afterAll(async () => {
  iot?.destroy();
  s3?.destroy();
  await cloud?.stop();
});

const stackOf = (program: () => Promise<object>, seen: DeployProgress[] = []) => ({
  target: cloud.target,
  project: 'test',
  config: {},
  program,
  onProgress: (progress: DeployProgress) => seen.push(progress),
});
const deploy = (program: () => Promise<object>, seen?: DeployProgress[]) =>
  deployInProcess(stackOf(program, seen));
const nothing = async () => ({});

async function policyDocument(policyName: string): Promise<unknown> {
  const { policyDocument = '{}' } = await iot.send(new GetPolicyCommand({ policyName }));
  return JSON.parse(policyDocument);
}
const document = (action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }],
});

describe('a deployment to the local cloud', () => {
  it('creates, changes nothing, updates, replaces and deletes, as the services themselves tell', async () => {
    const program =
      ({ action = 'iot:Connect', policyName = 'First', extra = true } = {}) =>
      async () => {
        const role = new Role('role', {
          roleName: 'TestRole',
          assumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'credentials.iot.amazonaws.com' },
                Action: 'sts:AssumeRole',
              },
            ],
          },
        });
        const alias = new RoleAlias('alias', { roleAlias: 'TestAlias', roleArn: role.arn });
        const policy = new Policy('policy', { policyName, policyDocument: document(action) });
        if (extra) {
          new Bucket('bucket', {
            bucketName: 'mooring-test-extra',
            versioningConfiguration: { status: 'Enabled' },
          });
        }
        return { alias: alias.roleAliasArn, policy: policy.arn };
      };

    const created = await deploy(program());
    expect(created.result).toEqual({ created: 4, updated: 0, replaced: 0, deleted: 0, same: 0 });
    expect(created.outputs).toEqual({
      alias: 'arn:aws:iot:eu-central-1:000000000000:rolealias/TestAlias',
      policy: 'arn:aws:iot:eu-central-1:000000000000:policy/First',
    });
    expect(await policyDocument('First')).toEqual(document('iot:Connect'));

    const again = await deploy(program());
    expect(again.plan.changes).toBe(false);
    expect(again.result).toEqual({ created: 0, updated: 0, replaced: 0, deleted: 0, same: 4 });
    expect(again.outputs).toEqual(created.outputs);

    const updated = await deploy(program({ action: 'iot:Publish' }));
    expect(updated.result).toMatchObject({ updated: 1, same: 3 });
    expect(await policyDocument('First')).toEqual(document('iot:Publish'));

    const plan = await planInProcess(stackOf(program({ policyName: 'Second' })));
    expect(plan.steps.find(({ kind }) => kind !== 'same')).toMatchObject({
      kind: 'replace',
      resource: { name: 'policy', identifier: 'First' },
    });
    expect(await policyDocument('First')).toEqual(document('iot:Publish'));

    const replaced = await deploy(program({ policyName: 'Second' }));
    expect(replaced.result).toMatchObject({ replaced: 1, same: 3 });
    const { policies } = await iot.send(new ListPoliciesCommand({}));
    expect(policies?.map((one) => one.policyName)).toEqual(['Second']);

    const fewer = await deploy(program({ policyName: 'Second', extra: false }));
    expect(fewer.result).toMatchObject({ deleted: 1, same: 3 });
    expect((await destroyInProcess(stackOf(nothing))).result).toMatchObject({ deleted: 3 });
    expect((await iot.send(new ListPoliciesCommand({}))).policies).toEqual([]);
  });

  it('says which resource failed and why, and goes on from there', async () => {
    const program = (parent: boolean) => async () => {
      new Policy('policy', { policyName: 'Kept', policyDocument: document('iot:Connect') });
      const above = parent ? [new ThingGroup('parent', { thingGroupName: 'Parent' })] : [];
      const child = new ThingGroup(
        'child',
        { thingGroupName: 'Child', parentGroupName: 'Parent' },
        { dependsOn: above },
      );
      new RoleAlias('alias', {
        roleAlias: 'After',
        roleArn: pulumi.interpolate`arn:aws:iam::000000000000:role/${child.id}`,
      });
      return {};
    };
    const error = await deploy(program(false)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeployError);
    expect(String(error)).toMatch(/Could not create child \(AWS::IoT::ThingGroup\): .*Parent/);
    expect(await policyDocument('Kept')).toEqual(document('iot:Connect'));
    const plan = await planInProcess(stackOf(program(true)));
    expect(Object.fromEntries(plan.steps.map((step) => [step.resource.name, step.kind]))).toMatchObject({
      policy: 'same',
      parent: 'create',
      child: 'create',
      alias: 'create',
    });
    await destroyInProcess(stackOf(nothing));
  });

  it('keeps its state in a bucket that is private, encrypted and versioned', async () => {
    await deploy(nothing);
    const bucket = { Bucket: bootstrap };
    expect((await s3.send(new GetBucketVersioningCommand(bucket))).Status).toBe('Enabled');
    expect((await s3.send(new GetPublicAccessBlockCommand(bucket))).PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand(bucket));
    expect(ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toEqual({
      SSEAlgorithm: 'AES256',
    });
  });

  it('names a state that is damaged', async () => {
    await deploy(async () => new ThingGroup('group', { thingGroupName: 'G' }));
    const object = { Bucket: bootstrap, Key: 'state/local.json' };
    const text = (await (await s3.send(new GetObjectCommand(object))).Body?.transformToString()) ?? '';
    await s3.send(new PutObjectCommand({ ...object, Body: text.slice(0, -20) }));
    await expect(deploy(nothing)).rejects.toThrow(/The state of stack local is damaged/);
    await s3.send(new PutObjectCommand({ ...object, Body: text }));
    expect((await deploy(nothing)).result.deleted).toBe(1);
  });
});

describe('withStackLock', () => {
  const owner = (id: string, { host = 'here', pid = 1, now = 0, running = true } = {}) => ({
    id,
    host,
    pid,
    now: () => now,
    isRunning: () => running,
  });
  const lock = <T>(holder: ReturnType<typeof owner>, work: () => Promise<T>) =>
    withStackLock(s3, bootstrap, 'locked', holder, work);
  const held = { Bucket: bootstrap, Key: 'state/locked.lock.json' };
  const left = (holder: object | string) =>
    s3.send(
      new PutObjectCommand({ ...held, Body: typeof holder === 'string' ? holder : JSON.stringify(holder) }),
    );
  const since = new Date(0).toISOString();

  it('lets one in at a time, and tells the other who is in', async () => {
    await lock(owner('a', { pid: 42 }), async () => {
      await expect(lock(owner('b'), async () => 'in')).rejects.toThrow(
        `The stack locked is being deployed by process 42 on here since ${since}: wait for it, or delete s3://${bootstrap}/state/locked.lock.json`,
      );
    });
    expect(await lock(owner('b'), async () => 'in')).toBe('in');
  });

  it('is let go when the work fails', async () => {
    await expect(
      lock(owner('a'), async () => {
        throw new Error('work failed');
      }),
    ).rejects.toThrow('work failed');
    expect(await lock(owner('b'), async () => 'in')).toBe('in');
  });

  it.each([
    ['a process of this host that is gone', { id: 'x', host: 'here', pid: 7, since }, { running: false }],
    ['more than an hour ago', { id: 'x', host: 'there', pid: 7, since }, { now: 3_600_001 }],
    ['nobody that can be read', 'damaged', {}],
  ])('is taken over from %s', async (_, holder, options) => {
    await left(holder);
    expect(await lock(owner('b', options), async () => 'in')).toBe('in');
    await expect(s3.send(new GetObjectCommand(held))).rejects.toThrow();
  });

  it('is not taken over from a process of another host, running or not', async () => {
    await left({ id: 'x', host: 'there', pid: 7, since });
    await expect(lock(owner('b', { running: false }), async () => 'in')).rejects.toThrow(
      /process 7 on there/,
    );
    await left({ id: 'x', host: 'here', pid: 7, since });
    await lock(owner('c', { running: false }), async () => undefined);
  });

  it('lets exactly one of many in', async () => {
    let inside = 0;
    let most = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        lock(owner(`o${index}`), async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise(setImmediate);
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  DescribeProvisioningTemplateCommand,
  DescribeRoleAliasCommand,
  DescribeThingGroupCommand,
  GetPolicyCommand,
  IoTClient,
} from '@aws-sdk/client-iot';
import { GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names } from '@mooring/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deployLocal, planLocal } from '../../src/deploy/index.js';
import { clientConfig } from '../../src/target.js';
import { type RunningCloud, startCloud } from './running-cloud.js';

const MOORING = fileURLToPath(new URL('../../bin/mooring.js', import.meta.url));
const buckets = bucketNames('000000000000', 'eu-central-1');

let cloud: RunningCloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.stop());

/** How a run of the command ended. */
interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs `mooring deploy --stack local`; it is killed when it begins the nth step, if it gets there. */
async function mooringDeploy(args: readonly string[] = [], killAtStep = Number.POSITIVE_INFINITY): Promise<Run> {
  const child = spawn(process.execPath, [MOORING, 'deploy', '--stack', 'local', ...args], {
    env: { ...process.env, AWS_ENDPOINT_URL: cloud.endpointUrl, AWS_REGION: 'eu-central-1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  let steps = 0;
  for await (const line of createInterface(child.stderr)) {
    stderr += `${line}\n`;
    if (/^[+~±-] /.test(line)) steps += 1;
    if (steps >= killAtStep) child.kill('SIGKILL');
  }
  const [code] = await exited;
  return { stdout, stderr, code };
}

const Result = z.object({
  plan: z.object({ changes: z.boolean() }),
  result: z.record(z.string(), z.number()),
  outputs: z.record(z.string(), z.string()),
});

describe('mooring deploy --stack local', () => {
  it('makes every resource of the fleet, by the word of its own service, and then changes nothing', async () => {
    const deployment = await deployLocal(cloud.target);
    const { steps } = deployment.plan;
    expect(deployment.result).toEqual({ created: steps.length, updated: 0, replaced: 0, deleted: 0, same: 0 });

    const iot = new IoTClient(clientConfig(cloud.target));
    const s3 = new S3Client(clientConfig(cloud.target));
    const group = await iot.send(new DescribeThingGroupCommand({ thingGroupName: names.thingGroup }));
    expect(group.thingGroupArn).toBe(deployment.outputs.thingGroupArn);
    for (const policyName of [names.devicePolicy, names.claimPolicy]) {
      expect((await iot.send(new GetPolicyCommand({ policyName }))).policyName).toBe(policyName);
    }
    const template = await iot.send(
      new DescribeProvisioningTemplateCommand({ templateName: names.provisioningTemplate }),
    );
    expect(template).toMatchObject({
      enabled: true,
      preProvisioningHook: {
        targetArn: `arn:aws:lambda:eu-central-1:000000000000:function:${names.allowlistFunction}`,
      },
    });
    const alias = await iot.send(new DescribeRoleAliasCommand({ roleAlias: names.roleAlias }));
    expect(alias.roleAliasDescription?.roleArn).toBe(
      `arn:aws:iam::000000000000:role/${names.tokenExchangeRole}`,
    );
    for (const Bucket of [buckets.provisioning, buckets.artifacts]) {
      const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
      expect(PublicAccessBlockConfiguration?.RestrictPublicBuckets).toBe(true);
    }
    iot.destroy();
    s3.destroy();

    expect((await planLocal(cloud.target)).changes).toBe(false);
    const again = await deployLocal(cloud.target);
    expect(again.plan.changes).toBe(false);
    expect(again.result).toEqual({ created: 0, updated: 0, replaced: 0, deleted: 0, same: steps.length });
    expect(again.outputs).toEqual(deployment.outputs);
  });

  it('prints its plan and its result, and says when nothing is to change', async () => {
    const planned = await mooringDeploy(['--plan']);
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(planned.stdout).toMatch(/^\+ create +device-policy +AWS::IoT::Policy$/m);
    expect(planned.stdout).toMatch(/^\d+ to create, 0 unchanged$/m);
    const first = await mooringDeploy();
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^Deployed: \d+ created, 0 unchanged$/m);
    expect(first.stderr).toMatch(/^\+ create allowlist-hook \(AWS::Lambda::Function\)$/m);
    const second = await mooringDeploy();
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toMatch(/^No changes: \d+ resources are as the program says\n$/);
    const json = await mooringDeploy(['--json']);
    expect(Result.parse(JSON.parse(json.stdout)).plan.changes).toBe(false);
  });

  it('goes on after it was killed, at several steps, until everything is there once', async () => {
    for (const step of [1, 4, 5, 3]) {
      expect((await mooringDeploy([], step)).code).toBeNull();
    }
    const last = await mooringDeploy(['--json']);
    expect(last).toMatchObject({ code: 0 });
    const { outputs } = Result.parse(JSON.parse(last.stdout));
    expect(Object.values(outputs).every((output) => output.length > 0)).toBe(true);
    expect((await deployLocal(cloud.target)).plan.changes).toBe(false);
  });

  it('says in one sentence that no cloud answers', async () => {
    const { endpointUrl } = cloud;
    await cloud.stop();
    const { code, stdout, stderr } = await mooringDeploy();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^mooring: Nothing answers at 127\.0\.0\.1:\d+: start the local cloud .*\n$/);
    expect(stderr).toContain(new URL(endpointUrl).port);
  });
});

describe('mooring deploy --stack dev', () => {
  it('says all that is missing at once, without a stack trace', async () => {
    const child = spawn(process.execPath, [MOORING, 'deploy', '--stack', 'dev'], {
      env: { HOME: '/nowhere', PATH: '/nowhere', AWS_EC2_METADATA_DISABLED: 'true' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'exit');
    let stderr = '';
    for await (const line of createInterface(child.stderr)) stderr += `${line}\n`;
    expect((await exited)[0]).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'mooring: Cannot deploy the stack dev to AWS yet:',
      expect.stringMatching(/^ {2}- the pulumi command is not on the PATH: install Pulumi/),
      expect.stringMatching(/^ {2}- No AWS credentials were found: /),
      expect.stringMatching(/^ {2}- no AWS region is set: set AWS_REGION/),
    ]);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
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
import { names } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deployLocal, destroyLocal, planLocal } from '../../src/deploy/index.js';
import { clientConfig } from '../../src/target.js';
import { type RunningCloud, startCloud } from './running-cloud.js';

const MOORING = fileURLToPath(new URL('../../bin/mooring.js', import.meta.url));

let cloud: RunningCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

/** How a run of the command ended. */
interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs `mooring deploy --stack local`; it is killed when it begins the nth step, if it gets there. */
async function mooringDeploy({
  args = [] as readonly string[],
  killAtStep = Number.POSITIVE_INFINITY,
  endpointUrl = cloud.endpointUrl,
} = {}): Promise<Run> {
  const child = spawn(process.execPath, [MOORING, 'deploy', '--stack', 'local', ...args], {
    env: { ...process.env, AWS_ENDPOINT_URL: endpointUrl, AWS_REGION: 'eu-central-1' },
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
  it('plans without touching anything', async () => {
    const { steps } = await planLocal(cloud.target);
    expect(steps.every(({ kind }) => kind === 'create')).toBe(true);
    expect((await planLocal(cloud.target)).steps).toHaveLength(steps.length);
  });

  it('makes every resource of the fleet though it is killed on the way', async () => {
    expect((await mooringDeploy({ killAtStep: 1 })).code).toBeNull();
    expect((await mooringDeploy({ killAtStep: 6 })).code).toBeNull();

    const done = await mooringDeploy();
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/^\+ create +provisioning-template +AWS::IoT::ProvisioningTemplate$/m);
    expect(done.stdout).toMatch(/^Deployed: \d+ created, \d+ unchanged$/m);
    expect(done.stderr).toMatch(/^\+ create provisioning-template \(AWS::IoT::ProvisioningTemplate\)$/m);
  });

  it('changes nothing the second time, and says so', async () => {
    const again = await mooringDeploy({ args: ['--json'] });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    const { plan, result, outputs } = Result.parse(JSON.parse(again.stdout));
    expect(plan.changes).toBe(false);
    expect(result).toMatchObject({ created: 0, updated: 0, replaced: 0, deleted: 0 });
    await expectFleet(outputs);
  });

  it('destroys all of it, and makes all of it again', async () => {
    const { result } = await destroyLocal(cloud.target);
    expect(result).toMatchObject({ created: 0, same: 0 });
    const again = await deployLocal(cloud.target);
    expect(again.result).toEqual({ created: result.deleted, updated: 0, replaced: 0, deleted: 0, same: 0 });
    await expectFleet(z.record(z.string(), z.string()).parse(again.outputs));
  });

  it('says in one sentence that no cloud answers', async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await mooringDeploy({ endpointUrl: `http://127.0.0.1:${port}` });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^mooring: Nothing answers at 127\.0\.0\.1:\d+: start the local cloud .*\n$/);
    expect(stderr).toContain(`:${port}:`);
  });
});

/** A port on which nothing listened a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Asks each service for what the program makes in it. */
async function expectFleet(outputs: Readonly<Record<string, string>>): Promise<void> {
  const iot = new IoTClient(clientConfig(cloud.target));
  const s3 = new S3Client(clientConfig(cloud.target));
  try {
    const group = await iot.send(new DescribeThingGroupCommand({ thingGroupName: names.thingGroup }));
    expect(group.thingGroupArn).toBe(outputs.thingGroupArn);
    for (const policyName of [names.devicePolicy, names.claimPolicy]) {
      expect((await iot.send(new GetPolicyCommand({ policyName }))).policyName).toBe(policyName);
    }
    const template = await iot.send(
      new DescribeProvisioningTemplateCommand({ templateName: names.provisioningTemplate }),
    );
    expect(template).toMatchObject({
      templateArn: outputs.provisioningTemplateArn,
      enabled: true,
      preProvisioningHook: {
        targetArn: `arn:aws:lambda:eu-central-1:000000000000:function:${names.allowlistFunction}`,
      },
    });
    const alias = await iot.send(new DescribeRoleAliasCommand({ roleAlias: names.roleAlias }));
    expect(alias.roleAliasDescription).toMatchObject({
      roleAliasArn: outputs.roleAliasArn,
      roleArn: `arn:aws:iam::000000000000:role/${names.tokenExchangeRole}`,
    });
    for (const Bucket of [outputs.provisioningBucket, outputs.artifactsBucket, outputs.imagesBucket]) {
      const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
      expect(PublicAccessBlockConfiguration?.RestrictPublicBuckets).toBe(true);
    }
  } finally {
    iot.destroy();
    s3.destroy();
  }
}

describe('mooring deploy --stack dev', () => {
  it.each([
    [[], [expect.stringMatching(/^ {2}- the pulumi command is not on the PATH: install Pulumi/)]],
    // It would be installed when all else is there.
    [['--install-pulumi'], []],
  ])('says all that is missing at once, without a stack trace %s', async (args, pulumi) => {
    const child = spawn(process.execPath, [MOORING, 'deploy', '--stack', 'dev', ...args], {
      env: { HOME: '/nowhere', PATH: '/nowhere', AWS_EC2_METADATA_DISABLED: 'true' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'exit');
    let stderr = '';
    for await (const line of createInterface(child.stderr)) stderr += `${line}\n`;
    expect((await exited)[0]).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'mooring: Cannot deploy the stack dev to AWS yet:',
      ...pulumi,
      expect.stringMatching(/^ {2}- No AWS credentials were found: /),
      expect.stringMatching(/^ {2}- no AWS region is set: set AWS_REGION/),
    ]);
  });
});

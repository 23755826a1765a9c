import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreengrassV2Client, ListDeploymentsCommand } from '@aws-sdk/client-greengrassv2';
import { DescribeThingGroupCommand, IoTClient } from '@aws-sdk/client-iot';
import { componentNames, names } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLock } from '../../src/components/base/lock.js';
import { isPinnedBaseMade } from '../../src/components/base/pinned-base.js';
import { cacheDirectory } from '../../src/components/cache.js';
import { missingPrograms } from '../../src/image/tools.js';
import { clientConfig } from '../../src/target.js';
import { type Finished, Mooring } from '../commands/mooring.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { makeSmallRootfs } from '../image/small-rootfs.js';
import { commandsOf, inOrder, workflow } from './workflow-files.js';

const state = mkdtempSync(join(tmpdir(), 'mooring-workflows-'));
let cloud: RunningCloud;
let iot: IoTClient;
let greengrass: GreengrassV2Client;

/** Tests fetch nothing: without the pinned base, images are made of this machine's Node.js. */
const pinned = await isPinnedBaseMade(await readLock(), cacheDirectory());
const { corrupt, ...whole } = componentNames;

/** What the image's disk is made with: Debian's packages, and with them root and network, are for `npm run test:image`. */
const rootfs = join(state, 'rootfs.tar');
const cannotMakeDisks = missingPrograms(false).length > 0;

/** What the commands need besides what the workflows say, on a machine that may be without network. */
const additions: readonly { command: string; options: readonly string[] }[] = [
  {
    command: 'components publish',
    // The component that is broken on purpose is of another architecture than this machine's.
    options: pinned ? [] : ['--base', 'host', ...Object.values(whole)],
  },
  // The tests of one component stand for those of all, which are part of this suite.
  { command: 'components test', options: [componentNames.led] },
  { command: 'image build', options: ['--rootfs', rootfs] },
  { command: 'scan', options: ['--only', 'static,dependencies', '--allow-unavailable'] },
];

beforeAll(async () => {
  cloud = await startCloud();
  makeSmallRootfs(rootfs);
  iot = new IoTClient(clientConfig(cloud.target));
  greengrass = new GreengrassV2Client(clientConfig(cloud.target));
});
afterAll(async () => {
  iot?.destroy();
  greengrass?.destroy();
  await cloud?.stop();
  rmSync(state, { recursive: true, force: true });
});

/** Runs the commands of a workflow as its job does, but on the local target. */
async function run(id: string): Promise<[command: string, Finished][]> {
  const done: [string, Finished][] = [];
  for (const args of commandsOf(workflow(id))) {
    const command = args.join(' ');
    const local = args
      .map((word) => (/^"\$[A-Z]+"$/.test(word) ? 'local' : word))
      // Tests install nothing.
      .filter((word) => word !== '--install-programs');
    const more = additions.find((one) => command.startsWith(one.command))?.options ?? [];
    const env = { AWS_ENDPOINT_URL: cloud.endpointUrl, MOORING_STATE_DIRECTORY: state };
    done.push([command, await new Mooring([...local, ...more], env).finished]);
  }
  return done;
}

const allWell = (id: string) => commandsOf(workflow(id)).map((args) => [args.join(' '), 0]);
const codes = (done: readonly [string, Finished][]) =>
  done.map(([command, { code, stderr }]) => [command, code === 0 ? 0 : stderr]);

/** The workflows that the pipeline calls for a stack, in its order. */
const calls = inOrder(workflow('pipeline').jobs).flatMap(([, { uses, with: inputs }]) =>
  inputs?.stack === 'dev' && uses ? [uses.replace(/^.*\/|\.yml$/g, '')] : [],
);

describe('the commands that the workflows name, on the local target', () => {
  it.for(calls)('%s', async (id, { skip }) => {
    skip(id === 'build-os-image' && cannotMakeDisks, 'the programs that make disks are missing');
    const done = await run(id);
    expect(codes(done)).toEqual(allWell(id));
  });

  it('leave a fleet whose deployment waits for devices', async () => {
    const { thingGroupArn } = await iot.send(
      new DescribeThingGroupCommand({ thingGroupName: names.thingGroup }),
    );
    const { deployments } = await greengrass.send(new ListDeploymentsCommand({ targetArn: thingGroupArn }));
    expect(deployments).toHaveLength(1);
  });

  it('destroy-infrastructure', async () => {
    expect(codes(await run('destroy-infrastructure'))).toEqual(allWell('destroy-infrastructure'));
    await expect(
      iot.send(new DescribeThingGroupCommand({ thingGroupName: names.thingGroup })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

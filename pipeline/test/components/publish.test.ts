import {
  CreateComponentVersionCommand,
  DescribeComponentCommand,
  GetComponentCommand,
  GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { DeleteObjectCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, componentTags } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuiltComponent } from '../../src/components/build.js';
import { listComponents } from '../../src/components/list.js';
import { publishComponents } from '../../src/components/publish.js';
import { clientConfig, type Target } from '../../src/target.js';
import { startFleetCloud, Workshop } from '../rollout/fleet-cloud.js';

const workshop = new Workshop();
let cloud: { target: Target; stop(): Promise<void> };
let greengrass: GreengrassV2Client;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startFleetCloud();
  greengrass = new GreengrassV2Client(clientConfig(cloud.target));
  s3 = new S3Client(clientConfig(cloud.target));
});
afterAll(async () => {
  greengrass?.destroy();
  s3?.destroy();
  await cloud?.stop();
  workshop.remove();
});

const Bucket = bucketNames('000000000000', 'eu-central-1').artifacts;
const arnOf = (name: string, version: string) =>
  `arn:aws:greengrass:eu-central-1:000000000000:components:${name}:versions:${version}`;

async function publish(...built: BuiltComponent[]): Promise<string[]> {
  const published = await publishComponents(cloud.target, built, { onProgress: () => undefined });
  return published.map((one) => `${one.name} ${one.version}${one.published ? '' : ' unchanged'}`);
}

describe('publishing components', () => {
  it('makes a deployable version with its artifact, tagged with its content', async () => {
    const component = workshop.build('docker_led', 'echo 1');
    expect(await publish(component)).toEqual(['docker_led 1.0.0']);
    const arn = arnOf('docker_led', '1.0.0');
    const described = await greengrass.send(new DescribeComponentCommand({ arn }));
    expect(described).toMatchObject({
      status: { componentState: 'DEPLOYABLE' },
      tags: { [componentTags.content]: component.contentHash },
    });
    const { recipe } = await greengrass.send(new GetComponentCommand({ arn, recipeOutputFormat: 'JSON' }));
    expect(Buffer.from(recipe ?? []).toString()).toContain(`s3://${Bucket}/docker_led/1.0.0/run.sh`);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'docker_led/1.0.0/run.sh' }));
    expect(await Body?.transformToString()).toBe('echo 1');
  });

  it('publishes nothing the second time, and a new version of what changed', async () => {
    expect(await publish(workshop.build('docker_led', 'echo 1'))).toEqual(['docker_led 1.0.0 unchanged']);
    expect(await publish(workshop.build('docker_led', 'echo 2'))).toEqual(['docker_led 1.0.1']);
    expect(await publish(workshop.build('docker_led', 'echo 2'))).toEqual(['docker_led 1.0.1 unchanged']);
    expect(await publish(workshop.build('docker_led', 'echo 3', '2.0.0'))).toEqual(['docker_led 2.0.0']);
    // What was published before the newest version counts as new: a way back is a way forward.
    expect(await publish(workshop.build('docker_led', 'echo 1'))).toEqual(['docker_led 2.0.1']);
  });

  it('brings back an artifact that is gone', async () => {
    const Key = 'docker_led/2.0.1/run.sh';
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(await publish(workshop.build('docker_led', 'echo 1'))).toEqual(['docker_led 2.0.1 unchanged']);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    expect(await Body?.transformToString()).toBe('echo 1');
  });

  it('counts on when somebody else takes the number', async () => {
    const component = workshop.build('docker_button', 'echo mine');
    const others = JSON.stringify({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: 'docker_button',
      ComponentVersion: '1.0.0',
      Manifests: [{ Lifecycle: { Run: 'true' } }],
    });
    await greengrass.send(new CreateComponentVersionCommand({ inlineRecipe: Buffer.from(others) }));
    expect(await publish(component)).toEqual(['docker_button 1.0.1']);
  });

  it('published by several at the same time, all agree on one version', async () => {
    const component = workshop.build('docker_corrupt', 'echo all');
    const all = await Promise.all(Array.from({ length: 4 }, () => publish(component)));
    expect(new Set(all.flat().map((line) => line.replace(' unchanged', '')))).toEqual(
      new Set(['docker_corrupt 1.0.0']),
    );
    expect(all.flat().filter((line) => !line.endsWith('unchanged'))).toHaveLength(1);
  });

  it('of several contents at the same time, each gets a version that holds its own', async () => {
    const workshops = [1, 2, 3].map(() => new Workshop());
    const built = workshops.map((one, index) => one.build('os_update', `echo ${index + 1}`));
    const versions = (await Promise.all(built.map((component) => publish(component)))).flat();
    for (const one of workshops) one.remove();
    expect(new Set(versions).size).toBe(3);
    for (const [index, line] of versions.entries()) {
      const Key = `os_update/${line.split(' ')[1]}/run.sh`;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      expect(await Body?.transformToString()).toBe(`echo ${index + 1}`);
    }
  });

  it('says which component Greengrass did not take, and why', async () => {
    const component = { ...workshop.build('docker_led', 'echo 4'), recipe: 'ComponentName: docker_led' };
    await expect(publish(component)).rejects.toThrow(/^Greengrass did not take docker_led 2\.0\.2: .+/);
  });

  it('says that the infrastructure is not there', async () => {
    const elsewhere = { ...cloud.target, region: 'eu-west-1' };
    const publishing = publishComponents(elsewhere, [workshop.build('docker_led', 'echo 1')], {
      onProgress: () => undefined,
    });
    await expect(publishing).rejects.toThrow(/^There is no bucket .*: run `mooring deploy` first$/);
  });

  it('is listed', async () => {
    const listed = await listComponents(cloud.target);
    expect(listed.map(({ name }) => name)).toEqual([
      'docker_button',
      'docker_corrupt',
      'docker_led',
      'os_update',
    ]);
    expect(listed[2]).toMatchObject({ newest: '2.0.1', deployed: undefined, heldBack: [] });
  });
});

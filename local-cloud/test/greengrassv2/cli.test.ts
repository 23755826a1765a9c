import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../iot/cloud.js';
import { iotClient } from '../iot/fleet.js';
import { atEnd } from '../support/at-end.js';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { startCloud } from '../support/cloud.js';
import { coreDevice } from './core-device.js';

const RECIPE = `---
RecipeFormatVersion: '2020-01-25'
ComponentName: com.example.Cli
ComponentVersion: 1.0.0
Manifests:
  - Platform: { os: linux }
    Lifecycle: { Run: 'true' }
    Artifacts:
      - URI: s3://artifacts/a.txt
`;

test.skipIf(!hasAwsCli)('the AWS CLI can do everything that is built', { timeout: 120_000 }, async () => {
  const { path, remove } = temporaryDirectory();
  atEnd(remove);
  const cloud = { ...(await startCloud({ stateDirectory: path })), stateDirectory: path };
  const run = awsCli(cloud, path);
  const aws = async (...words: string[]) => {
    const text = await run(...words);
    return text.trim() === '' ? {} : JSON.parse(text);
  };
  const gg = (...words: string[]) => aws('greengrassv2', ...words);
  writeFileSync(join(path, 'recipe.yaml'), RECIPE);
  writeFileSync(join(path, 'a.txt'), 'artifact');
  await run('s3', 'mb', 's3://artifacts');
  await run('s3', 'cp', 'a.txt', 's3://artifacts/a.txt');

  const { arn } = await gg('create-component-version', '--inline-recipe', 'fileb://recipe.yaml');
  const component = arn.replace(/:versions:.*/, '');
  expect(await gg('get-component', '--arn', arn, '--recipe-output-format', 'YAML')).toMatchObject({
    recipeOutputFormat: 'YAML',
    recipe: expect.any(String),
  });
  expect(await gg('describe-component', '--arn', arn)).toMatchObject({
    status: { componentState: 'DEPLOYABLE' },
  });
  expect((await gg('list-components', '--scope', 'PUBLIC')).components).toHaveLength(6);
  expect((await gg('list-component-versions', '--arn', component)).componentVersions).toHaveLength(1);
  const url = ['get-component-version-artifact', '--arn', arn, '--artifact-name', 'artifacts/a.txt'];
  expect(await (await fetch((await gg(...url)).preSignedUrl)).text()).toBe('artifact');
  await gg('tag-resource', '--resource-arn', arn, '--tags', 'a=b,c=d');
  await gg('untag-resource', '--resource-arn', arn, '--tag-keys', 'a');
  expect(await gg('list-tags-for-resource', '--resource-arn', arn)).toEqual({ tags: { c: 'd' } });
  const candidate = 'componentName=com.example.Cli,versionRequirements={a=^1.0.0}';
  const resolve = ['resolve-component-candidates', '--platform', 'attributes={os=linux}'];
  expect((await gg(...resolve, '--component-candidates', candidate)).resolvedComponentVersions).toMatchObject(
    [{ arn }],
  );

  const iot = iotClient(cloud as unknown as Parameters<typeof iotClient>[0]);
  const device = await coreDevice(cloud, iot, 'cli');
  await device.report();
  const target = ['--target-arn', 'arn:aws:iot:eu-central-1:000000000000:thing/cli'];
  const components = ['--components', '{"com.example.Cli":{"componentVersion":"1.0.0"}}'];
  const { deploymentId } = await gg('create-deployment', ...target, ...components);
  const id = ['--deployment-id', deploymentId];
  expect(await gg('get-deployment', ...id)).toMatchObject({ deploymentStatus: 'ACTIVE', revisionId: '1' });
  expect((await gg('list-deployments', '--history-filter', 'ALL')).deployments).toHaveLength(1);
  const core = ['--core-device-thing-name', 'cli'];
  expect((await gg('list-effective-deployments', ...core)).effectiveDeployments).toMatchObject([
    { deploymentId, coreDeviceExecutionStatus: 'QUEUED' },
  ]);
  expect(await gg('cancel-deployment', ...id)).toEqual({ message: 'SUCCESS' });
  await gg('delete-deployment', ...id);
  expect((await gg('list-core-devices')).coreDevices).toHaveLength(1);
  expect(await gg('get-core-device', ...core)).toMatchObject({ status: 'HEALTHY' });
  expect(await gg('list-installed-components', ...core)).toEqual({ installedComponents: [] });
  await gg('batch-associate-client-device-with-core-device', ...core, '--entries', 'thingName=cli');
  expect(
    (await gg('list-client-devices-associated-with-core-device', ...core)).associatedClientDevices,
  ).toMatchObject([{ thingName: 'cli' }]);
  await gg('batch-disassociate-client-device-from-core-device', ...core, '--entries', 'thingName=cli');
  const info = 'id=1,hostAddress=192.0.2.1,portNumber=8883';
  await gg('update-connectivity-info', '--thing-name', 'cli', '--connectivity-info', info);
  expect(await gg('get-connectivity-info', '--thing-name', 'cli')).toMatchObject({
    connectivityInfo: [{ id: '1', hostAddress: '192.0.2.1', portNumber: 8883 }],
  });
  await gg('delete-core-device', ...core);
  const roleArn = 'arn:aws:iam::000000000000:role/greengrass';
  await gg('associate-service-role-to-account', '--role-arn', roleArn);
  expect(await gg('get-service-role-for-account')).toMatchObject({ roleArn });
  await gg('disassociate-service-role-from-account');
  await expect(gg('get-service-role-for-account')).rejects.toThrow('ResourceNotFoundException');
  await gg('delete-component', '--arn', arn);
  device.mqtt.end();
});

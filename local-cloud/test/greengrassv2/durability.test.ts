import {
  CancelDeploymentCommand,
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  DescribeComponentCommand,
  GetDeploymentCommand,
  GreengrassV2Client,
  ListEffectiveDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { AddThingToThingGroupCommand, CreateThingGroupCommand, IoTClient } from '@aws-sdk/client-iot';
import { expect, test } from 'vitest';
import { DeploymentStore } from '../../src/services/greengrassv2/deployments/deployment-store.js';
import { openStore } from '../../src/store/store.js';
import { temporaryDirectory } from '../iot/cloud.js';
import { connect, messages } from '../iot/fleet.js';
import { atEnd } from '../support/at-end.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { startCommand } from '../support/command.js';
import { coreDevice } from './core-device.js';

const HELLO = { 'com.example.Hello': { componentVersion: '1.0.0' } };
const recipe = Buffer.from(
  JSON.stringify({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'com.example.Hello',
    ComponentVersion: '1.0.0',
  }),
);
const target = (name: string) => `arn:aws:iot:eu-central-1:000000000000:${name}`;

test('what was acknowledged is there after the process was killed', async () => {
  const { path, remove } = temporaryDirectory();
  atEnd(remove);
  const first = await startCommand(path);
  const iot = new IoTClient(clientConfig(first));
  const before = new GreengrassV2Client(clientConfig(first));
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'fleet' }));
  const device = await coreDevice({ ...first, stateDirectory: path }, iot, 'core');
  await iot.send(new AddThingToThingGroupCommand({ thingName: 'core', thingGroupName: 'fleet' }));
  await device.report();
  await before.send(new CreateComponentVersionCommand({ inlineRecipe: recipe, clientToken: 'token' }));
  const input = { targetArn: target('thinggroup/fleet'), components: HELLO, clientToken: 'once' };
  const { deploymentId, iotJobId } = await before.send(new CreateDeploymentCommand(input));
  await first.end('SIGKILL');
  device.mqtt.end(true);

  const second = await startCommand(path);
  const after = new GreengrassV2Client(clientConfig(second));
  const arn = 'arn:aws:greengrass:eu-central-1:000000000000:components:com.example.Hello:versions:1.0.0';
  await after.send(new DescribeComponentCommand({ arn }));
  await after.send(new CreateComponentVersionCommand({ inlineRecipe: recipe, clientToken: 'token' }));
  expect(await after.send(new CreateDeploymentCommand(input))).toMatchObject({ deploymentId });
  expect(await after.send(new GetDeploymentCommand({ deploymentId }))).toMatchObject({
    deploymentStatus: 'ACTIVE',
    iotJobId,
  });
  expect(
    (await after.send(new ListEffectiveDeploymentsCommand({ coreDeviceThingName: 'core' })))
      .effectiveDeployments,
  ).toMatchObject([{ deploymentId, coreDeviceExecutionStatus: 'QUEUED' }]);
  const again = await connect({ ...second, stateDirectory: path }, device.identity, 'core');
  const inbox = messages(again);
  const topic = '$aws/things/core/jobs/$next/namespace-aws-gg-deployment/get';
  await again.subscribeAsync(`${topic}/accepted`, { qos: 1 });
  await again.publishAsync(topic, '{}', { qos: 1 });
  expect((await inbox.next()).body).toMatchObject({ execution: { jobId: iotJobId } });
  again.end();
});

test('what was begun when the process ended is done at the next start', async () => {
  const { path, remove } = temporaryDirectory();
  atEnd(remove);
  const first = await startCloud({ stateDirectory: path });
  const before = new GreengrassV2Client(clientConfig(first));
  const iot = new IoTClient(clientConfig(first));
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'fleet' }));
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'other' }));
  await before.send(new CreateComponentVersionCommand({ inlineRecipe: recipe }));
  const deploy = async (group: string) => {
    const input = { targetArn: target(`thinggroup/${group}`), components: HELLO };
    return (await before.send(new CreateDeploymentCommand(input))).deploymentId ?? '';
  };
  const [old, canceled] = [await deploy('fleet'), await deploy('other')];
  await first.close();

  // As they are when the process is killed right after the first write.
  const store = openStore(path);
  const deployments = new DeploymentStore(store);
  const record = deployments.get(old);
  const other = deployments.get(canceled);
  if (!record || !other) throw new Error('The deployments are gone');
  const { sequence: _s, revision: _r, configurationArn: _c, ...draft } = record;
  const next = deployments.add(
    { ...draft, deploymentId: 'next', jobId: 'next-job', sent: false },
    (revision) => `arn:aws:greengrass:eu-central-1:000000000000:configuration:thinggroup/fleet:${revision}`,
  );
  deployments.put({ ...other, canceled: true });
  await store.close();

  const second = await startCloud({ stateDirectory: path });
  const after = new GreengrassV2Client(clientConfig(second));
  const statusOf = async (deploymentId: string) =>
    (await after.send(new GetDeploymentCommand({ deploymentId }))).deploymentStatus;
  expect(await statusOf(next.deploymentId)).toBe('ACTIVE');
  expect(await statusOf(old)).toBe('CANCELED');
  expect(await statusOf(canceled)).toBe('CANCELED');
  const device = await coreDevice(
    { ...second, stateDirectory: path },
    new IoTClient(clientConfig(second)),
    'core',
  );
  await new IoTClient(clientConfig(second)).send(
    new AddThingToThingGroupCommand({ thingName: 'core', thingGroupName: 'fleet' }),
  );
  let execution = await device.nextDeployment();
  while (!execution) execution = await device.nextDeployment();
  expect(execution.jobId).toBe('next-job');
  await after.send(new CancelDeploymentCommand({ deploymentId: next.deploymentId }));
  device.mqtt.end();
});

import {
  DeleteCoreDeviceCommand,
  GetCoreDeviceCommand,
  GreengrassV2Client,
  ListCoreDevicesCommand,
  ListInstalledComponentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { CreateThingCommand } from '@aws-sdk/client-iot';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseFleetStatus } from '../../src/services/greengrassv2/devices/fleet-status.js';
import { iotCloud } from '../iot/cloud.js';
import { ALLOW_ALL, connect, iotClient, newIdentity, sdkConfig } from '../iot/fleet.js';

const component = (componentName: string, status: string, isRoot = true) => ({
  componentName,
  version: status === 'UNINSTALLED' ? '' : '1.0.0',
  fleetConfigArns: ['arn:aws:greengrass:eu-central-1:000000000000:configuration:thinggroup/fleet:1'],
  componentStatusDetails: { statusCodes: [], statusReason: '' },
  isRoot,
  status,
});

test('core devices and their components are what fleet status messages say', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const greengrass = new GreengrassV2Client(sdkConfig(cloud));
  for (const thingName of ['core', 'other']) await iot.send(new CreateThingCommand({ thingName }));
  const device = await connect(cloud, await newIdentity(iot, 'all', ALLOW_ALL), 'core');
  let timestamp = Date.UTC(2026, 0, 1);
  const report = (
    messageType: 'COMPLETE' | 'PARTIAL',
    components: object[],
    fields: object = {},
    thing = 'core',
  ) =>
    device.publishAsync(
      `$aws/things/${thing}/greengrassv2/health/json`,
      JSON.stringify({
        ggcVersion: '2.18.0',
        platform: 'linux',
        architecture: 'aarch64',
        runtime: 'aws_nucleus_lite',
        thing,
        overallDeviceStatus: 'HEALTHY',
        sequenceNumber: 1,
        timestamp,
        messageType,
        trigger: 'NUCLEUS_LAUNCH',
        components,
        ...fields,
      }),
      { qos: 1 },
    );
  const installed = async (topologyFilter?: 'ALL' | 'ROOT') =>
    (
      await greengrass.send(
        new ListInstalledComponentsCommand({ coreDeviceThingName: 'core', topologyFilter }),
      )
    ).installedComponents?.map(({ componentName, lifecycleState }) => `${componentName} ${lifecycleState}`);

  await expect(
    greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: 'core' })),
  ).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  // In two chunks.
  await report('COMPLETE', [component('a', 'RUNNING')], { chunkInfo: { chunkId: 1, totalChunks: 2 } });
  await report('COMPLETE', [component('b', 'FINISHED'), component('nucleus', 'FINISHED', false)], {
    chunkInfo: { chunkId: 2, totalChunks: 2 },
  });
  expect(await installed()).toEqual(['a RUNNING', 'b FINISHED']);
  expect(await installed('ALL')).toEqual(['a RUNNING', 'b FINISHED', 'nucleus FINISHED']);
  await expect(
    greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: 'core' })),
  ).resolves.toMatchObject({
    status: 'HEALTHY',
    coreVersion: '2.18.0',
    architecture: 'aarch64',
    runtime: 'aws_nucleus_lite',
    lastStatusUpdateTimestamp: new Date(timestamp),
  });

  timestamp += 1000;
  await report('PARTIAL', [component('a', 'BROKEN'), component('b', 'UNINSTALLED')], {
    overallDeviceStatus: 'UNHEALTHY',
  });
  expect(await installed('ALL')).toEqual(['a BROKEN', 'nucleus FINISHED']);
  const list = async (input: object) =>
    (await greengrass.send(new ListCoreDevicesCommand(input))).coreDevices?.map(
      ({ coreDeviceThingName, status }) => `${coreDeviceThingName} ${status}`,
    );
  expect(await list({ status: 'UNHEALTHY' })).toEqual(['core UNHEALTHY']);
  expect(await list({ status: 'HEALTHY' })).toEqual([]);

  // What was sent earlier and what is no message changes nothing.
  timestamp -= 500;
  await report('COMPLETE', []);
  timestamp += 1000;
  await report('COMPLETE', [], { overallDeviceStatus: 'FINE' });
  await report('COMPLETE', [], {}, 'nobody');
  expect(await installed('ALL')).toEqual(['a BROKEN', 'nucleus FINISHED']);
  await report('COMPLETE', [component('c', 'RUNNING')]);
  expect(await installed('ALL')).toEqual(['c RUNNING']);
  expect(await list({})).toEqual(['core HEALTHY']);
  await greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: 'core' }));
  expect(await list({})).toEqual([]);
  device.end();
});

test('anything is read or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(() => parseFleetStatus(Buffer.from(text))).not.toThrow();
    }),
  );
});

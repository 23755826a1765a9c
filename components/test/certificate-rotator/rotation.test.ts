import { topics } from '@mooring/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { RotatingDevice, rotatorImage } from '../support/rotating-device.js';
import { RotationCloud } from '../support/rotation-cloud.js';
import { temporaryFolder } from '../support/temporary-folder.js';

it('rotates the certificate of a virtual device, with the recipe as it is', async () => {
  const cloud = await RotationCloud.start();
  onTestFinished(() => cloud.remove());
  const device = await RotatingDevice.start('SN-1', await temporaryFolder(), cloud, await rotatorImage());
  const before = device.certificateId;
  expect(await device.generations()).toEqual(['1', 'current']);
  await device.says('Hears the cloud');
  cloud.publish(topics.csrRequest('SN-1'), {});
  await device.rotatedFrom(before);
  expect(await device.generations()).toEqual(['2', 'current']);
});

import { topics } from '@mooring/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { RotatingDevice, rotatorImage } from '../support/rotating-device.js';
import { RotationCloud } from '../support/rotation-cloud.js';
import { stages } from '../support/rotation-stages.js';
import { temporaryFolder } from '../support/temporary-folder.js';

it('goes on after the device was killed, at whatever stage', async () => {
  const cloud = await RotationCloud.start();
  onTestFinished(() => cloud.remove());
  const device = await RotatingDevice.start('SN-1', await temporaryFolder(), cloud, await rotatorImage());
  for (const stage of Object.values(stages)) {
    await device.listens();
    const before = device.certificateId;
    const killed = new Promise<void>((resolve, reject) =>
      stage(device, cloud, () => void device.kill().then(resolve, reject)),
    );
    cloud.publish(topics.csrRequest('SN-1'), {});
    await killed;
    // A key with its certificate, which the cloud takes.
    expect(device.hasPair).toBe(true);
    expect(await cloud.activeCertificates('SN-1')).toContain(device.certificateId);
    device.boot();
    await device.rotatedFrom(before);
  }
  expect(cloud.failures).toEqual([]);
}, 600_000);

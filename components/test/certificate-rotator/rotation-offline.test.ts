import { topics } from '@mooring/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { RotatingDevice, rotatorImage } from '../support/rotating-device.js';
import { RotationCloud } from '../support/rotation-cloud.js';
import { stages } from '../support/rotation-stages.js';
import { temporaryFolder } from '../support/temporary-folder.js';

it('goes on after the cloud was gone, at whatever stage', async () => {
  const cloud = await RotationCloud.start();
  onTestFinished(() => cloud.remove());
  const device = await RotatingDevice.start('SN-1', await temporaryFolder(), cloud, await rotatorImage());
  for (const stage of Object.values(stages)) {
    await device.listens();
    const before = device.certificateId;
    const mark = device.events.length;
    const gone = new Promise<void>((resolve, reject) =>
      stage(device, cloud, () => void cloud.down().then(resolve, reject)),
    );
    cloud.publish(topics.csrRequest('SN-1'), {});
    await gone;
    await device.happens('disconnected', mark);
    expect(device.hasPair).toBe(true);
    await cloud.up();
    await device.rotatedFrom(before);
  }
}, 600_000);

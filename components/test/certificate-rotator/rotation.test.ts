import { createPrivateKey } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { topics } from '@mooring/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { RotatingDevice, rotatorImage } from '../support/rotating-device.js';
import { RotationCloud } from '../support/rotation-cloud.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A device with a rotator, listening. */
async function start(configuration: object = {}) {
  const cloud = await RotationCloud.start();
  onTestFinished(() => cloud.remove());
  const image = await rotatorImage();
  const device = await RotatingDevice.start('SN-1', await temporaryFolder(), cloud, image, configuration);
  await device.listens();
  return { cloud, device, before: device.certificateId };
}

it('rotates the certificate of a device once, though messages are lost, repeated and late', async () => {
  const { cloud, device, before } = await start({ keyAlgorithm: 'RSA-2048' });
  expect(await device.generations()).toEqual(['1', 'current']);
  const answersSecond = (moment: 'onSigningRequest' | 'onAcknowledged') => {
    let times = 0;
    cloud.behaviour[moment] = () => (++times === 1 ? 'silence' : 'answer');
  };
  answersSecond('onSigningRequest');
  answersSecond('onAcknowledged');
  cloud.behaviour.copies = 2;
  const sent: { topic: string; message: object }[] = [];
  cloud.onPublish = (topic, message) => sent.push({ topic, message });

  cloud.publish(topics.csrRequest('SN-1'), {});
  await device.rotatedFrom(before);
  const after = device.certificateId;
  expect(await device.generations()).toEqual(['2', 'current']);
  const key = join(device.root, 'privKey.key');
  expect(lstatSync(key).isSymbolicLink()).toBe(true);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(statSync(device.certificates).mode & 0o777).toBe(0o700);
  const privateKey = readFileSync(key, 'utf8');
  expect(createPrivateKey(privateKey).asymmetricKeyDetails?.modulusLength).toBe(2_048);

  await device.listens();
  for (const { topic, message } of sent.filter(({ topic }) => topic !== topics.csrRequest('SN-1'))) {
    cloud.publish(topic, message);
  }
  cloud.publish(topics.certificateDone('SN-1'), { certificateArn: 'arn:aws:iot:eu-central-1:0:cert/0' });
  await device.says('cert/0\\"}" on device/SN-1/crt_done: it is not the certificate');
  await device.says('on device/SN-1/crt: it is not for a key that a certificate was asked for');
  expect(device.certificateId).toBe(after);
  expect(await device.generations()).toEqual(['2', 'current']);
  for (const secret of privateKey.split('\n').slice(1, -2)) expect(device.log()).not.toContain(secret);
  expect(cloud.heard.filter(({ topic }) => topic === topics.csrResponse('SN-1')).length).toBeGreaterThan(1);
  expect(cloud.failures).toEqual([]);
});

it('keeps the certificate when the new one may not connect, and rotates when it may', async () => {
  const { cloud, device, before } = await start();
  cloud.behaviour.attachesPolicy = false;
  cloud.publish(topics.csrRequest('SN-1'), {});
  await device.says('The new certificate is given up; the old one stays in use.');
  expect(device.certificateId).toBe(before);
  expect(cloud.connectedWith('SN-1')).toBe(before);
  cloud.behaviour.attachesPolicy = true;
  cloud.publish(topics.csrRequest('SN-1'), {});
  await device.rotatedFrom(before);
  expect(cloud.failures).toEqual([]);
});

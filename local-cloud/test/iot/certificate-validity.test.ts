import { CreateKeysAndCertificateCommand, DescribeCertificateCommand } from '@aws-sdk/client-iot';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { LocalCloudError } from '../../src/errors.js';
import { parseValidity } from '../../src/services/iot/certificate-validity.js';
import { iotCloud } from './cloud.js';
import { ALLOW_ALL, connect, iotClient, newIdentity } from './fleet.js';

test('a certificate ends when the validity that it was made with does', async () => {
  const clock = new ManualClock();
  const cloud = await iotCloud({ clock, certificateValidity: '5s' });
  const iot = iotClient(cloud);
  const identity = await newIdentity(iot, 'all', ALLOW_ALL);
  const notAfter = async (certificateId: string | undefined) =>
    (await iot.send(new DescribeCertificateCommand({ certificateId }))).certificateDescription?.validity
      ?.notAfter;
  expect(await notAfter(identity.certificateId)).toEqual(new Date(clock.now() + 5000));
  const client = await connect(cloud, identity, 'device');
  clock.advance(6000);
  // Only who connects is asked for the validity.
  await client.publishAsync('still/here', 'x', { qos: 1 });
  await expect(connect(cloud, identity, 'other')).rejects.toThrow();
  client.end(true);

  const path = `${cloud.endpointUrl}/_local/certificate-validity`;
  const put = (body: string, headers: Record<string, string> = {}) =>
    fetch(path, { method: 'PUT', body, headers });
  expect(await (await fetch(path)).json()).toEqual({ certificateValidity: '5s' });
  expect((await put('{"certificateValidity":null}')).status).toBe(200);
  const made = await iot.send(new CreateKeysAndCertificateCommand({}));
  expect((await notAfter(made.certificateId))?.getUTCFullYear()).toBe(2049);
  for (const wrong of [
    '',
    '{}',
    '{"certificateValidity":"5"}',
    '{"certificateValidity":5}',
    'x'.repeat(2000),
  ]) {
    expect((await put(wrong)).status).toBe(400);
  }
  expect((await put('{"certificateValidity":"1d"}', { origin: 'https://example.com' })).status).toBe(403);
  expect((await put('{"certificateValidity":"1d"}', { origin: 'http://localhost:3000' })).status).toBe(200);
  expect((await fetch(path, { method: 'DELETE' })).status).toBe(405);
});

test('a validity is a number and a unit', () => {
  expect(parseValidity('20d')).toBe(20 * 86_400_000);
  expect(parseValidity('36h')).toBe(36 * 3_600_000);
  expect(parseValidity('90s')).toBe(90_000);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,12}[smhdx]?$/)), (text) => {
      try {
        const duration = parseValidity(text);
        expect(text).toMatch(/^[1-9]\d*[smhd]$/);
        expect(duration).toBeGreaterThanOrEqual(1000);
      } catch (error) {
        expect(error).toBeInstanceOf(LocalCloudError);
      }
    }),
  );
});

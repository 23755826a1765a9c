import { afterAll, beforeAll, expect, it } from 'vitest';
import { RegisteredDevices } from '../certificates/registered-devices.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { mooringAt } from './mooring.js';

let cloud: RunningCloud;
let devices: RegisteredDevices;
beforeAll(async () => {
  cloud = await startCloud();
  devices = new RegisteredDevices(cloud.target);
});
afterAll(async () => {
  devices.close();
  await cloud.stop();
});

const certificates = (...args: string[]) => mooringAt(cloud.endpointUrl, 'certificates', ...args);

it('says that there is no fleet yet, and what to do', async () => {
  const { code, stdout, stderr } = await certificates();
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe('mooring: There is no thing group GreengrassGroup: run `mooring deploy` first\n');
});

it('lists every certificate of the fleet, when it ends, and how far its rotation is', async () => {
  await devices.makeGroup();
  expect(await certificates()).toMatchObject({ code: 0, stdout: 'No device has joined the fleet yet\n' });

  for (const thing of ['due', 'fresh', 'new', 'rotating']) await devices.join(thing);
  await devices.certify('due', 20.5);
  await devices.certify('fresh', 300);
  const requested = await devices.certify('rotating', 20);
  const issued = await devices.certify('rotating', 400);
  await devices.report('rotating', { stage: 'issued', at: Date.now(), certificateId: issued });

  const { code, stdout, stderr } = await certificates();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n').map((line) => line.replace(/ {2,}/g, '|'))).toEqual([
    'DEVICE|CERTIFICATE|STATUS|EXPIRES|DAYS|ROTATION',
    expect.stringMatching(/^due\|[0-9a-f]{8}\|ACTIVE\|[-0-9]{10}\|20\|due$/),
    expect.stringMatching(/^fresh\|[0-9a-f]{8}\|ACTIVE\|[-0-9]{10}\|299\|not due$/),
    'new|-|-|-|-|no certificate',
    expect.stringMatching(new RegExp(`^rotating\\|${issued.slice(0, 8)}\\|ACTIVE\\|.+\\|issued \\d+ s ago$`)),
    expect.stringMatching(
      new RegExp(`^rotating\\|${requested.slice(0, 8)}\\|ACTIVE\\|.+\\|issued \\d+ s ago$`),
    ),
    '',
    '4 devices: 1 issued, 1 due, 1 without certificate, 1 not due',
    '',
  ]);
});

it('tells machines the same, of those that are due or in rotation if they like', async () => {
  const { code, stdout } = await certificates('list', '--expiring', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    devices: [
      { thing: 'due', certificates: [{ status: 'ACTIVE', days: 20 }], rotation: { state: 'due' } },
      { thing: 'new', certificates: [], rotation: { state: 'no certificate' } },
      { thing: 'rotating', certificates: [{ days: 399 }, { days: 19 }], rotation: { state: 'issued' } },
    ],
    counts: { issued: 1, due: 1, 'no certificate': 1, 'not due': 1 },
  });
});

import { names } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegisteredDevices } from '../certificates/registered-devices.js';
import { createFunction } from '../certificates/stand-in-function.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { cloudAt, Mooring } from './mooring.js';

/** Stands in for the function that asks devices: it refuses the thing named `odd`. */
const REQUEST_FUNCTION = `
exports.handler = async ({ things }) => {
  if (things.includes('broken')) throw new Error('out of order');
  return {
    requested: things.filter((thing) => thing !== 'odd'),
    refused: things.filter((thing) => thing === 'odd').map((thing) => ({ thing, reason: 'it is odd' })),
  };
};`;

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

const certificates = (...args: string[]) =>
  new Mooring(['certificates', ...args], cloudAt(cloud.endpointUrl)).finished;

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

describe('mooring certificates rotate', () => {
  it('says what is missing before it asks anybody', async () => {
    expect(await certificates('rotate', 'a/b')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"a/b" is not a thing name'),
    });
    expect(await certificates('rotate', 'due', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^mooring: There is no device nobody: /),
    });
    expect(await certificates('rotate', 'due')).toMatchObject({
      code: 1,
      stderr: 'mooring: There is no function GreengrassRotationRequest: run `mooring deploy` first\n',
    });
  });

  it('asks, says who is refused, and does not wait when it is told so', async () => {
    await createFunction(cloud.target, names.rotationRequestFunction, REQUEST_FUNCTION);
    await devices.join('odd');
    const { code, stdout } = await certificates('rotate', 'due', 'odd', '--no-wait', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      { thing: 'due', outcome: 'requested', old: [expect.any(String)] },
      { thing: 'odd', outcome: 'refused', old: [], reason: 'it is odd' },
    ]);
  });

  it('says what a function that fails has said', async () => {
    await devices.join('broken');
    expect(await certificates('rotate', 'broken')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^mooring: The function GreengrassRotationRequest failed: out of order; /,
      ),
    });
  });

  it('tells the stages as they are written, and ends when the old certificate is gone', async () => {
    const [old] = await devices.certificatesOf('due');
    const rotating = new Mooring(['certificates', 'rotate', 'due', 'odd'], cloudAt(cloud.endpointUrl));
    await rotating.says('Asked 1 device for signing requests');
    await devices.report('due', { stage: 'requested', at: Date.now(), certificateId: old });
    await rotating.says('due: was asked for a signing request');
    const issued = await devices.certify('due', 400);
    await devices.report('due', { stage: 'issued', at: Date.now(), certificateId: issued });
    await rotating.says(`due: was sent certificate ${issued.slice(0, 8)}`);
    await devices.retire('due', old ?? '');
    await devices.report('due', { stage: 'completed', at: Date.now(), certificateId: issued });
    const { code, stdout } = await rotating.finished;
    expect(stdout.split('\n')).toEqual([
      `due has certificate ${issued.slice(0, 8)}; ${old?.slice(0, 8)} is revoked and deleted`,
      'odd was refused: it is odd',
      '',
    ]);
    expect(code).toBe(1);
  });

  it('says of a device that does not answer how far it is', async () => {
    const { code, stdout } = await certificates('rotate', 'fresh', '--timeout', '1');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^fresh was not through within 1 s: nothing was heard of it; see with `mooring status`/,
    );
  });
});

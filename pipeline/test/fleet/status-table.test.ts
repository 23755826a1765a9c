import { expect, it } from 'vitest';
import { brokenOnDevices } from '../../src/fleet/overview.js';
import type { ComponentStatus, DeviceStatus } from '../../src/fleet/status.js';
import { brokenLines, deploymentLine, statusTable } from '../../src/fleet/status-table.js';
import { processOutput } from '../../src/output.js';

const out = processOutput(true);

function device(thing: string, ...components: ComponentStatus[]): DeviceStatus {
  return {
    thing,
    connected: true,
    certificates: [],
    rotation: { state: 'not due' },
    health: 'UNHEALTHY',
    components,
  };
}
const component = (state: string, since: string, version = '1.0.0'): ComponentStatus => ({
  name: 'led',
  version,
  state,
  since,
  reason: state === 'BROKEN' ? 'exit code 126' : undefined,
});

it('tells of a broken version once, with all its devices and since when on the first', () => {
  const found = brokenOnDevices([
    device('a', component('BROKEN', '2026-02-02')),
    device('b', component('RUNNING', '2026-01-01')),
    device('c', component('BROKEN', '2026-01-01')),
    device('d', component('BROKEN', '2026-03-03', '1.0.1')),
  ]);
  expect(found).toEqual([
    { name: 'led', version: '1.0.0', devices: ['a', 'c'], since: '2026-01-01', reason: 'exit code 126' },
    { name: 'led', version: '1.0.1', devices: ['d'], since: '2026-03-03', reason: 'exit code 126' },
  ]);
});

it('says of a broken version where it is, why, and what becomes of it', () => {
  const broken = { name: 'led', version: '1.0.0', since: '2026-01-01', reason: undefined, heldBack: true };
  expect(
    brokenLines(
      [
        { ...broken, devices: ['a', 'b', 'c', 'd'], reason: 'exit code 126' },
        { ...broken, devices: ['a'], heldBack: false },
        { ...broken, devices: [] },
      ],
      out,
    ),
  ).toEqual([
    'led 1.0.0 is BROKEN on 4 devices (a, b, c, …) since 2026-01-01: exit code 126; held back, publish a corrected version',
    'led 1.0.0 is BROKEN on 1 device (a) since 2026-01-01; not held back: the next deployment decides',
    'led 1.0.0 is broken, on no device any more, since 2026-01-01; held back, publish a corrected version',
  ]);
});

it('says how far the deployment in force is, and when it is stopped', () => {
  const deployment = {
    deploymentId: 'x',
    revision: '3',
    status: 'ACTIVE',
    created: '2026-01-01',
    components: {},
    devices: { succeeded: 2, failed: 1 },
  };
  expect(deploymentLine(undefined)).toBe('Nothing is deployed to the fleet yet');
  expect(deploymentLine(deployment)).toBe('Deployment revision 3 of 2026-01-01: 2 succeeded, 1 failed');
  expect(deploymentLine({ ...deployment, status: 'CANCELED', devices: {} })).toBe(
    'Deployment revision 3 of 2026-01-01, CANCELED: it reaches no further device: no device has it yet',
  );
});

it('says of a certificate only what is worth knowing', () => {
  const now = Date.UTC(2026, 5, 1);
  const day = 86_400_000;
  const certificate = (id: string, days: number) => ({
    certificateId: id.repeat(64),
    status: 'ACTIVE',
    expires: now + days * day,
  });
  const shown = (certificates: DeviceStatus['certificates'], rotation: DeviceStatus['rotation']) => {
    const [, row] = statusTable([{ ...device('a'), certificates, rotation }], out, now).split('\n');
    return /UNHEALTHY {2}(.+?) {2,}/.exec(row ?? '')?.[1];
  };
  expect(shown([certificate('a', 300)], { state: 'not due' })).toBe('aaaaaaaa ACTIVE');
  expect(shown([certificate('a', 300)], { state: 'completed', at: now })).toBe('aaaaaaaa ACTIVE');
  expect(shown([certificate('a', 20)], { state: 'due' })).toBe('aaaaaaaa ACTIVE, expires in 20 d');
  expect(shown([certificate('a', 300), certificate('b', -1)], { state: 'due' })).toBe(
    'aaaaaaaa ACTIVE, bbbbbbbb ACTIVE, one has expired',
  );
  expect(shown([certificate('a', 20)], { state: 'requested', at: now - 5000 })).toBe(
    'aaaaaaaa ACTIVE, requested 5 s ago',
  );
  expect(shown([certificate('a', -1)], { state: 'expired' })).toBe('aaaaaaaa ACTIVE, expired');
  expect(shown([], { state: 'no certificate' })).toBe('-');
});

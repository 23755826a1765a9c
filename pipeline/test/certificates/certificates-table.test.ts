import { expect, it } from 'vitest';
import {
  certificatesData,
  certificatesSummary,
  certificatesTable,
  rotationText,
} from '../../src/certificates/certificates-table.js';
import type { DeviceCertificates } from '../../src/certificates/fleet-certificates.js';
import type { Rotation } from '../../src/certificates/rotation.js';
import { processOutput } from '../../src/output.js';

const out = processOutput(true);
const NOW = Date.UTC(2026, 5, 1);
const DAY = 86_400_000;

function device(thing: string, rotation: Rotation, ...days: number[]): DeviceCertificates {
  return {
    thing,
    rotation,
    certificates: days.map((left, index) => ({
      certificateId: String(index).repeat(64),
      status: 'ACTIVE',
      expires: NOW + left * DAY,
    })),
  };
}

it('lists each certificate in a line, and a device without one too', () => {
  const devices = [
    device('a', { state: 'issued', at: NOW - 300_000 }, 300.5, 20),
    device('b', { state: 'no certificate' }),
  ];
  expect(certificatesTable(devices, out, NOW).split('\n')).toEqual([
    'DEVICE  CERTIFICATE  STATUS  EXPIRES     DAYS  ROTATION',
    'a       00000000     ACTIVE  2027-03-28  300   issued 5 min ago',
    'a       11111111     ACTIVE  2026-06-21  20    issued 5 min ago',
    'b       -            -       -           -     no certificate',
  ]);
});

it('says when something happened, however long ago', () => {
  const text = (passed: number) => rotationText({ state: 'completed', at: NOW - passed }, out, NOW);
  expect([-5, 0, 59_999, 60_000, 3_600_000, 3 * DAY].map(text)).toEqual([
    'completed 0 s ago',
    'completed 0 s ago',
    'completed 59 s ago',
    'completed 1 min ago',
    'completed 1 h ago',
    'completed 3 d ago',
  ]);
  expect(rotationText({ state: 'refused', at: NOW - 1000, reason: 'weak key' }, out, NOW)).toBe(
    'refused: weak key, 1 s ago',
  );
});

it('sums a fleet up', () => {
  const many = (count: number, rotation: Rotation) =>
    Array.from({ length: count }, () => device('x', rotation));
  expect(certificatesSummary([])).toBe('No device has joined the fleet yet');
  expect(certificatesSummary(many(1, { state: 'due' }))).toBe('1 device: 1 due');
  const fleet = [
    ...many(80, { state: 'due' }),
    ...many(620, { state: 'completed', at: NOW }),
    ...many(300, { state: 'requested', at: NOW }),
  ];
  expect(certificatesSummary(fleet)).toBe('1000 devices: 620 rotated, 300 requested, 80 due');
});

it('tells machines times that they can read', () => {
  expect(certificatesData(device('a', { state: 'requested', at: NOW }, 20), NOW)).toEqual({
    thing: 'a',
    certificates: [
      { certificateId: '0'.repeat(64), status: 'ACTIVE', expires: '2026-06-21T00:00:00.000Z', days: 20 },
    ],
    rotation: { state: 'requested', at: '2026-06-01T00:00:00.000Z' },
  });
});

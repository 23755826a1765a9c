import type { RotationState } from '@mooring/contracts';
import { type DeviceCertificate, readRotationState } from '@mooring/functions/devices';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { daysLeft, isUnderWay, rotationOf } from '../../src/certificates/rotation.js';

const NOW = Date.UTC(2026, 5, 1);
const DAY = 86_400_000;
const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);

const certificate = (certificateId: string, days: number, status = 'ACTIVE'): DeviceCertificate => ({
  certificateId,
  status,
  expires: NOW + days * DAY,
});
const reported = (stage: RotationState['stage'], certificateId?: string): RotationState => ({
  stage,
  at: NOW - 1000,
  certificateId,
  ...(stage === 'refused' && { reason: 'weak key' }),
});

it.each([
  ['nothing', [], undefined, 'no certificate'],
  ['one that is switched off', [certificate(OLD, 300, 'INACTIVE')], undefined, 'no certificate'],
  ['one that lasts', [certificate(OLD, 31)], undefined, 'not due'],
  ['one that ends in 30 days', [certificate(OLD, 30)], undefined, 'due'],
  ['one that has ended', [certificate(OLD, 0)], undefined, 'expired'],
  ['one that has ended, and was asked for', [certificate(OLD, -1)], reported('requested', OLD), 'expired'],
  ['one that ends beside one that lasts', [certificate(NEW, 300), certificate(OLD, -1)], undefined, 'due'],
  ['one whose end nobody knows', [{ ...certificate(OLD, 0), expires: undefined }], undefined, 'not due'],
  ['one that was asked for', [certificate(OLD, 20)], reported('requested', OLD), 'requested'],
  ['one that was asked for by name', [certificate(OLD, 300)], reported('requested', OLD), 'requested'],
  ['one that was asked for, said of none', [certificate(OLD, 20)], reported('requested'), 'requested'],
  ['old and new', [certificate(NEW, 300), certificate(OLD, 20)], reported('issued', NEW), 'issued'],
  ['the new one', [certificate(NEW, 300)], reported('completed', NEW), 'completed'],
  ['the new one, due again', [certificate(NEW, 20)], reported('completed', NEW), 'due'],
  ['one whose request was refused', [certificate(OLD, 20)], reported('refused', OLD), 'refused'],
  ['one of which nothing was said', [certificate(NEW, 20)], reported('refused', OLD), 'due'],
  ['another than was completed', [certificate(OLD, 300)], reported('completed', NEW), 'not due'],
] as const)('a device with %s is as it should be said', (_what, certificates, state, expected) => {
  expect(rotationOf(certificates, state, NOW).state).toBe(expected);
});

it('says since when, and why', () => {
  expect(rotationOf([certificate(OLD, 20)], reported('refused', OLD), NOW)).toEqual({
    state: 'refused',
    at: NOW - 1000,
    reason: 'weak key',
  });
});

it('finds every device that has something to come, and leaves out those that are done', () => {
  const states = [
    rotationOf([certificate(OLD, 300)], undefined, NOW),
    rotationOf([certificate(NEW, 300)], reported('completed', NEW), NOW),
    rotationOf([certificate(OLD, 20)], undefined, NOW),
    rotationOf([certificate(OLD, 20)], reported('requested', OLD), NOW),
    rotationOf([], undefined, NOW),
  ];
  expect(states.map(isUnderWay)).toEqual([false, false, true, true, true]);
});

it('counts the days that are left', () => {
  expect(daysLeft(NOW + 1.5 * DAY, NOW)).toBe(1.5);
  expect(daysLeft(NOW - DAY, NOW)).toBe(-1);
  expect(daysLeft(undefined, NOW)).toBe(Number.POSITIVE_INFINITY);
});

it('never says of a device that can connect that its certificate has expired, nor the other way round', () => {
  const anyCertificate = fc.record({
    certificateId: fc.constantFrom(OLD, NEW),
    status: fc.constantFrom('ACTIVE', 'INACTIVE', 'REVOKED'),
    expires: fc.option(fc.integer({ min: NOW - 90 * DAY, max: NOW + 90 * DAY }), { nil: undefined }),
  });
  const anyState = fc.option(
    fc.record({
      stage: fc.constantFrom(
        'requested' as const,
        'issued' as const,
        'completed' as const,
        'refused' as const,
      ),
      at: fc.integer({ min: 0, max: NOW }),
      certificateId: fc.option(fc.constantFrom(OLD, NEW), { nil: undefined }),
    }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.array(anyCertificate, { maxLength: 4 }), anyState, (certificates, state) => {
      const canConnect = certificates.some(
        ({ status, expires }) => status === 'ACTIVE' && (expires === undefined || expires > NOW),
      );
      const said = rotationOf(certificates, state, NOW).state;
      expect(['expired', 'no certificate'].includes(said)).toBe(!canConnect);
    }),
  );
});

it('reads a shadow as the functions write it, and nothing else', () => {
  const state = { stage: 'issued', at: 5, certificateId: NEW };
  expect(readRotationState(JSON.stringify({ state: { reported: state }, version: 3 }))).toEqual(state);
  for (const other of ['', 'null', '{}', '{"state":{"reported":{"stage":"done","at":1}}}']) {
    expect(readRotationState(other)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readRotationState(text)).toBeUndefined();
    }),
  );
});

import { type Output, table } from '../output.js';
import type { DeviceCertificates } from './fleet-certificates.js';
import { daysLeft, type Rotation } from './rotation.js';

/**
 * The certificates of devices as a table for people, one a line.
 *
 * @param now milliseconds since 1970.
 */
export function certificatesTable(devices: readonly DeviceCertificates[], out: Output, now: number): string {
  const rows = devices.flatMap(({ thing, certificates, rotation }) => {
    const state = rotationText(rotation, out, now);
    if (certificates.length === 0) return [[thing, '-', '-', '-', '-', state]];
    return certificates.map(({ certificateId, status, expires }) => [
      thing,
      certificateId.slice(0, 8),
      status,
      expires === undefined ? '-' : new Date(expires).toISOString().slice(0, 10),
      expires === undefined ? '-' : String(Math.floor(daysLeft(expires, now))),
      state,
    ]);
  });
  return table(['DEVICE', 'CERTIFICATE', 'STATUS', 'EXPIRES', 'DAYS', 'ROTATION'], rows);
}

/** Where a rotation is, in a few words: `requested 5 min ago`. */
export function rotationText(rotation: Rotation, out: Output, now: number): string {
  const { state } = rotation;
  switch (state) {
    case 'not due':
      return state;
    case 'due':
      return out.style('yellow', state);
    case 'expired':
    case 'no certificate':
      return out.style('red', state);
    case 'requested':
    case 'issued':
      return out.style('cyan', `${state} ${ago(rotation.at, now)}`);
    case 'completed':
      return out.style('green', `${state} ${ago(rotation.at, now)}`);
    case 'refused':
      return `${out.style('red', `refused: ${rotation.reason ?? 'no reason given'}`)}, ${ago(rotation.at, now)}`;
  }
}

const UNITS = [
  { unit: 'd', milliseconds: 86_400_000 },
  { unit: 'h', milliseconds: 3_600_000 },
  { unit: 'min', milliseconds: 60_000 },
  { unit: 's', milliseconds: 1000 },
] as const;

function ago(at: number, now: number): string {
  const passed = now - at;
  const { unit, milliseconds } = UNITS.find((candidate) => passed >= candidate.milliseconds) ?? UNITS[3];
  return `${Math.max(0, Math.floor(passed / milliseconds))} ${unit} ago`;
}

/** The states in the order of a summary, each with what it is called there. */
const SUMMARY: readonly (readonly [Rotation['state'], string])[] = [
  ['completed', 'rotated'],
  ['issued', 'issued'],
  ['requested', 'requested'],
  ['refused', 'refused'],
  ['due', 'due'],
  ['expired', 'expired'],
  ['no certificate', 'without certificate'],
  ['not due', 'not due'],
];

/** How many devices are in each state, by the state's name; none that is empty. */
export function rotationCounts(
  devices: readonly DeviceCertificates[],
): Partial<Record<Rotation['state'], number>> {
  const counts: Partial<Record<Rotation['state'], number>> = {};
  for (const [state] of SUMMARY) {
    const count = devices.filter(({ rotation }) => rotation.state === state).length;
    if (count > 0) counts[state] = count;
  }
  return counts;
}

/** `1000 devices: 620 rotated, 300 requested, 80 due` */
export function certificatesSummary(devices: readonly DeviceCertificates[]): string {
  if (devices.length === 0) return 'No device has joined the fleet yet';
  const counts = rotationCounts(devices);
  const parts = SUMMARY.flatMap(([state, text]) => {
    const count = counts[state];
    return count === undefined ? [] : [`${count} ${text}`];
  });
  return `${devices.length} device${devices.length === 1 ? '' : 's'}: ${parts.join(', ')}`;
}

/** A device's certificates for machines: times in ISO 8601. */
export function certificatesData({ thing, certificates, rotation }: DeviceCertificates, now: number) {
  return {
    thing,
    certificates: certificates.map(({ certificateId, status, expires }) => ({
      certificateId,
      status,
      expires: expires === undefined ? null : new Date(expires).toISOString(),
      days: expires === undefined ? null : Math.floor(daysLeft(expires, now)),
    })),
    rotation: rotationData(rotation),
  };
}

function rotationData(rotation: Rotation) {
  if (!('at' in rotation)) return rotation;
  return { ...rotation, at: new Date(rotation.at).toISOString() };
}

import type { FleetDevice } from './fleet.js';

/** What the list shows. */
export interface ListFilter {
  /** Part of the name. */
  text: string;
  show: 'all' | 'connected' | 'disconnected' | 'healthy' | 'unhealthy' | 'rotating';
}

export type SortKey = 'thing' | 'connection' | 'health' | 'led' | 'rotation';

export interface ListSort {
  key: SortKey;
  descending: boolean;
}

/** Counts for the overview. */
export interface FleetCounts {
  devices: number;
  connected: number;
  healthy: number;
  unhealthy: number;
  rotating: number;
}

export function countsOf(devices: readonly FleetDevice[]): FleetCounts {
  const counts = { devices: devices.length, connected: 0, healthy: 0, unhealthy: 0, rotating: 0 };
  for (const device of devices) {
    if (device.summary.connected) counts.connected += 1;
    if (device.summary.health === 'HEALTHY') counts.healthy += 1;
    if (isUnhealthy(device)) counts.unhealthy += 1;
    if (isRotating(device)) counts.rotating += 1;
  }
  return counts;
}

/** The devices that pass the filter, in order; equal ones by name. */
export function listOf(
  devices: readonly FleetDevice[],
  filter: ListFilter,
  sort: ListSort,
): readonly FleetDevice[] {
  const text = filter.text.trim().toLowerCase();
  const passes = SHOWN[filter.show];
  const rank = RANKS[sort.key];
  const sign = sort.descending ? -1 : 1;
  return devices
    .filter((device) => passes(device) && (text === '' || device.thing.toLowerCase().includes(text)))
    .map((device) => ({ device, rank: rank(device) }))
    .sort((a, b) => sign * compare(a.rank, b.rank) || compare(a.device.thing, b.device.thing))
    .map(({ device }) => device);
}

/** When the certificate that lasts longest expires, in milliseconds since 1970. */
export function expiryOf(device: FleetDevice): number | undefined {
  return device.details?.certificates.find(({ status }) => status === 'ACTIVE')?.expires;
}

const isUnhealthy = ({ summary }: FleetDevice) =>
  summary.health !== undefined && summary.health !== 'HEALTHY';

const isRotating = ({ summary }: FleetDevice) =>
  summary.rotation?.stage === 'requested' || summary.rotation?.stage === 'issued';

const SHOWN: Record<ListFilter['show'], (device: FleetDevice) => boolean> = {
  all: () => true,
  connected: ({ summary }) => summary.connected === true,
  disconnected: ({ summary }) => summary.connected !== true,
  healthy: ({ summary }) => summary.health === 'HEALTHY',
  unhealthy: isUnhealthy,
  rotating: isRotating,
};

const RANKS: Record<SortKey, (device: FleetDevice) => string | number> = {
  thing: ({ thing }) => thing,
  connection: ({ summary }) => (summary.connected ? 1 : 0),
  health: ({ summary }) => summary.health ?? '',
  led: ({ led }) => led?.frequency ?? -1,
  rotation: ({ summary }) => summary.rotation?.at ?? 0,
};

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

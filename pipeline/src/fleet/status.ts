import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { connectivity, coreDevice } from '@mooring/functions/devices';
import { inParallel } from '@mooring/functions/in-parallel';
import {
  type CertificateClients,
  type DeviceCertificates,
  rotationOfDevice,
  withCertificateClients,
} from '../certificates/fleet-certificates.js';
import { clientConfig, type Target } from '../target.js';
import { thingsOfFleet } from './things.js';

/** One device of the fleet as the cloud sees it. */
export interface DeviceStatus {
  readonly thing: string;
  /** Undefined when the cloud keeps no connectivity of it. */
  readonly connected: boolean | undefined;
  /** The device's certificates, the one that lasts longest first. */
  readonly certificates: DeviceCertificates['certificates'];
  /** Where the rotation of its certificate is. */
  readonly rotation: DeviceCertificates['rotation'];
  /** Health that the Greengrass core reported; undefined before its first report. */
  readonly health: string | undefined;
  readonly components: readonly ComponentStatus[];
}

/** A component on a device, as the device reported it. */
export interface ComponentStatus {
  readonly name: string;
  readonly version: string;
  /** Lifecycle state: `RUNNING`, `FINISHED`, `BROKEN` … */
  readonly state: string;
  /** When the state became what it is; ISO 8601. */
  readonly since: string | undefined;
  /** What the device says about it, if anything. */
  readonly reason: string | undefined;
}

/** How many devices are asked about at a time. */
const CONCURRENCY = 8;

/** The status of every device in the fleet's thing group, in order of their names. */
export async function fleetStatus(target: Target): Promise<DeviceStatus[]> {
  const greengrass = new GreengrassV2Client(clientConfig(target));
  try {
    return await withCertificateClients(target, async (clients) => {
      const things = await thingsOfFleet(clients.iot);
      return inParallel(things, CONCURRENCY, (thing) => deviceStatus(clients, greengrass, thing));
    });
  } finally {
    greengrass.destroy();
  }
}

async function deviceStatus(
  clients: CertificateClients,
  greengrass: GreengrassV2Client,
  thing: string,
): Promise<DeviceStatus> {
  const [{ connected }, certificates, { health, components }] = await Promise.all([
    connectivity(clients.iot, thing),
    rotationOfDevice(clients, thing, Date.now()),
    coreDevice(greengrass, thing),
  ]);
  return {
    ...certificates,
    connected,
    health,
    components: components.map(({ since, ...component }) => ({ ...component, since: isoTime(since) })),
  };
}

function isoTime(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}

import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { type DeviceCertificate, deviceCertificates, rotationState } from '@mooring/functions/devices';
import { inParallel } from '@mooring/functions/in-parallel';
import { thingsOfFleet } from '../fleet/things.js';
import { clientConfig, type Target } from '../target.js';
import { type Rotation, rotationOf } from './rotation.js';

/** A device, its certificates, and where their rotation is. */
export interface DeviceCertificates {
  readonly thing: string;
  /** The one that lasts longest first. */
  readonly certificates: readonly DeviceCertificate[];
  readonly rotation: Rotation;
}

/** The clients that certificates are read and rotated with. */
export interface CertificateClients {
  readonly iot: IoTClient;
  readonly data: IoTDataPlaneClient;
}

/** Devices that are asked about at a time. */
const CONCURRENCY = 8;
/**
 * AWS answers ten DescribeCertificate and ListThingPrincipals a second (AWS IoT Core quotas): a fleet of any size is
 * read at the pace that it allows, however many times it says no.
 */
const PATIENCE = { retryMode: 'adaptive', maxAttempts: 12 } as const;

/** Does `work` with clients that wait when AWS asks for patience. */
export async function withCertificateClients<T>(
  target: Target,
  work: (clients: CertificateClients) => Promise<T>,
): Promise<T> {
  const iot = new IoTClient({ ...clientConfig(target), ...PATIENCE });
  const data = new IoTDataPlaneClient({ ...clientConfig(target), ...PATIENCE });
  try {
    return await work({ iot, data });
  } finally {
    iot.destroy();
    data.destroy();
  }
}

/**
 * The certificates of every device in the fleet's thing group, in order of the devices' names.
 *
 * @param onProgress told after each device how many of how many were read.
 * @param now milliseconds since 1970.
 * @throws MooringError `NotDeployed` when there is no such group.
 */
export async function fleetCertificates(
  target: Target,
  onProgress: (done: number, of: number) => void = () => undefined,
  now = Date.now(),
): Promise<DeviceCertificates[]> {
  return withCertificateClients(target, async (clients) => {
    const things = await thingsOfFleet(clients.iot);
    let done = 0;
    return inParallel(things, CONCURRENCY, async (thing) => {
      const device = await rotationOfDevice(clients, thing, now);
      done += 1;
      onProgress(done, things.length);
      return device;
    });
  });
}

/** The certificates of one device; none when it was deleted meanwhile. */
export async function rotationOfDevice(
  { iot, data }: CertificateClients,
  thing: string,
  now: number,
): Promise<DeviceCertificates> {
  const [certificates = [], reported] = await Promise.all([
    deviceCertificates(iot, thing),
    rotationState(data, thing),
  ]);
  return { thing, certificates, rotation: rotationOf(certificates, reported, now) };
}

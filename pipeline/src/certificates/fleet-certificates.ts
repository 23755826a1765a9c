import {
  DescribeCertificateCommand,
  IoTClient,
  ResourceNotFoundException as NotInIoT,
  paginateListThingPrincipals,
} from '@aws-sdk/client-iot';
import {
  GetThingShadowCommand,
  IoTDataPlaneClient,
  ResourceNotFoundException as NoShadow,
} from '@aws-sdk/client-iot-data-plane';
import { names, RotationState } from '@mooring/contracts';
import { z } from 'zod';
import { thingsOfFleet } from '../fleet/things.js';
import { inParallel } from '../in-parallel.js';
import { clientConfig, type Target } from '../target.js';
import { type DeviceCertificate, type Rotation, rotationOf } from './rotation.js';

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
      const device = await deviceCertificates(clients, thing, now);
      done += 1;
      onProgress(done, things.length);
      return device;
    });
  });
}

/** The certificates of one device; none when it was deleted meanwhile. */
export async function deviceCertificates(
  { iot, data }: CertificateClients,
  thing: string,
  now: number,
): Promise<DeviceCertificates> {
  const [certificates, reported] = await Promise.all([
    certificatesOf(iot, thing),
    rotationState(data, thing),
  ]);
  return { thing, certificates, rotation: rotationOf(certificates, reported, now) };
}

async function certificatesOf(iot: IoTClient, thing: string): Promise<DeviceCertificate[]> {
  const found: DeviceCertificate[] = [];
  for (const certificateId of (await certificateIds(iot, thing)) ?? []) {
    const certificate = await describe(iot, certificateId);
    if (certificate) found.push(certificate);
  }
  const end = ({ expires }: DeviceCertificate) => expires ?? Number.POSITIVE_INFINITY;
  return found.sort((a, b) => (end(a) === end(b) ? 0 : end(b) - end(a)));
}

/** Ids of the certificates that are attached to a thing; undefined when there is no such thing. */
export async function certificateIds(iot: IoTClient, thingName: string): Promise<string[] | undefined> {
  const ids: string[] = [];
  try {
    for await (const { principals = [] } of paginateListThingPrincipals({ client: iot }, { thingName })) {
      // A thing may also have identities of Amazon Cognito.
      for (const principal of principals) {
        const id = /:cert\/([0-9a-f]{64})$/.exec(principal)?.[1];
        if (id !== undefined) ids.push(id);
      }
    }
  } catch (error) {
    if (error instanceof NotInIoT) return undefined;
    throw error;
  }
  return ids;
}

/** A certificate; undefined when it was deleted. */
async function describe(iot: IoTClient, certificateId: string): Promise<DeviceCertificate | undefined> {
  try {
    const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
    return {
      certificateId,
      status: certificateDescription?.status ?? 'UNKNOWN',
      expires: certificateDescription?.validity?.notAfter?.getTime(),
    };
  } catch (error) {
    if (error instanceof NotInIoT) return undefined;
    throw error;
  }
}

/** What the rotation's functions last wrote of a thing; undefined when they never did. */
export async function rotationState(
  data: IoTDataPlaneClient,
  thingName: string,
): Promise<RotationState | undefined> {
  try {
    const { payload } = await data.send(
      new GetThingShadowCommand({ thingName, shadowName: names.rotationShadow }),
    );
    return readRotationState(payload ?? new Uint8Array());
  } catch (error) {
    if (error instanceof NoShadow) return undefined;
    throw error;
  }
}

const Shadow = z.object({ state: z.object({ reported: RotationState }) });

/** Reads a shadow document; undefined when it is not of a rotation as the functions write it. */
export function readRotationState(document: Uint8Array | string): RotationState | undefined {
  const text = typeof document === 'string' ? document : Buffer.from(document).toString('utf8');
  try {
    return Shadow.safeParse(JSON.parse(text)).data?.state.reported;
  } catch {
    return undefined;
  }
}

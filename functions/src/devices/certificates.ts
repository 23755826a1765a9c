import {
  DescribeCertificateCommand,
  type IoTClient,
  ResourceNotFoundException as NotInIoT,
  paginateListThingPrincipals,
} from '@aws-sdk/client-iot';
import {
  GetThingShadowCommand,
  type IoTDataPlaneClient,
  ResourceNotFoundException as NoShadow,
} from '@aws-sdk/client-iot-data-plane';
import { names, RotationState } from '@mooring/contracts';
import { z } from 'zod';
import type { CallOptions } from './call-options.js';

/** A certificate of a device, as the cloud has it. */
export interface DeviceCertificate {
  readonly certificateId: string;
  /** `ACTIVE`, `INACTIVE`, `REVOKED` … */
  readonly status: string;
  /** Milliseconds since 1970. */
  readonly expires: number | undefined;
}

/** A certificate that is attached to a thing. */
export interface AttachedCertificate {
  readonly arn: string;
  readonly certificateId: string;
}

/** The id in the ARN of a certificate: `arn:aws:iot:eu-west-1:123456789012:cert/<id>`. */
const CERTIFICATE_ARN = /^arn:[^:]+:iot:[^:]+:[^:]+:cert\/([0-9a-f]{64})$/;

/** The certificates that are attached to a thing; undefined when there is no such thing. */
export async function attachedCertificates(
  iot: IoTClient,
  thingName: string,
  options: CallOptions = {},
): Promise<AttachedCertificate[] | undefined> {
  const certificates: AttachedCertificate[] = [];
  try {
    const pages = paginateListThingPrincipals({ client: iot }, { thingName }, options);
    for await (const { principals = [] } of pages) {
      for (const arn of principals) {
        // A thing may also have identities of Amazon Cognito.
        const certificateId = CERTIFICATE_ARN.exec(arn)?.[1];
        if (certificateId !== undefined) certificates.push({ arn, certificateId });
      }
    }
  } catch (error) {
    if (error instanceof NotInIoT) return undefined;
    throw error;
  }
  return certificates;
}

/** The certificates of a thing, the one that lasts longest first; undefined when there is no such thing. */
export async function deviceCertificates(
  iot: IoTClient,
  thing: string,
  options: CallOptions = {},
): Promise<DeviceCertificate[] | undefined> {
  const attached = await attachedCertificates(iot, thing, options);
  if (attached === undefined) return undefined;
  const found: DeviceCertificate[] = [];
  for (const { certificateId } of attached) {
    const certificate = await describe(iot, certificateId, options);
    if (certificate) found.push(certificate);
  }
  const end = ({ expires }: DeviceCertificate) => expires ?? Number.POSITIVE_INFINITY;
  return found.sort((a, b) => (end(a) === end(b) ? 0 : end(b) - end(a)));
}

/** A certificate; undefined when it was deleted. */
async function describe(
  iot: IoTClient,
  certificateId: string,
  options: CallOptions,
): Promise<DeviceCertificate | undefined> {
  try {
    const { certificateDescription } = await iot.send(
      new DescribeCertificateCommand({ certificateId }),
      options,
    );
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
  options: CallOptions = {},
): Promise<RotationState | undefined> {
  try {
    const { payload } = await data.send(
      new GetThingShadowCommand({ thingName, shadowName: names.rotationShadow }),
      options,
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

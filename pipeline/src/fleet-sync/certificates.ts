import { type IoTClient, paginateListThingPrincipals } from '@aws-sdk/client-iot';

/** A certificate that is attached to a thing. */
export interface AttachedCertificate {
  readonly arn: string;
  readonly certificateId: string;
}

/** The certificates of a thing; principals of other kinds are left out. */
export async function certificatesOf(iot: IoTClient, thingName: string): Promise<AttachedCertificate[]> {
  const certificates: AttachedCertificate[] = [];
  for await (const page of paginateListThingPrincipals({ client: iot }, { thingName })) {
    for (const arn of page.principals ?? []) {
      const certificateId = /:cert\/([0-9a-f]{64})$/.exec(arn)?.[1];
      if (certificateId !== undefined) certificates.push({ arn, certificateId });
    }
  }
  return certificates;
}

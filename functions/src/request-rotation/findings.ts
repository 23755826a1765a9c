import { type IoTClient, ListAuditFindingsCommand } from '@aws-sdk/client-iot';
import { EXPIRING_CHECK } from './event.js';

/** One page of an audit's findings. */
export interface FindingsPage {
  /** Ids of the certificates that expire. */
  readonly certificates: readonly string[];
  /** The next page; undefined after the last. */
  readonly next: string | undefined;
}

/** Reads a page of the findings of an audit, the first without a token. */
export type ReadFindings = (taskId: string, token: string | undefined) => Promise<FindingsPage>;

/** {@link ReadFindings} of AWS IoT Device Defender, in its largest pages. */
export function defenderFindings(iot: IoTClient): ReadFindings {
  return async (taskId, token) => {
    const { findings = [], nextToken } = await iot.send(
      new ListAuditFindingsCommand({
        taskId,
        checkName: EXPIRING_CHECK,
        // Whoever suppresses the findings about a certificate wants it left alone.
        listSuppressedFindings: false,
        maxResults: 250,
        ...(token !== undefined && { nextToken: token }),
      }),
    );
    return {
      certificates: findings.flatMap(({ nonCompliantResource }) => {
        const { deviceCertificateId, deviceCertificateArn } = nonCompliantResource?.resourceIdentifier ?? {};
        return deviceCertificateId ?? deviceCertificateArn?.split('/').at(-1) ?? [];
      }),
      next: nextToken,
    };
  };
}

import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { LocalCloud } from '../../src/local-cloud.js';

/** The address of MQTT over WebSocket, presigned as the AWS IoT developer guide describes it. */
export async function presigned(
  cloud: Pick<LocalCloud, 'endpointUrl' | 'region'>,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
): Promise<string> {
  const { sessionToken, ...keys } = credentials;
  const signer = new SignatureV4({
    credentials: keys,
    region: cloud.region,
    service: 'iotdevicegateway',
    sha256: Sha256,
  });
  const { host, hostname } = new URL(cloud.endpointUrl);
  const signed = await signer.presign({
    method: 'GET',
    protocol: 'ws:',
    hostname,
    path: '/mqtt',
    headers: { host },
    query: {},
  });
  const query = new URLSearchParams(signed.query as Record<string, string>);
  if (sessionToken !== undefined) query.set('X-Amz-Security-Token', sessionToken);
  return `ws://${host}/mqtt?${query}`;
}

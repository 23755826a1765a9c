import { X509Certificate } from 'node:crypto';
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names, objectKeys, type ProvisioningConfig, parseAllowlist } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { textBucket } from './bucket.js';
import { createClaimCertificate, reviveClaimCertificate } from './claim.js';
import { rootCaOf } from './root-ca.js';

/** What `mooring provision` did. */
export interface ProvisionResult {
  readonly bucket: string;
  readonly claimCertificateId: string;
  /** Whether the claim certificate was made now; one that exists and is active is kept. */
  readonly claimCertificateCreated: boolean;
  readonly config: ProvisioningConfig;
  /** Number of serial numbers on the allowlist. */
  readonly allowed: number;
  /** Keys of the objects that changed. */
  readonly changed: readonly string[];
}

/**
 * Prepares fleet provisioning: the claim certificate, the endpoints and the allowlist, in the provisioning
 * bucket. Run again, it changes only what differs.
 *
 * @param allowlist the allowlist's text, as {@link parseAllowlist} reads it.
 * @throws AllowlistError, MooringError when the infrastructure is not deployed.
 */
export async function provision(target: Target, allowlist: string): Promise<ProvisionResult> {
  const serials = parseAllowlist(allowlist);
  const iot = new IoTClient(clientConfig(target));
  const s3 = new S3Client(clientConfig(target));
  try {
    const bucketName = bucketNames(await accountOf(target), target.region).provisioning;
    const bucket = textBucket(s3, bucketName);
    const claim = await claimCertificate(iot, bucket);
    const iotCredEndpoint = await endpoint(iot, 'iot:CredentialProvider');
    const config: ProvisioningConfig = {
      awsRegion: target.region,
      iotDataEndpoint: await endpoint(iot, 'iot:Data-ATS'),
      iotCredEndpoint,
      iotRoleAlias: names.roleAlias,
      provisioningTemplate: names.provisioningTemplate,
      ...(target.endpoint !== undefined && localDataPlane(iotCredEndpoint)),
    };
    const objects: [key: string, text: string][] = [
      [objectKeys.rootCa, await rootCaOf(target)],
      [objectKeys.provisioningConfig, `${JSON.stringify(config, null, 2)}\n`],
      [objectKeys.allowlist, allowlist],
    ];
    const changed = [...claim.changed];
    for (const [key, text] of objects) if (await bucket.put(key, text)) changed.push(key);
    return {
      bucket: bucketName,
      claimCertificateId: claim.certificateId,
      claimCertificateCreated: claim.changed.length > 0,
      config,
      allowed: serials.size,
      changed,
    };
  } finally {
    iot.destroy();
    s3.destroy();
  }
}

async function claimCertificate(
  iot: IoTClient,
  bucket: ReturnType<typeof textBucket>,
): Promise<{ certificateId: string; changed: string[] }> {
  const certificatePem = await bucket.get(objectKeys.claimCertificate);
  const privateKey = await bucket.get(objectKeys.claimPrivateKey);
  if (certificatePem !== undefined && privateKey !== undefined) {
    const certificateId = certificateIdOf(certificatePem);
    if (await reviveClaimCertificate(iot, certificateId)) return { certificateId, changed: [] };
  }
  const claim = await createClaimCertificate(iot);
  // The certificate last: it alone says that there is a claim, so a key without one is just made anew.
  await bucket.put(objectKeys.claimPrivateKey, claim.privateKeyPem);
  await bucket.put(objectKeys.claimCertificate, claim.certificatePem);
  return {
    certificateId: claim.certificateId,
    changed: [objectKeys.claimPrivateKey, objectKeys.claimCertificate],
  };
}

/** The local cloud serves everything that devices ask for over HTTPS at one port. */
function localDataPlane(iotCredEndpoint: string): Partial<ProvisioningConfig> {
  const port = Number(new URL(`https://${iotCredEndpoint}`).port || 443);
  return { greengrassDataPlaneEndpoint: 'iotdata', greengrassDataPlanePort: port };
}

/** AWS IoT's certificate id: the SHA-256 fingerprint of the certificate, in lower-case hex. */
function certificateIdOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

async function endpoint(iot: IoTClient, endpointType: string): Promise<string> {
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType }));
  if (!endpointAddress)
    throw new MooringError('NoEndpoint', `AWS IoT named no endpoint of type ${endpointType}`);
  return endpointAddress;
}

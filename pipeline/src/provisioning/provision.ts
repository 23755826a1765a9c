import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names, objectKeys, type ProvisioningConfig, parseAllowlist } from '@mooring/contracts';
import { allowlistStore } from '@mooring/functions/allowlist';
import { ensureBootstrapBucket } from '../deploy/bootstrap-bucket.js';
import { MooringError } from '../errors.js';
import { writeEffective } from '../fleet-sync/dashboard-changes.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { type TextBucket, textBucket } from './bucket.js';
import { Claims, type CurrentClaim } from './claims.js';
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
 * @param allowlist the allowlist's text, as {@link parseAllowlist} reads it; what operators changed on the dashboard is kept.
 * @throws AllowlistError, MooringError when the infrastructure is not deployed.
 */
export async function provision(target: Target, allowlist: string): Promise<ProvisionResult> {
  parseAllowlist(allowlist);
  const iot = new IoTClient(clientConfig(target));
  const s3 = new S3Client(clientConfig(target));
  try {
    const { provisioning: bucketName, bootstrap } = bucketNames(await accountOf(target), target.region);
    const bucket = textBucket(s3, bucketName);
    // Asked for first: without the infrastructure there is nothing to prepare.
    const before = await handedOut(bucket);
    await ensureBootstrapBucket(s3, bootstrap, target.region);
    const claim = await new Claims(iot, textBucket(s3, bootstrap)).current(before);
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
    ];
    const changed = await handOut(bucket, claim);
    for (const [key, text] of objects) if (await bucket.put(key, text)) changed.push(key);
    const list = await writeEffective(allowlistStore(s3, bucketName), allowlist);
    if (list.written) changed.push(objectKeys.allowlist);
    return {
      bucket: bucketName,
      claimCertificateId: claim.certificateId,
      claimCertificateCreated: claim.made,
      config,
      allowed: parseAllowlist(list.text).size,
      changed,
    };
  } finally {
    iot.destroy();
    s3.destroy();
  }
}

/** Hands a claim out to those who build images. @returns the keys of the objects that changed. */
export async function handOut(bucket: TextBucket, claim: CurrentClaim): Promise<string[]> {
  const changed: string[] = [];
  // The certificate last: it alone says that there is a claim, so a key without one is just made anew.
  const objects: [key: string, text: string][] = [
    [objectKeys.claimPrivateKey, claim.privateKeyPem],
    [objectKeys.claimCertificate, claim.certificatePem],
  ];
  for (const [key, text] of objects) if (await bucket.put(key, text)) changed.push(key);
  return changed;
}

async function handedOut(bucket: TextBucket) {
  const certificatePem = await bucket.get(objectKeys.claimCertificate);
  const privateKeyPem = await bucket.get(objectKeys.claimPrivateKey);
  return certificatePem !== undefined && privateKeyPem !== undefined
    ? { certificatePem, privateKeyPem }
    : undefined;
}

/** The local cloud serves everything that devices ask for over HTTPS at one port. */
function localDataPlane(iotCredEndpoint: string): Partial<ProvisioningConfig> {
  const port = Number(new URL(`https://${iotCredEndpoint}`).port || 443);
  return { greengrassDataPlaneEndpoint: 'iotdata', greengrassDataPlanePort: port };
}

async function endpoint(iot: IoTClient, endpointType: string): Promise<string> {
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType }));
  if (!endpointAddress)
    throw new MooringError('NoEndpoint', `AWS IoT named no endpoint of type ${endpointType}`);
  return endpointAddress;
}

/** Works with the claims of a cloud and the bucket that hands them out. */
export async function withClaims<T>(
  target: Target,
  work: (of: { claims: Claims; bucket: TextBucket }) => Promise<T>,
): Promise<T> {
  const iot = new IoTClient(clientConfig(target));
  const s3 = new S3Client(clientConfig(target));
  try {
    const { bootstrap, provisioning } = bucketNames(await accountOf(target), target.region);
    return await work({
      claims: new Claims(iot, textBucket(s3, bootstrap)),
      bucket: textBucket(s3, provisioning),
    });
  } finally {
    iot.destroy();
    s3.destroy();
  }
}

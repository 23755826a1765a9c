import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames, objectKeys, ProvisioningConfig, provisioningParameters } from '@mooring/contracts';
import { stringify } from 'yaml';
import { MooringError } from '../errors.js';
import { textBucket } from '../provisioning/bucket.js';
import { clientConfig, type Target } from '../target.js';

/** What the provisioning bucket holds for every device image: the same for all devices of a fleet. */
export interface ImageFiles {
  readonly config: ProvisioningConfig;
  readonly claimCertificate: string;
  readonly claimPrivateKey: string;
  readonly rootCa: string;
}

/** Fetches what goes into a device image from the provisioning bucket. */
export async function fetchImageFiles(target: Target, account: string): Promise<ImageFiles> {
  const s3 = new S3Client(clientConfig(target));
  try {
    const bucket = textBucket(s3, bucketNames(account, target.region).provisioning);
    const need = async (key: string) => {
      const text = await bucket.get(key);
      if (text !== undefined) return text;
      throw new MooringError(
        'NotProvisioned',
        `The provisioning bucket has no ${key}: run \`mooring provision\` first`,
      );
    };
    return {
      config: ProvisioningConfig.parse(JSON.parse(await need(objectKeys.provisioningConfig))),
      claimCertificate: await need(objectKeys.claimCertificate),
      claimPrivateKey: await need(objectKeys.claimPrivateKey),
      rootCa: await need(objectKeys.rootCa),
    };
  } finally {
    s3.destroy();
  }
}

/**
 * Lays out a device's root as the image would on its first boot: claim files, root certificate and
 * `config.yaml`. A device that has its own certificate already gets no claim files again.
 *
 * @returns the path of `config.yaml`.
 */
export async function prepareDevice(root: string, thing: string, image: ImageFiles): Promise<string> {
  const claims = join(root, 'claim-certs');
  const rootCaPath = join(root, 'rootCA.pem');
  const configPath = join(root, 'config.yaml');
  await mkdir(claims, { recursive: true, mode: 0o700 });
  await writeFile(rootCaPath, image.rootCa);
  const claimCertificatePath = join(claims, 'claim.pem.crt');
  const claimCertificatePrivateKeyPath = join(claims, 'claim.private.pem.key');
  if (!existsSync(join(root, 'thingCert.crt'))) {
    await writeFile(claimCertificatePath, image.claimCertificate);
    await writeFile(claimCertificatePrivateKeyPath, image.claimPrivateKey, { mode: 0o600 });
  }
  const { awsRegion, iotDataEndpoint, iotCredEndpoint, iotRoleAlias, provisioningTemplate, ...dataPlane } =
    image.config;
  await writeFile(
    configPath,
    stringify({
      services: {
        'aws.greengrass.Nucleus': {
          configuration: { awsRegion, iotRoleAlias, iotDataEndpoint, iotCredEndpoint, ...dataPlane },
        },
        'aws.greengrass.FleetProvisioningByClaim': {
          configuration: {
            rootPath: root,
            awsRegion,
            iotDataEndpoint,
            iotCredentialEndpoint: iotCredEndpoint,
            iotRoleAlias,
            provisioningTemplate,
            claimCertificatePath,
            claimCertificatePrivateKeyPath,
            rootCaPath,
            templateParameters: { [provisioningParameters.serialNumber]: thing },
          },
        },
      },
    }),
  );
  return configPath;
}

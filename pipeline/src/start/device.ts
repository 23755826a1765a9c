import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/** Where a device has what it was given, below its root. */
export const claimFiles = {
  certificate: 'claim-certs/claim.pem.crt',
  privateKey: 'claim-certs/claim.private.pem.key',
  rootCa: 'rootCA.pem',
} as const;

/**
 * Lays out a device's root as the image would on its first boot: claim files, root certificate and
 * `config.yaml`. A device that has its own certificate already gets no claim files again.
 *
 * @returns the path of `config.yaml`.
 */
export async function prepareDevice(root: string, thing: string, image: ImageFiles): Promise<string> {
  const configPath = join(root, 'config.yaml');
  await mkdir(dirname(join(root, claimFiles.privateKey)), { recursive: true, mode: 0o700 });
  await writeFile(join(root, claimFiles.rootCa), image.rootCa);
  if (!existsSync(join(root, 'thingCert.crt'))) {
    await writeFile(join(root, claimFiles.certificate), image.claimCertificate);
    await writeFile(join(root, claimFiles.privateKey), image.claimPrivateKey, { mode: 0o600 });
  }
  await writeFile(configPath, initConfig(root, thing, image.config));
  return configPath;
}

/**
 * The text of `config.yaml` as the nucleus and its fleet provisioning plugin take it.
 *
 * @param root where the device keeps its things; its claim files and root certificate are there.
 * @param thing the serial number, or what is put in its place later.
 */
export function initConfig(root: string, thing: string, config: ProvisioningConfig): string {
  const { awsRegion, iotDataEndpoint, iotCredEndpoint, iotRoleAlias, provisioningTemplate, ...dataPlane } =
    config;
  return stringify({
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
          claimCertificatePath: join(root, claimFiles.certificate),
          claimCertificatePrivateKeyPath: join(root, claimFiles.privateKey),
          rootCaPath: join(root, claimFiles.rootCa),
          templateParameters: { [provisioningParameters.serialNumber]: thing },
        },
      },
    },
  });
}

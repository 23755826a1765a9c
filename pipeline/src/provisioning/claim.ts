// @peculiar/x509's dependency injection needs it to be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AttachPolicyCommand,
  CreateCertificateFromCsrCommand,
  DescribeCertificateCommand,
  type IoTClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { MooringError } from '../errors.js';

/** The shared certificate that a device trades for its own at first boot. */
export interface ClaimCertificate {
  readonly certificateId: string;
  readonly certificatePem: string;
  /** PKCS #8, made here; the cloud has only seen its public half. */
  readonly privateKeyPem: string;
}

/** Makes a claim certificate: EC P-256 key, CSR, active certificate with the claim policy attached. */
export async function createClaimCertificate(iot: IoTClient): Promise<ClaimCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=Mooring provisioning claim',
    keys,
    signingAlgorithm: algorithm,
  });
  const { certificateId, certificatePem, certificateArn } = await iot.send(
    new CreateCertificateFromCsrCommand({
      certificateSigningRequest: request.toString('pem'),
      setAsActive: true,
    }),
  );
  if (!certificateId || !certificatePem || !certificateArn) {
    throw new MooringError(
      'NoCertificate',
      'AWS IoT answered the claim CSR without a certificate; try again',
    );
  }
  await iot.send(new AttachPolicyCommand({ policyName: names.claimPolicy, target: certificateArn }));
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { certificateId, certificatePem, privateKeyPem: pem('PRIVATE KEY', pkcs8) };
}

/**
 * Makes an existing claim certificate usable again after a redeploy: attaches the claim policy.
 *
 * @returns false when the cloud does not know the certificate or it is not active; a new one is needed then.
 */
export async function reviveClaimCertificate(iot: IoTClient, certificateId: string): Promise<boolean> {
  try {
    const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
    if (certificateDescription?.status !== 'ACTIVE') return false;
    await iot.send(
      new AttachPolicyCommand({
        policyName: names.claimPolicy,
        target: certificateDescription.certificateArn ?? '',
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

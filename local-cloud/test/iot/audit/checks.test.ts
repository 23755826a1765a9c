import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  AttachPolicyCommand,
  CreateCertificateFromCsrCommand,
  CreateKeysAndCertificateCommand,
  CreateRoleAliasCommand,
  DescribeAuditTaskCommand,
  type IoTClient,
  ListAuditFindingsCommand,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot';
import { X509CertificateGenerator } from '@peculiar/x509';
import { expect, test } from 'vitest';
import { ALLOW_ALL, connect, newIdentity, newRequest } from '../fleet.js';
import { audit, auditCloud, configure, DAY, until } from './support.js';

const AGE = 'DEVICE_CERTIFICATE_AGE_CHECK';
const SHARED = 'DEVICE_CERTIFICATE_SHARED_CHECK';
const CONFLICTS = 'CONFLICTING_CLIENT_IDS_CHECK';
const REVOKED = 'REVOKED_DEVICE_CERTIFICATE_STILL_ACTIVE_CHECK';
const KEY_QUALITY = 'DEVICE_CERTIFICATE_KEY_QUALITY_CHECK';
const ROLE_ALIAS = 'IOT_ROLE_ALIAS_OVERLY_PERMISSIVE_CHECK';

/** Audits one check. @returns its details, and what it found: identifiers with reason codes. */
async function look(iot: IoTClient, check: string) {
  const { taskId, auditDetails } = await audit(iot, check);
  const { findings = [] } = await iot.send(new ListAuditFindingsCommand({ taskId }));
  return {
    details: auditDetails?.[check],
    found: findings.map(({ nonCompliantResource, reasonForNonComplianceCode }) => ({
      ...nonCompliantResource?.resourceIdentifier,
      code: reasonForNonComplianceCode,
    })),
  };
}

/** A certificate of another authority, for an RSA key, registered as active. */
async function foreignCertificate(iot: IoTClient): Promise<string> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const subtle = globalThis.crypto.subtle;
  const keys = {
    publicKey: await subtle.importKey(
      'spki',
      publicKey.export({ type: 'spki', format: 'der' }),
      algorithm,
      true,
      ['verify'],
    ),
    privateKey: await subtle.importKey(
      'pkcs8',
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      algorithm,
      true,
      ['sign'],
    ),
  };
  const certificate = await X509CertificateGenerator.createSelfSigned({ name: 'CN=elsewhere', keys });
  const { certificateId = '' } = await iot.send(
    new RegisterCertificateWithoutCACommand({
      certificatePem: certificate.toString('pem'),
      status: 'ACTIVE',
    }),
  );
  expect(certificateId).toBe(createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex'));
  return certificateId;
}

test('a certificate is old after so many days', async () => {
  const { iot, clock } = await auditCloud();
  const { csr: certificateSigningRequest } = await newRequest();
  const { certificateId } = await iot.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest, setAsActive: true }),
  );
  await configure(iot, AGE);
  clock.advance(364 * DAY);
  expect((await look(iot, AGE)).found).toEqual([]);
  clock.advance(2 * DAY);
  expect((await look(iot, AGE)).found).toEqual([
    { deviceCertificateId: certificateId, code: 'CERTIFICATE_PAST_AGE_THRESHOLD' },
  ]);
});

test('a certificate that two devices use, and a client id that two fight for, are found', async () => {
  const { cloud, iot } = await auditCloud();
  await configure(iot, SHARED, CONFLICTS);
  const shared = await newIdentity(iot, 'all', ALLOW_ALL);
  const own = await newIdentity(iot, 'all-too', ALLOW_ALL);
  await iot.send(new AttachPolicyCommand({ policyName: 'all', target: own.certificateArn }));
  const clients = [
    await connect(cloud, shared, 'one'),
    await connect(cloud, shared, 'two'),
    await connect(cloud, own, 'three'),
  ];
  expect((await look(iot, SHARED)).found).toEqual([
    { deviceCertificateId: shared.certificateId, code: 'CERTIFICATE_SHARED_BY_MULTIPLE_DEVICES' },
  ]);
  expect((await look(iot, CONFLICTS)).found).toEqual([]);
  clients[2]?.on('error', () => undefined);
  const thrownOff = new Promise((resolve) => clients[2]?.once('close', () => resolve(undefined)));
  clients.push(await connect(cloud, own, 'three'));
  await thrownOff;
  const conflicts = await until(async () => {
    const { found } = await look(iot, CONFLICTS);
    return found.length > 0 ? found : undefined;
  });
  expect(conflicts).toEqual([{ clientId: 'three', code: 'DUPLICATE_CLIENT_ID_ACROSS_CONNECTIONS' }]);
  for (const client of clients) client.end(true);
});

test('keys and revocation are judged where they can be, and nothing else counts as compliant', async () => {
  const { iot } = await auditCloud();
  await configure(iot, KEY_QUALITY, REVOKED);
  await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  expect((await look(iot, KEY_QUALITY)).details).toMatchObject({ checkRunStatus: 'COMPLETED_COMPLIANT' });
  await foreignCertificate(iot);
  expect((await look(iot, REVOKED)).details).toMatchObject({ checkRunStatus: 'COMPLETED_COMPLIANT' });
  const { details } = await look(iot, KEY_QUALITY);
  expect(details?.checkCompliant).not.toBe(true);
  expect(details?.message).toMatch(/RSA keys were made elsewhere/);
});

test('a role alias is found by what its role allows', async () => {
  const { iot, denied } = await auditCloud();
  await configure(iot, ROLE_ALIAS);
  await iot.send(
    new CreateRoleAliasCommand({ roleAlias: 'broad', roleArn: 'arn:aws:iam::000000000000:role/auditor' }),
  );
  const { found } = await look(iot, ROLE_ALIAS);
  expect(found.length).toBeGreaterThan(0);
  expect(found.every(({ roleAliasArn }) => roleAliasArn?.endsWith(':rolealias/broad'))).toBe(true);
  expect(found.map(({ code }) => code)).toContain('ALLOWS_BROAD_ACCESS_TO_USED_SERVICES');
  denied.add('s3:AnyActionAtAll');
  const { taskId } = await audit(iot, ROLE_ALIAS);
  expect((await iot.send(new DescribeAuditTaskCommand({ taskId }))).taskStatus).toBe('COMPLETED');
});

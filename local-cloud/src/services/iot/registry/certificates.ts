import { randomUUID } from 'node:crypto';
import * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, deleteConflict, invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import { type CertificateAuthority, type IssuedCertificate, readCertificate } from '../pki.js';
import { type CertificateRecord, secondParts, type Tables } from '../tables.js';

const SETTABLE = new Set<string | undefined>(['ACTIVE', 'INACTIVE', 'REVOKED']);

/** The device certificates. */
export function certificates(
  tables: Tables,
  changes: Changes,
  arns: IotArns,
  clock: Clock,
  authority: CertificateAuthority,
) {
  function existing(certificateId: string | undefined): CertificateRecord {
    const record = tables.certificates.get(certificateId ?? '');
    if (!record) throw notFound(`Certificate with id ${certificateId} cannot be found.`);
    return record;
  }

  /** Registers a certificate; in a transaction. */
  function register(
    { certificateId, pem, notBefore, notAfter, keyMadeHere }: IssuedCertificate,
    status: CertificateRecord['status'],
    mode: CertificateRecord['mode'] = 'DEFAULT',
  ): CertificateRecord {
    const now = clock.now();
    const dates = { created: now, modified: now, notBefore, notAfter };
    const generationId = randomUUID();
    const record: CertificateRecord = {
      ...{ certificateId, pem, status, mode, ...dates, customerVersion: 1, generationId },
      ...(keyMadeHere && { keyMadeHere }),
    };
    tables.certificates.put(certificateId, record);
    changes.touch(`principal/${arns.certificate(certificateId)}`);
    return record;
  }

  function setStatus(record: CertificateRecord, status: CertificateRecord['status']): void {
    const modified = clock.now();
    tables.certificates.put(record.certificateId, { ...record, status, modified });
    changes.touch(`principal/${arns.certificate(record.certificateId)}`);
  }

  /** Deletes a certificate that is attached to nothing but perhaps policies; in a transaction. */
  function remove({ certificateId }: CertificateRecord): void {
    const arn = arns.certificate(certificateId);
    for (const [policy] of [...secondParts(tables.targetPolicies, arn)]) {
      tables.targetPolicies.delete(key(arn, policy));
      tables.policyTargets.delete(key(policy, arn));
    }
    tables.certificates.delete(certificateId);
    changes.touch(`principal/${arn}`);
  }

  const reference = ({ certificateId, pem }: CertificateRecord) => ({
    certificateArn: arns.certificate(certificateId),
    certificateId,
    certificatePem: pem,
  });

  const operations = {
    async CreateKeysAndCertificate(input: sdk.CreateKeysAndCertificateCommandInput) {
      const { keyPair, ...issued } = await authority.issueWithKeys();
      const record = changes.transaction(() => register(issued, input.setAsActive ? 'ACTIVE' : 'INACTIVE'));
      return {
        ...reference(record),
        keyPair: { PublicKey: keyPair.publicKey, PrivateKey: keyPair.privateKey },
      };
    },

    async CreateCertificateFromCsr(input: sdk.CreateCertificateFromCsrCommandInput) {
      const issued = await authority.signRequest(input.certificateSigningRequest ?? '');
      return reference(
        changes.transaction(() => register(issued, input.setAsActive ? 'ACTIVE' : 'INACTIVE')),
      );
    },

    RegisterCertificateWithoutCA(input: sdk.RegisterCertificateWithoutCACommandInput) {
      const certificate = readCertificate(input.certificatePem ?? '');
      const status = input.status ?? 'INACTIVE';
      if (!SETTABLE.has(status)) throw invalid(`A certificate cannot be registered with status ${status}`);
      const { certificateId } = certificate;
      const certificateArn = arns.certificate(certificateId);
      return changes.transaction(() => {
        if (tables.certificates.get(certificateId)) {
          throw alreadyExists('The certificate is already registered.', certificateId, certificateArn);
        }
        register(certificate, status, 'SNI_ONLY');
        return { certificateArn, certificateId };
      });
    },

    DescribeCertificate({ certificateId }: sdk.DescribeCertificateCommandInput) {
      const record = existing(certificateId);
      return {
        certificateDescription: {
          ...reference(record),
          status: record.status,
          certificateMode: record.mode,
          ownedBy: accountOf(arns),
          creationDate: new Date(record.created),
          lastModifiedDate: new Date(record.modified),
          customerVersion: record.customerVersion,
          generationId: record.generationId,
          transferData: {},
          validity: { notBefore: new Date(record.notBefore), notAfter: new Date(record.notAfter) },
        },
      };
    },

    UpdateCertificate({ certificateId, newStatus }: sdk.UpdateCertificateCommandInput) {
      if (!SETTABLE.has(newStatus)) throw invalid(`The certificate's status cannot be set to ${newStatus}`);
      return changes.transaction(() => {
        const record = existing(certificateId);
        if (newStatus && newStatus !== record.status) setStatus(record, newStatus);
        return {};
      });
    },

    DeleteCertificate({ certificateId, forceDelete }: sdk.DeleteCertificateCommandInput) {
      return changes.transaction(() => {
        const record = existing(certificateId);
        const arn = arns.certificate(record.certificateId);
        if (record.status === 'ACTIVE') {
          throw new sdk.CertificateStateException({
            message: `Certificate must be deactivated (not ACTIVE) before deletion. (certificate arn: ${arn})`,
            $metadata: {},
          });
        }
        if (!secondParts(tables.principalThings, arn).next().done) {
          throw deleteConflict(`Things must be detached before deletion (arn: ${arn})`);
        }
        if (!forceDelete && !secondParts(tables.targetPolicies, arn).next().done) {
          throw deleteConflict(`Certificate policies must be detached before deletion (arn: ${arn})`);
        }
        remove(record);
        return {};
      });
    },

    ListCertificates(input: sdk.ListCertificatesCommandInput) {
      const direction = input.ascendingOrder ? 1 : -1;
      const all = [...tables.certificates.entries()]
        .map(([, record]) => record)
        .sort((a, b) => direction * (a.created - b.created || (a.certificateId < b.certificateId ? -1 : 1)));
      const { items, next } = pageOf(all, ({ certificateId }) => certificateId, input.marker, input.pageSize);
      return {
        certificates: items.map((record) => ({
          certificateArn: arns.certificate(record.certificateId),
          certificateId: record.certificateId,
          status: record.status,
          certificateMode: record.mode,
          creationDate: new Date(record.created),
        })),
        ...(next !== undefined && { nextMarker: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, existing, register, setStatus, remove };
}

export type Certificates = ReturnType<typeof certificates>;

function accountOf(arns: IotArns): string {
  return arns.of('').split(':')[4] ?? '';
}

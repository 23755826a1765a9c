import 'reflect-metadata';
import { createHash, createPrivateKey, sign, webcrypto } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import type { Base } from '../../plugin.js';

/** Signs what SNS delivers (SNS developer guide, "Verifying the signatures of Amazon SNS messages"). */
export interface Signatures {
  /**
   * @param fields of the message; those that are signed are chosen by its `Type`.
   * @param version `1` signs with SHA-1, `2` with SHA-256.
   * @returns the signature in base64 and the name of the certificate's file.
   */
  sign(
    fields: Readonly<Record<string, string | undefined>>,
    version: '1' | '2',
  ): Promise<{ signature: string; certificateName: string }>;
  /** The certificate of that file name in PEM; undefined when there is none. */
  certificate(name: string): string | undefined;
}

interface Identity {
  readonly key: string;
  readonly certificate: string;
}

const SIGNED = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
} as const;
const YEAR = 365 * 24 * 3_600_000;
const ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** The key is made when something is signed for the first time, and kept. */
export function signatures({ store, clock }: Base): Signatures {
  const table = store.table<Identity>('sns.signing');
  let made: Promise<Identity> | undefined;

  function makeOnce(): Promise<Identity> {
    made ??= make();
    return made;
  }

  async function make(): Promise<Identity> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: 'CN=sns.amazonaws.com',
      notBefore: new Date(clock.now()),
      notAfter: new Date(clock.now() + 20 * YEAR),
      signingAlgorithm: ALGORITHM,
      keys,
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const identity = {
      key: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
        .export({ format: 'pem', type: 'pkcs8' })
        .toString(),
      certificate: `${certificate.toString('pem')}\n`,
    };
    table.put('current', identity);
    return identity;
  }

  const nameOf = ({ certificate }: Identity) =>
    `SimpleNotificationService-${createHash('md5').update(certificate).digest('hex')}.pem`;

  return {
    async sign(fields, version) {
      const identity = table.get('current') ?? (await makeOnce());
      const names = fields.Type === 'Notification' ? SIGNED.Notification : SIGNED.SubscriptionConfirmation;
      const text = names
        .filter((name) => fields[name] !== undefined)
        .map((name) => `${name}\n${fields[name]}\n`)
        .join('');
      const signature = sign(version === '1' ? 'sha1' : 'sha256', Buffer.from(text), identity.key);
      return { signature: signature.toString('base64'), certificateName: nameOf(identity) };
    },
    certificate(name) {
      const identity = table.get('current');
      return identity && nameOf(identity) === name ? identity.certificate : undefined;
    },
  };
}

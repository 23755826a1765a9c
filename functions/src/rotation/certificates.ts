import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  DeleteCertificateCommand,
  DeleteConflictException,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  InvalidRequestException,
  type IoTClient,
  paginateListAttachedPolicies,
  paginateListCertificates,
  paginateListPrincipalThings,
  ResourceNotFoundException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { attachedCertificates } from '../devices/certificates.js';

/** A certificate as AWS IoT has it registered. */
export interface Certificate {
  /** SHA-256 of its DER encoding in lower-case hexadecimal. */
  readonly id: string;
  readonly arn: string;
  readonly pem: string;
  /** `ACTIVE`, `INACTIVE`, `REVOKED` … */
  readonly status: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/**
 * The certificates and what they are attached to, as far as a rotation needs them. Whatever only takes something
 * away succeeds when it is gone already, and whatever attaches, when it is attached already: all of these may be
 * repeated.
 */
export interface Certificates {
  /** Ids of the certificates that are attached to a thing; undefined when there is no such thing. */
  ofThing(thing: string): Promise<string[] | undefined>;
  /** Names of the things that a certificate is attached to; undefined when there is no such certificate. */
  thingsOf(arn: string): Promise<string[] | undefined>;
  /** Undefined when there is no such certificate. */
  find(id: string): Promise<Certificate | undefined>;
  /** All of the account, the youngest first, without what only {@link find} tells. */
  newestFirst(): AsyncIterable<Pick<Certificate, 'id' | 'status' | 'created'>>;
  /**
   * Signs a certificate, which is inactive and attached to nothing.
   *
   * @throws UnsignableError when AWS IoT does not take the signing request.
   */
  create(csr: string): Promise<Pick<Certificate, 'id' | 'arn' | 'pem'>>;
  /** Attaches a certificate to a thing, and makes it the only one that it can be attached to. */
  attachToThing(thing: string, arn: string): Promise<void>;
  attachPolicy(policy: string, arn: string): Promise<void>;
  activate(id: string): Promise<void>;
  /** Ends its connections too. */
  revoke(id: string): Promise<void>;
  detachPolicies(arn: string): Promise<void>;
  detachFromThing(thing: string, arn: string): Promise<void>;
  /** Of a certificate that is neither active nor attached to a thing. */
  delete(id: string): Promise<void>;
}

/** AWS IoT found something wrong with a signing request. */
export class UnsignableError extends Error {
  override readonly name = 'UnsignableError';
}

/**
 * Milliseconds before each further attempt to delete: AWS IoT detaches a certificate from a thing within seconds,
 * not at once (API reference, DetachThingPrincipal).
 */
const DETACH_PAUSES = [500, 1000, 2000, 4000] as const;

/**
 * {@link Certificates} in AWS IoT.
 *
 * @param pause resolves after that many milliseconds.
 */
export function iotCertificates(
  iot: IoTClient,
  pause: (milliseconds: number) => Promise<unknown>,
): Certificates {
  return {
    async ofThing(thing) {
      return (await attachedCertificates(iot, thing))?.map(({ certificateId }) => certificateId);
    },
    thingsOf: (principal) =>
      unlessMissing(async () => {
        const names: string[] = [];
        for await (const { things = [] } of paginateListPrincipalThings({ client: iot }, { principal })) {
          names.push(...things);
        }
        return names;
      }),
    find: (certificateId) =>
      unlessMissing(async () => {
        const { certificateDescription: found = {} } = await iot.send(
          new DescribeCertificateCommand({ certificateId }),
        );
        return {
          id: certificateId,
          arn: found.certificateArn ?? '',
          pem: found.certificatePem ?? '',
          status: found.status ?? 'UNKNOWN',
          created: found.creationDate?.getTime() ?? 0,
        };
      }),
    async *newestFirst() {
      for await (const { certificates = [] } of paginateListCertificates(
        { client: iot, pageSize: 250 },
        { ascendingOrder: false },
      )) {
        for (const { certificateId = '', status = 'UNKNOWN', creationDate } of certificates) {
          yield { id: certificateId, status, created: creationDate?.getTime() ?? 0 };
        }
      }
    },
    async create(certificateSigningRequest) {
      const command = new CreateCertificateFromCsrCommand({ certificateSigningRequest, setAsActive: false });
      const created = await iot.send(command).catch((error: unknown) => {
        if (!(error instanceof InvalidRequestException)) throw error;
        throw new UnsignableError(`AWS IoT does not sign it: ${error.message}`, { cause: error });
      });
      return {
        id: created.certificateId ?? '',
        arn: created.certificateArn ?? '',
        pem: created.certificatePem ?? '',
      };
    },
    async attachToThing(thingName, principal) {
      const thingPrincipalType = 'EXCLUSIVE_THING';
      await iot.send(new AttachThingPrincipalCommand({ thingName, principal, thingPrincipalType }));
    },
    async attachPolicy(policyName, target) {
      await iot.send(new AttachPolicyCommand({ policyName, target }));
    },
    async activate(certificateId) {
      await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' }));
    },
    async revoke(certificateId) {
      await unlessMissing(() =>
        iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' })),
      );
    },
    async detachPolicies(target) {
      await unlessMissing(async () => {
        for await (const { policies = [] } of paginateListAttachedPolicies({ client: iot }, { target })) {
          for (const { policyName } of policies) {
            await unlessMissing(() => iot.send(new DetachPolicyCommand({ policyName, target })));
          }
        }
      });
    },
    async detachFromThing(thingName, principal) {
      await unlessMissing(() => iot.send(new DetachThingPrincipalCommand({ thingName, principal })));
    },
    async delete(certificateId) {
      const command = new DeleteCertificateCommand({ certificateId, forceDelete: true });
      for (const milliseconds of DETACH_PAUSES) {
        try {
          await unlessMissing(() => iot.send(command));
          return;
        } catch (error) {
          if (!(error instanceof DeleteConflictException)) throw error;
          await pause(milliseconds);
        }
      }
      await unlessMissing(() => iot.send(command));
    },
  };
}

/** What `ask` resolves with; undefined when what it asks about is not there. */
async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

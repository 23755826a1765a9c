import { X509Certificate } from 'node:crypto';
import {
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  type IoTClient,
  paginateListAttachedPolicies,
  ResourceNotFoundException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { objectKeys } from '@mooring/contracts';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import type { TextBucket } from './bucket.js';
import { type ClaimCertificate, createClaimCertificate, reviveClaimCertificate } from './claim.js';

/** The claim certificates that are not withdrawn, `claims/claims.json` of the bootstrap bucket. */
const ClaimIndex = z.object({
  /** The one that new images get. */
  current: z.string(),
  claims: z.array(z.object({ certificateId: z.string(), created: z.string() })),
});
type ClaimIndex = z.infer<typeof ClaimIndex>;

/** A claim certificate that devices may still hold. */
export interface ListedClaim {
  readonly certificateId: string;
  /** ISO 8601. */
  readonly created: string;
  readonly current: boolean;
  /** As AWS IoT has it: `ACTIVE`, or `MISSING` when it is not there any more. */
  readonly status: string;
}

/** The claim in force. */
export interface CurrentClaim extends ClaimCertificate {
  /** Whether it was made now. */
  readonly made: boolean;
}

/**
 * The claim certificates of a cloud: made once, kept over destruction and redeployment of the infrastructure in the
 * bootstrap bucket, replaced by rotation, gone by withdrawal.
 */
export class Claims {
  constructor(
    private readonly iot: IoTClient,
    /** The bootstrap bucket. */
    private readonly kept: TextBucket,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /**
   * The claim that new images get; a new one when there is none that works. All that are not withdrawn get their
   * policy back, as a destroyed infrastructure took it.
   *
   * @param handedOut claim that is handed out already, to be taken over when none is kept.
   */
  async current(handedOut?: { certificatePem: string; privateKeyPem: string }): Promise<CurrentClaim> {
    const index = (await this.#index()) ?? (await this.#adopt(handedOut));
    const works = new Set<string>();
    for (const { certificateId } of index?.claims ?? []) {
      if (await reviveClaimCertificate(this.iot, certificateId)) works.add(certificateId);
    }
    if (index && works.has(index.current)) {
      const found = await this.#read(index.current);
      if (found) return { ...found, made: false };
    }
    return this.rotate();
  }

  /** Makes a new claim certificate, for images that are built from now on; the others stay valid. */
  async rotate(): Promise<CurrentClaim> {
    const claim = await createClaimCertificate(this.iot);
    await this.#keep(claim, (await this.#index())?.claims ?? []);
    return { ...claim, made: true };
  }

  async list(): Promise<ListedClaim[]> {
    const index = await this.#index();
    return Promise.all(
      (index?.claims ?? []).map(async ({ certificateId, created }) => ({
        certificateId,
        created,
        current: certificateId === index?.current,
        status: await this.#status(certificateId),
      })),
    );
  }

  /**
   * Ends a claim certificate: devices whose image has it cannot join any more. Those that have joined keep their own.
   *
   * @param wanted the certificate's id, or its beginning.
   * @returns the id.
   * @throws MooringError `UnknownClaim`, `CurrentClaim`
   */
  async withdraw(wanted: string): Promise<string> {
    const index = await this.#index();
    const [claim, another] = (index?.claims ?? []).filter(({ certificateId }) =>
      certificateId.startsWith(wanted),
    );
    if (!index || !claim || another || wanted === '') {
      throw new MooringError(
        'UnknownClaim',
        `There is ${another ? 'more than one claim certificate' : 'no claim certificate'} ${wanted}: see \`mooring claim list\``,
      );
    }
    const { certificateId } = claim;
    if (certificateId === index.current) {
      throw new MooringError(
        'CurrentClaim',
        `The claim certificate ${certificateId} is the one that new images get: run \`mooring claim rotate\` first`,
      );
    }
    await this.#end(certificateId);
    await this.kept.put(
      objectKeys.claimIndex,
      textOf({ ...index, claims: index.claims.filter((one) => one !== claim) }),
    );
    return certificateId;
  }

  /** Ends all of them, the current one too. @returns their ids. */
  async withdrawAll(): Promise<string[]> {
    const index = await this.#index();
    const ids = (index?.claims ?? []).map(({ certificateId }) => certificateId);
    for (const id of ids) await this.#end(id);
    if (index) await this.kept.delete(objectKeys.claimIndex);
    return ids;
  }

  async #index(): Promise<ClaimIndex | undefined> {
    const text = await this.kept.get(objectKeys.claimIndex);
    if (text === undefined) return undefined;
    try {
      return ClaimIndex.parse(JSON.parse(text));
    } catch (error) {
      throw new MooringError(
        'ClaimIndex',
        `${objectKeys.claimIndex} of the bootstrap bucket is not readable: restore its previous version`,
        { cause: error },
      );
    }
  }

  async #adopt(
    handedOut: { certificatePem: string; privateKeyPem: string } | undefined,
  ): Promise<ClaimIndex | undefined> {
    if (handedOut === undefined) return undefined;
    const certificateId = certificateIdOf(handedOut.certificatePem);
    return this.#keep({ ...handedOut, certificateId }, []);
  }

  /** The index last: it alone says that there is a claim. */
  async #keep(claim: ClaimCertificate, others: ClaimIndex['claims']): Promise<ClaimIndex> {
    const { certificateId } = claim;
    await this.kept.put(objectKeys.keptClaimPrivateKey(certificateId), claim.privateKeyPem);
    await this.kept.put(objectKeys.keptClaimCertificate(certificateId), claim.certificatePem);
    const index = {
      current: certificateId,
      claims: [...others, { certificateId, created: this.now().toISOString() }],
    };
    await this.kept.put(objectKeys.claimIndex, textOf(index));
    return index;
  }

  async #read(certificateId: string): Promise<ClaimCertificate | undefined> {
    const certificatePem = await this.kept.get(objectKeys.keptClaimCertificate(certificateId));
    const privateKeyPem = await this.kept.get(objectKeys.keptClaimPrivateKey(certificateId));
    if (certificatePem === undefined || privateKeyPem === undefined) return undefined;
    return { certificateId, certificatePem, privateKeyPem };
  }

  async #status(certificateId: string): Promise<string> {
    const described = await unlessGone(this.iot.send(new DescribeCertificateCommand({ certificateId })));
    return described?.certificateDescription?.status ?? 'MISSING';
  }

  /** Revoked first: whatever interrupts this, nobody joins with it any more. */
  async #end(certificateId: string): Promise<void> {
    const described = await unlessGone(this.iot.send(new DescribeCertificateCommand({ certificateId })));
    const target = described?.certificateDescription?.certificateArn;
    if (target !== undefined) {
      await this.iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' }));
      for await (const page of paginateListAttachedPolicies({ client: this.iot }, { target })) {
        for (const { policyName } of page.policies ?? []) {
          await this.iot.send(new DetachPolicyCommand({ policyName, target }));
        }
      }
      await unlessGone(this.iot.send(new DeleteCertificateCommand({ certificateId, forceDelete: true })));
    }
    await this.kept.delete(objectKeys.keptClaimPrivateKey(certificateId));
    await this.kept.delete(objectKeys.keptClaimCertificate(certificateId));
  }
}

/** AWS IoT's certificate id: the SHA-256 fingerprint of the certificate, in lower-case hex. */
function certificateIdOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

function textOf(index: ClaimIndex): string {
  return `${JSON.stringify(index, null, 2)}\n`;
}

async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

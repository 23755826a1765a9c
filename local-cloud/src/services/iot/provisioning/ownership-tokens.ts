import { createHash, randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../../../clock.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import type { Certificates } from '../registry/certificates.js';
import { secondParts, type Tables } from '../tables.js';

/** How long a certificate's ownership can be proven (AWS IoT developer guide, "Device provisioning MQTT API"). */
const LIFE = 60 * 60 * 1000;

/**
 * Tokens that prove, for an hour, that a device was given a certificate. When one expires whose certificate was
 * neither activated nor attached to anything, the certificate is deleted, as AWS IoT deletes it.
 */
export class OwnershipTokens {
  #timer: Timer | undefined;

  constructor(
    private readonly tables: Tables,
    private readonly changes: Changes,
    private readonly arns: IotArns,
    private readonly clock: Clock,
    private readonly certificates: Certificates,
  ) {
    this.#schedule();
  }

  /** Makes a token; in the transaction that registers the certificate. */
  issue(certificateId: string): string {
    const token = randomBytes(256).toString('base64url');
    this.tables.ownershipTokens.put(digest(token), { certificateId, expires: this.clock.now() + LIFE });
    if (!this.#timer) this.#wake(LIFE);
    return token;
  }

  /** The certificate that a token stands for, or undefined when the token was never issued or has expired. */
  certificateOf(token: string): string | undefined {
    const record = this.tables.ownershipTokens.get(digest(token));
    return record && record.expires > this.clock.now() ? record.certificateId : undefined;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = undefined;
    let next: number | undefined;
    for (const [, { expires }] of this.tables.ownershipTokens.entries()) {
      if (next === undefined || expires < next) next = expires;
    }
    if (next !== undefined) this.#wake(Math.max(0, next - this.clock.now()));
  }

  #wake(delay: number): void {
    this.#timer = this.clock.after(delay, () => {
      this.#sweep();
      this.#schedule();
    });
  }

  #sweep(): void {
    const { tables, changes, arns, certificates } = this;
    const now = this.clock.now();
    changes.transaction(() => {
      for (const [name, { certificateId, expires }] of [...tables.ownershipTokens.entries()]) {
        if (expires > now) continue;
        tables.ownershipTokens.delete(name);
        const certificate = tables.certificates.get(certificateId);
        if (certificate?.status !== 'PENDING_ACTIVATION') continue;
        const arn = arns.certificate(certificateId);
        const attached =
          !secondParts(tables.principalThings, arn).next().done ||
          !secondParts(tables.targetPolicies, arn).next().done;
        if (!attached) certificates.remove(certificate);
      }
    });
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

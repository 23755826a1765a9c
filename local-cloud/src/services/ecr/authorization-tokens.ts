import { z } from 'zod';
import type { Clock } from '../../clock.js';
import { AwsError } from '../../errors.js';
import type { Principal } from '../../service.js';
import type { TextSigner } from './signed-text.js';

/** How long a token lets its holder in, in milliseconds (API reference, GetAuthorizationToken: 12 hours). */
const LIFETIME = 12 * 60 * 60 * 1000;

const content = z.object({
  principal: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('account'), arn: z.string() }),
    z.object({ kind: z.literal('role'), arn: z.string(), roleName: z.string(), sessionName: z.string() }),
    z.object({ kind: z.literal('certificate'), arn: z.string(), certificateId: z.string() }),
    z.object({ kind: z.literal('anonymous'), arn: z.literal('') }),
  ]),
  expires: z.number(),
});

/** Tokens with which a principal is let into the registry by clients that cannot sign requests. */
export class AuthorizationTokens {
  constructor(
    private readonly signer: TextSigner,
    private readonly clock: Clock,
  ) {}

  /** A token as the API gives it out: user name and password in base64, and when it expires. */
  issue(principal: Principal): { authorizationToken: string; expires: number } {
    const expires = this.clock.now() + LIFETIME;
    const password = this.signer.sign(JSON.stringify({ principal, expires }));
    return { authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'), expires };
  }

  /**
   * The principal that a token of basic authentication (RFC 7617) stands for; undefined when it is none of ours.
   *
   * @throws AwsError `DENIED` when it has expired.
   */
  principalOf(authorization: string | undefined): Principal | undefined {
    const encoded = /^basic +([A-Za-z0-9+/_=-]+) *$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined) return undefined;
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    if (!text.startsWith('AWS:')) return undefined;
    const signed = this.signer.verify(text.slice('AWS:'.length));
    if (signed === undefined) return undefined;
    const { principal, expires } = content.parse(JSON.parse(signed));
    if (expires > this.clock.now()) return principal;
    throw new AwsError('DENIED', 'Your authorization token has expired. Reauthenticate and try again.', 403);
  }
}

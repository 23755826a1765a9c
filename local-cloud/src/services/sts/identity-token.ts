import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { z } from 'zod';

/** A JSON Web Token (RFC 7519) in compact form (RFC 7515, section 7.1), its signature not looked at yet. */
export interface IdentityToken {
  readonly header: z.infer<typeof Header>;
  readonly payload: unknown;
  /** What is signed. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** Keys that an issuer signs with. */
export type SigningKeys = readonly SigningKey[];

/** A JSON Web Key (RFC 7517), as far as it is looked at here. */
export const SigningKey = z.looseObject({
  kty: z.string(),
  kid: z.string().optional(),
  use: z.string().optional(),
  alg: z.string().optional(),
});
type SigningKey = z.infer<typeof SigningKey>;

const Header = z.object({ alg: z.string(), kid: z.string().optional() });

const Claims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  aud: z.union([z.string(), z.array(z.string()).min(1)]),
  azp: z.string().optional(),
  /** Seconds since 1970. */
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
});
/** The claims that STS requires and looks at (IAM user guide, "Create an OpenID Connect identity provider"). */
export type Claims = z.infer<typeof Claims>;

/** Signature algorithms that STS takes, by their names in RFC 7518, with their digests. */
const ALGORITHMS: Readonly<Record<string, { kty: 'RSA' | 'EC'; digest: string; curve?: string }>> = {
  RS256: { kty: 'RSA', digest: 'sha256' },
  RS384: { kty: 'RSA', digest: 'sha384' },
  RS512: { kty: 'RSA', digest: 'sha512' },
  ES256: { kty: 'EC', digest: 'sha256', curve: 'P-256' },
  ES384: { kty: 'EC', digest: 'sha384', curve: 'P-384' },
  ES512: { kty: 'EC', digest: 'sha512', curve: 'P-521' },
};

/** Reads a token; undefined when it is none. */
export function decodeToken(text: string): IdentityToken | undefined {
  const parts = text.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  const parsed = Header.safeParse(jsonOf(header));
  if (!parsed.success) return undefined;
  return {
    header: parsed.data,
    payload: jsonOf(payload),
    signed: `${header}.${payload}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** The claims of a token; undefined when it lacks one, or one is malformed. */
export function claimsOf({ payload }: IdentityToken): Claims | undefined {
  return Claims.safeParse(payload).data;
}

/** Whether one of the keys made the token's signature, by the algorithm that the token names and the key is for. */
export function isSigned({ header, signed, signature }: IdentityToken, keys: SigningKeys): boolean {
  const algorithm = Object.hasOwn(ALGORITHMS, header.alg) ? ALGORITHMS[header.alg] : undefined;
  if (!algorithm) return false;
  const fits = keys.filter(
    ({ kid, kty, use = 'sig', alg = header.alg, crv }) =>
      (header.kid === undefined || kid === header.kid) &&
      kty === algorithm.kty &&
      use === 'sig' &&
      alg === header.alg &&
      (algorithm.curve === undefined || crv === algorithm.curve),
  );
  return fits.some((key) => {
    try {
      const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
      const data = Buffer.from(signed);
      return verify(algorithm.digest, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false;
    }
  });
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

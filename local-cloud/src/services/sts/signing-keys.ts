import { z } from 'zod';
import { isLoopback } from '../iam/oidc-providers.js';
import { SigningKey, type SigningKeys } from './identity-token.js';

/** The issuer could not be asked, or answered nonsense. */
export class SigningKeysError extends Error {
  override readonly name = 'SigningKeysError';
}

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const KeySet = z.object({ keys: z.array(SigningKey).max(100) });

/** Milliseconds that an issuer has for an answer, and bytes that it may have. */
const LIMITS = { time: 5000, bytes: 256 * 1024 } as const;

/**
 * Asks an issuer on this machine for its keys (OpenID Connect Discovery 1.0, section 4). Nothing else is asked: not
 * another host that the discovery document names, nor where a redirection leads.
 *
 * @throws SigningKeysError
 */
export async function signingKeysOf(issuer: string): Promise<SigningKeys> {
  const discovery = await fetched(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, Discovery);
  if (discovery.issuer !== issuer) {
    throw new SigningKeysError(`${issuer} says that it is ${discovery.issuer}`);
  }
  if (!isLoopback(discovery.jwks_uri)) {
    throw new SigningKeysError(`The keys of ${issuer} are not on this machine: ${discovery.jwks_uri}`);
  }
  return (await fetched(discovery.jwks_uri, KeySet)).keys;
}

async function fetched<Schema extends z.ZodType>(url: string, schema: Schema): Promise<z.infer<Schema>> {
  let text: string;
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(LIMITS.time) });
    if (!response.ok) throw new SigningKeysError(`${url} answered with HTTP ${response.status}`);
    text = await limited(response);
  } catch (error) {
    if (error instanceof SigningKeysError) throw error;
    throw new SigningKeysError(`${url} cannot be reached`, { cause: error });
  }
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new SigningKeysError(`${url} did not answer as OpenID Connect Discovery has it`);
}

async function limited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > LIMITS.bytes)
      throw new SigningKeysError(`${response.url} answers more than ${LIMITS.bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

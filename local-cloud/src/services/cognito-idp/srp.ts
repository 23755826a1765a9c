import {
  createHash,
  createHmac,
  getDiffieHellman,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/**
 * The Secure Remote Password protocol (SRP-6a, RFC 2945 and RFC 5054) as Amazon Cognito has it: the 3072-bit prime of
 * RFC 3526, section 5, generator 2, SHA-256, and a key of HKDF (RFC 5869) that signs the claim to know the password.
 */
const PRIME = getDiffieHellman('modp15').getPrime();
const N = toNumber(PRIME);
const G = 2n;
const K = toNumber(sha256(padded(N), padded(G)));
const KEY_INFO = 'Caldera Derived Key';

/** What is kept of a password: it cannot be told from it, but it can be checked. */
export interface Verifier {
  /** Hexadecimal. */
  readonly salt: string;
  /** Hexadecimal. */
  readonly verifier: string;
}

/** What the server says and keeps in the middle of the exchange. */
export interface ServerHalf {
  /** Public value B, hexadecimal. */
  readonly publicValue: string;
  /** Secret value b, hexadecimal. */
  readonly secret: string;
}

/**
 * Makes the verifier of a password.
 *
 * @param pool name of the user pool: its id behind the `_`.
 */
export function makeVerifier(pool: string, username: string, password: string): Verifier {
  const salt = randomBytes(16).toString('hex');
  return { salt, verifier: verifierOf(pool, username, password, salt) };
}

/** Whether a password is the one that the verifier was made of. */
export function isPassword(
  pool: string,
  username: string,
  password: string,
  { salt, verifier }: Verifier,
): boolean {
  const [a, b] = [verifierOf(pool, username, password, salt), verifier].map((text) =>
    sha256(Buffer.from(text)),
  );
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

function verifierOf(pool: string, username: string, password: string, salt: string): string {
  const identity = sha256(Buffer.from(`${pool}${username}:${password}`));
  const x = toNumber(sha256(padded(toNumber(Buffer.from(salt, 'hex'))), identity));
  return power(G, x).toString(16);
}

/** Whether a client's public value A may be used: hexadecimal, and not a multiple of N (RFC 5054, section 2.5.4). */
export function isPublicValue(text: string): boolean {
  return /^[0-9a-fA-F]{1,1024}$/.test(text) && BigInt(`0x${text}`) % N !== 0n;
}

/** The server's half of an exchange. */
export function serverHalf({ verifier }: Verifier): ServerHalf {
  const secret = randomBytes(32);
  const publicValue = (K * BigInt(`0x${verifier}`) + power(G, toNumber(secret))) % N;
  return { publicValue: publicValue.toString(16), secret: secret.toString('hex') };
}

/**
 * Whether the signature of a claim proves the password.
 *
 * @param clientPublicValue A, checked before with {@link isPublicValue}.
 * @param signature HMAC-SHA-256 over the pool's name, the user's id, the secret block and the time, in Base64.
 */
export function isClaimProven(
  claim: {
    readonly pool: string;
    readonly username: string;
    readonly secretBlock: Buffer;
    readonly timestamp: string;
    readonly signature: string;
  },
  clientPublicValue: string,
  { verifier }: Verifier,
  half: ServerHalf,
): boolean {
  const [a, b] = [BigInt(`0x${clientPublicValue}`), BigInt(`0x${half.publicValue}`)];
  const u = toNumber(sha256(padded(a), padded(b)));
  const shared = power((a * power(BigInt(`0x${verifier}`), u)) % N, BigInt(`0x${half.secret}`));
  const key = Buffer.from(hkdfSync('sha256', padded(shared), padded(u), KEY_INFO, 16));
  const expected = createHmac('sha256', key)
    .update(claim.pool)
    .update(claim.username)
    .update(claim.secretBlock)
    .update(claim.timestamp)
    .digest();
  const given = Buffer.from(claim.signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** base^exponent mod N. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % N;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
}

/** Big endian, with a zero in front where the highest bit is set, as a signed number is written. */
function padded(number: bigint): Buffer {
  const hex = number.toString(16);
  const even = hex.length % 2 === 1 ? `0${hex}` : hex;
  return Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, 'hex');
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

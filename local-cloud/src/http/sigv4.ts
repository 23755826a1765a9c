import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.js';
import { AwsError } from '../errors.js';
import type { Principal } from '../service.js';
import type { HttpRequest } from './messages.js';

/** Credentials that were issued here: by STS, the credentials provider, or CreateAccessKey. */
export interface IssuedCredentials {
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  /** Milliseconds since 1970; undefined: never. */
  readonly expiration: number | undefined;
  readonly principal: Principal;
}

/** Looks up issued credentials by their access key id. */
export type CredentialsLookup = (accessKeyId: string) => IssuedCredentials | undefined;

/** What a signature says of itself. */
export interface Signature {
  readonly accessKeyId: string;
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  /** Seconds that a presigned URL is valid for; undefined when the signature is in the header. */
  readonly expires: number | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** How far the clock of a caller may be off, in milliseconds (AWS: 15 minutes). */
const ALLOWED_SKEW = 15 * 60 * 1000;
/** How long a presigned URL may be valid, in seconds. */
const LONGEST_PRESIGNED = 7 * 24 * 60 * 60;
const EMPTY_SHA256 = createHash('sha256').digest('hex');

/**
 * Reads the AWS Signature Version 4 of a request, from its Authorization header or, of a presigned URL, from
 * its query. Returns undefined when the request is not signed.
 *
 * @throws AwsError `IncompleteSignature` when a part is missing or malformed, `InvalidRequest` when the request
 * is signed in another way, as with Signature Version 2.
 */
export function readSignature(request: HttpRequest): Signature | undefined {
  const header = request.headers.authorization;
  if (header?.startsWith(ALGORITHM)) {
    const part = (name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(header)?.[1] ?? '';
    return parse({
      credential: part('Credential'),
      signedHeaders: part('SignedHeaders'),
      signature: part('Signature'),
      timestamp: request.headers['x-amz-date'] ?? '',
      sessionToken: request.headers['x-amz-security-token'],
      expires: undefined,
    });
  }
  if (request.query.get('X-Amz-Algorithm') === ALGORITHM) {
    const expires = Number(request.query.get('X-Amz-Expires') ?? '86400');
    return parse({
      credential: request.query.get('X-Amz-Credential') ?? '',
      signedHeaders: request.query.get('X-Amz-SignedHeaders') ?? '',
      signature: request.query.get('X-Amz-Signature') ?? '',
      timestamp: request.query.get('X-Amz-Date') ?? '',
      sessionToken: request.query.get('X-Amz-Security-Token') ?? undefined,
      expires: Number.isFinite(expires) ? expires : 0,
    });
  }
  if (header !== undefined || request.query.has('X-Amz-Algorithm') || isSignedAsVersion2(request.query)) {
    throw new AwsError(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
    );
  }
  return undefined;
}

/** A presigned URL of Signature Version 2, which older SDKs make unless told otherwise. */
function isSignedAsVersion2(query: URLSearchParams): boolean {
  return query.has('AWSAccessKeyId') && query.has('Signature');
}

function parse(parts: {
  credential: string;
  signedHeaders: string;
  signature: string;
  timestamp: string;
  sessionToken: string | undefined;
  expires: number | undefined;
}): Signature {
  const scope = parts.credential.split('/');
  const [date, region, service, terminator] = scope.slice(-4);
  const accessKeyId = scope.slice(0, -4).join('/');
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request') {
    throw new AwsError(
      'IncompleteSignature',
      `Credential must have the form ACCESS_KEY/YYYYMMDD/REGION/SERVICE/aws4_request, got '${parts.credential}'`,
    );
  }
  return {
    ...parts,
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: parts.signedHeaders.split(';').filter((name) => name !== ''),
  };
}

/**
 * Finds out who signed a request. Keys that were issued here must have signed it rightly and be in force; any
 * other key is taken for the account's own, as a laptop has no IAM to ask.
 *
 * @param payloadHash SHA-256 of the body in hex, for services that do not send it as a header.
 * @throws AwsError `InvalidClientTokenId`, `ExpiredToken`, `SignatureDoesNotMatch`, and for presigned URLs
 * `AccessDenied`, `AuthorizationQueryParametersError`.
 */
export function authenticate(
  request: HttpRequest,
  signature: Signature,
  lookup: CredentialsLookup,
  account: Principal,
  clock: Clock,
  payloadHash: () => string = () => EMPTY_SHA256,
): Principal {
  const issued = lookup(signature.accessKeyId);
  if (!issued) {
    // Temporary keys come from here or from nowhere: one that is unknown was made up or has been forgotten.
    if (signature.accessKeyId.startsWith('ASIA')) {
      throw new AwsError(
        'InvalidClientTokenId',
        'The security token included in the request is invalid',
        403,
      );
    }
    checkPresignedAge(signature, clock);
    return account;
  }
  if (issued.sessionToken !== undefined && issued.sessionToken !== signature.sessionToken) {
    throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid', 403);
  }
  if (issued.expiration !== undefined && issued.expiration <= clock.now()) {
    throw new AwsError('ExpiredToken', 'The security token included in the request is expired', 403);
  }
  checkPresignedAge(signature, clock);
  if (signature.expires === undefined && Math.abs(clock.now() - timeOf(signature)) > ALLOWED_SKEW) {
    throw new AwsError(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large',
      403,
    );
  }
  const expected = sign(request, signature, issued.secretAccessKey, payloadHash);
  const given = Buffer.from(signature.signature);
  if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected))) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
      403,
    );
  }
  return issued.principal;
}

/** What a presigned URL is made of; it gets the object or resource that `url` names. */
export interface PresignOptions {
  readonly url: URL;
  readonly region: string;
  /** Name of the service in the credential scope. */
  readonly service: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
  /** Seconds that it is valid for. */
  readonly expires: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A URL that whoever has it can GET with the rights of the credentials (Signature Version 4, query parameters). */
export function presignUrl({ url, region, service, credentials, expires, now }: PresignOptions): string {
  const timestamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const parameters = [
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${accessKeyId}/${date}/${region}/${service}/aws4_request`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', String(expires)],
    ['X-Amz-Security-Token', sessionToken],
    ['X-Amz-SignedHeaders', 'host'],
  ] as const;
  const rawQuery = parameters.map(([name, value]) => `${name}=${encode(value)}`).join('&');
  const request = { method: 'GET', path: url.pathname, rawQuery, headers: { host: url.host } };
  const signed = { timestamp, date, region, service, signedHeaders: ['host'], expires };
  const signature = sign(request, signed, secretAccessKey, () => EMPTY_SHA256);
  return `${url.origin}${url.pathname}?${rawQuery}&X-Amz-Signature=${signature}`;
}

/** @throws AwsError when a presigned URL is too old, or would be valid for longer than AWS allows. */
function checkPresignedAge(signature: Signature, clock: Clock): void {
  if (signature.expires === undefined) return;
  if (signature.expires < 0 || signature.expires > LONGEST_PRESIGNED) {
    throw new AwsError(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires must be between 0 and a week (in seconds), that is ${LONGEST_PRESIGNED}`,
    );
  }
  if (timeOf(signature) + signature.expires * 1000 < clock.now()) {
    throw new AwsError('AccessDenied', 'Request has expired', 403);
  }
}

function timeOf(signature: Signature): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(signature.timestamp);
  if (!match) throw new AwsError('IncompleteSignature', `'${signature.timestamp}' is not a signing time`);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** What of a request a signature covers, besides its body. */
type SignedRequest = Pick<HttpRequest, 'method' | 'path' | 'rawQuery' | 'headers'>;
/** What a signature says of itself that goes into it. */
type SignedPart = Pick<Signature, 'timestamp' | 'date' | 'region' | 'service' | 'signedHeaders' | 'expires'>;

/** The signature that the key gives (AWS Signature Version 4, steps 1 to 3). */
function sign(
  request: SignedRequest,
  signature: SignedPart,
  secretAccessKey: string,
  payloadHash: () => string,
): string {
  const scope = `${signature.date}/${signature.region}/${signature.service}/aws4_request`;
  const canonical = [
    request.method,
    canonicalPath(request.path, signature.service),
    canonicalQuery(request.rawQuery, signature.service),
    ...signature.signedHeaders.map(
      (name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}`,
    ),
    '',
    signature.signedHeaders.join(';'),
    hashedPayload(request, signature, payloadHash),
  ].join('\n');
  const toSign = [
    ALGORITHM,
    signature.timestamp,
    scope,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const signingKey = [signature.date, signature.region, signature.service, 'aws4_request'].reduce<
    string | Buffer
  >((previous, part) => createHmac('sha256', previous).update(part).digest(), `AWS4${secretAccessKey}`);
  return createHmac('sha256', signingKey).update(toSign).digest('hex');
}

function hashedPayload(request: SignedRequest, signature: SignedPart, payloadHash: () => string): string {
  const header = request.headers['x-amz-content-sha256'];
  if (header !== undefined) return header;
  if (signature.expires !== undefined && signature.service === 's3') return 'UNSIGNED-PAYLOAD';
  return payloadHash();
}

/** S3 signs the path as it is sent; all other services normalize it and encode it once more. */
function canonicalPath(path: string, service: string): string {
  if (service === 's3') return path;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function canonicalQuery(rawQuery: string, service: string): string {
  return (
    rawQuery
      .split('&')
      .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
      // The MQTT gateway's callers add the session token behind the signature (AWS IoT developer guide, MQTT over WebSocket).
      .filter((pair) => service !== 'iotdevicegateway' || !pair.startsWith('X-Amz-Security-Token='))
      .map((pair) => {
        const [name = '', ...value] = pair.split('=');
        return [encode(decode(name)), encode(decode(value.join('=')))] as const;
      })
      .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return text;
  }
}

/** Percent-encoding of RFC 3986, which is stricter than JavaScript's. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

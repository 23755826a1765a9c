import { createHash } from 'node:crypto';
import { AwsError } from '../../errors.js';
import type { HttpRequest } from '../../http/messages.js';
import { AwsChunkedDecoder } from './aws-chunked.js';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumAlgorithm, startChecksum } from './checksum.js';

type IncomingBody = Pick<HttpRequest, 'headers' | 'body'>;

/** What is known of a body when it has been read and found to be what the caller declared. */
export interface BodySums {
  readonly size: number;
  readonly md5: Buffer;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

/**
 * A request's body, decoded and checked against all that the caller declared of it: length, `Content-MD5`,
 * `x-amz-content-sha256`, and an `x-amz-checksum-*` header or trailer.
 */
export interface RequestBody {
  /**
   * The body in parts; the iteration fails behind the last of them when a declaration does not hold, so what
   * was made of the parts must be given up then.
   *
   * @throws AwsError `BadDigest`, `XAmzContentSHA256Mismatch`, `IncompleteBody`, `InvalidRequest`.
   */
  parts(): AsyncIterable<Uint8Array>;
  /** Only when the iteration has ended. */
  sums(): BodySums;
}

/**
 * Reads the declarations and prepares to read the body.
 *
 * @param alsoCompute algorithm to compute when the caller declared no checksum.
 * @throws AwsError `InvalidDigest`, `InvalidRequest` when a declaration is malformed.
 */
export function requestBody(request: IncomingBody, alsoCompute?: ChecksumAlgorithm): RequestBody {
  const { headers } = request;
  const chunked =
    headers['x-amz-content-sha256']?.startsWith('STREAMING-') ||
    (headers['content-encoding'] ?? '').split(',').some((coding) => coding.trim() === 'aws-chunked');
  const decoder = chunked ? new AwsChunkedDecoder() : undefined;
  const length = declaredLength(headers, decoder !== undefined);
  const declaredMd5 = declaredDigest(headers['content-md5']);
  const declaredSha256 = /^[0-9a-f]{64}$/.exec(headers['x-amz-content-sha256'] ?? '')?.[0];
  const declared = declaredChecksum(headers);
  const algorithm = declared?.algorithm ?? alsoCompute;
  const md5 = createHash('md5');
  const sha256 = declaredSha256 === undefined ? undefined : createHash('sha256');
  const checksum = algorithm && startChecksum(algorithm);
  let size = 0;
  let sums: BodySums | undefined;

  function take(part: Uint8Array): void {
    size += part.length;
    if (length !== undefined && size > length) throw incomplete();
    md5.update(part);
    sha256?.update(part);
    checksum?.update(part);
  }

  function finish(): void {
    decoder?.end();
    if (length !== undefined && size !== length) throw incomplete();
    const computedMd5 = md5.digest();
    if (declaredMd5 && !computedMd5.equals(declaredMd5)) {
      throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    if (sha256 && sha256.digest('hex') !== declaredSha256) {
      throw new AwsError(
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
    const value = checksum?.digest().toString('base64');
    if (declared) {
      const wanted = declared.value ?? decoder?.trailers.get(checksumHeader(declared.algorithm));
      if (wanted === undefined) {
        throw new AwsError(
          'MalformedTrailerError',
          'The request contained trailing data that was not well-formed.',
        );
      }
      if (wanted !== value) {
        throw new AwsError(
          'BadDigest',
          `The ${declared.algorithm} you specified did not match the calculated checksum.`,
        );
      }
    }
    sums = { size, md5: computedMd5, checksum: algorithm && value ? { algorithm, value } : undefined };
  }

  return {
    async *parts() {
      for await (const bytes of received(request)) {
        for (const part of decoder ? decoder.push(bytes) : [bytes]) {
          take(part);
          yield part;
        }
      }
      finish();
    },
    sums() {
      if (!sums) throw new Error('the sums of a request body were asked for before it was read');
      return sums;
    },
  };
}

/** A body that is a document, whole; the same checks hold. */
export async function wholeBody(request: HttpRequest, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of requestBody(request).parts()) {
    size += part.length;
    if (size > limit) {
      throw new AwsError('MaxMessageLengthExceeded', 'Your request was too big.', 400);
    }
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

/** Whether a request says how long its body is, which S3 demands of objects. */
export function hasDeclaredLength({ headers }: HttpRequest): boolean {
  return headers['content-length'] !== undefined || headers['x-amz-decoded-content-length'] !== undefined;
}

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

async function* received(request: IncomingBody): AsyncIterable<Uint8Array> {
  try {
    for await (const bytes of request.body as AsyncIterable<Uint8Array>) yield bytes;
  } catch {
    throw incomplete();
  }
}

function declaredLength(headers: HttpRequest['headers'], chunked: boolean): number | undefined {
  const text = chunked ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new AwsError('InvalidArgument', `'${text}' is not a content length`);
  }
  return Number(text);
}

function declaredDigest(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 16) throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  return bytes;
}

function declaredChecksum(
  headers: HttpRequest['headers'],
): { algorithm: ChecksumAlgorithm; value: string | undefined } | undefined {
  const inHeaders = CHECKSUM_ALGORITHMS.filter(
    (algorithm) => headers[checksumHeader(algorithm)] !== undefined,
  );
  if (inHeaders.length > 1) {
    throw new AwsError(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const [algorithm] = inHeaders;
  if (algorithm) {
    const value = headers[checksumHeader(algorithm)] ?? '';
    if (Buffer.from(value, 'base64').length !== startChecksum(algorithm).digest().length) {
      throw new AwsError('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`);
    }
    return { algorithm, value };
  }
  const trailer = (headers['x-amz-trailer'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  for (const name of trailer) {
    if (!name.startsWith('x-amz-checksum-')) continue;
    const found = checksumAlgorithm(name.slice('x-amz-checksum-'.length));
    if (!found)
      throw new AwsError(
        'InvalidRequest',
        `The checksum of the trailer ${name} is not built in the local cloud`,
      );
    return { algorithm: found, value: undefined };
  }
  return undefined;
}

function incomplete(): AwsError {
  return new AwsError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  );
}

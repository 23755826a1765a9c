import type { CORSRule } from '@aws-sdk/client-s3';
import { AwsError } from '../../errors.js';
import type { HttpRequest, HttpResponse } from '../../http/messages.js';
import { matchesOrigin } from '../../http/origin-pattern.js';
import { withVary } from '../../http/vary.js';
import { addressOf } from './addressing.js';
import type { BucketStore } from './bucket-store.js';

/** What buckets tell browsers of pages of other origins (S3 user guide, "Using cross-origin resource sharing"). */
export interface BucketCors {
  /**
   * The answer to a request by which a browser asks whether it may send another one; undefined when it is none, or
   * is not about a bucket. Nobody has to sign it.
   *
   * @throws AwsError `AccessForbidden` when the bucket does not allow the request, `BadRequest`.
   */
  preflight(request: HttpRequest): HttpResponse | undefined;
  /** An answer with the headers that let pages of an allowed origin read it. */
  shared(request: HttpRequest, response: HttpResponse): HttpResponse;
}

type CorsRequest = Pick<HttpRequest, 'method' | 'headers'>;

const ASKED_BY = ['Origin', 'Access-Control-Request-Headers', 'Access-Control-Request-Method'];

export function bucketCors(buckets: BucketStore): BucketCors {
  return {
    preflight(request) {
      const { method, headers } = request;
      const { bucket: name, path } = addressOf(request);
      if (method !== 'OPTIONS' || name === undefined) return undefined;
      const { origin, 'access-control-request-method': wanted } = headers;
      if (origin === undefined) {
        throw new AwsError('BadRequest', 'Insufficient information. Origin request header needed.');
      }
      if (wanted === undefined) {
        throw new AwsError('BadRequest', 'Invalid Access-Control-Request-Method: null');
      }
      const about = { Method: wanted, ResourceType: path === '/' ? 'BUCKET' : 'OBJECT' };
      const refused = (why: string) => new AwsError('AccessForbidden', `CORSResponse: ${why}`, 403, about);
      const bucket = buckets.find(name);
      if (!bucket) throw refused('Bucket not found');
      if (!bucket.cors) throw refused('CORS is not enabled for this bucket.');
      const answer = corsHeaders(bucket.cors, { ...request, method: wanted }, headersAsked(request));
      if (!answer) {
        throw refused(
          "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        );
      }
      return { status: 200, headers: { ...answer, vary: varyOf(undefined) } };
    },
    shared(request, response) {
      const { bucket: name } = addressOf(request);
      const rules = name === undefined ? undefined : buckets.find(name)?.cors;
      if (!rules || request.headers.origin === undefined) return response;
      const added = corsHeaders(rules, request, []);
      const headers = { ...response.headers, ...added, vary: varyOf(response.headers.vary) };
      return { ...response, headers };
    },
  };
}

/**
 * The headers by the first rule that allows the request; undefined: none does.
 *
 * @param asked headers that the request is to have, in lower case.
 */
export function corsHeaders(
  rules: readonly CORSRule[],
  { method, headers }: CorsRequest,
  asked: readonly string[],
): Record<string, string> | undefined {
  const { origin = '' } = headers;
  for (const rule of rules) {
    const allowedHeaders = rule.AllowedHeaders ?? [];
    const allows =
      (rule.AllowedMethods ?? []).includes(method) &&
      asked.every((name) => allowedHeaders.some((pattern) => matchesHeader(pattern, name)));
    const pattern = allows
      ? (rule.AllowedOrigins ?? []).find((one) => matchesOrigin(one, origin))
      : undefined;
    if (pattern === undefined) continue;
    const exposed = rule.ExposeHeaders ?? [];
    return {
      'access-control-allow-origin': pattern === '*' ? '*' : origin,
      ...(pattern !== '*' && { 'access-control-allow-credentials': 'true' }),
      'access-control-allow-methods': (rule.AllowedMethods ?? []).join(', '),
      ...(asked.length > 0 && { 'access-control-allow-headers': asked.join(', ') }),
      ...(exposed.length > 0 && { 'access-control-expose-headers': exposed.join(', ') }),
      ...(rule.MaxAgeSeconds !== undefined && { 'access-control-max-age': String(rule.MaxAgeSeconds) }),
    };
  }
  return undefined;
}

function headersAsked({ headers }: HttpRequest): string[] {
  return (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

/** One `*` stands for any characters; case does not count. */
function matchesHeader(pattern: string, name: string): boolean {
  const [before = '', after] = pattern.toLowerCase().split('*');
  if (after === undefined) return name === before;
  return name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after);
}

function varyOf(vary: string | undefined): string {
  return ASKED_BY.reduce<string | undefined>(withVary, vary) ?? '';
}

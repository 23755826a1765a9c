import { randomBytes } from 'node:crypto';
import type { HttpRequest } from '../../../http/messages.js';

/** What an event says of a request besides what the client sent. */
export interface EventOrigin {
  readonly urlId: string;
  readonly region: string;
  readonly requestId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who signed the request; undefined when the URL asks nobody who they are. */
  readonly caller?: EventCaller;
}

/** `requestContext.authorizer.iam`. */
export interface EventCaller {
  readonly accessKey: string;
  readonly accountId: string;
  readonly callerId: string;
  readonly userArn: string;
  readonly userId: string;
}

/** Headers that are of the connection, not of the request. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding']);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * The event that a function gets for a request to its URL (Lambda developer guide, "Invoking Lambda function URLs":
 * payload format version 2.0).
 *
 * @param request its `path` is the one below the URL.
 */
export function urlEvent(
  request: Pick<HttpRequest, 'method' | 'path' | 'rawQuery' | 'headers' | 'sourceIp'>,
  body: Uint8Array,
  origin: EventOrigin,
) {
  const { method, path, rawQuery, headers, sourceIp } = request;
  const { urlId, caller } = origin;
  const query = queryParameters(rawQuery);
  const cookies = cookiesOf(headers.cookie);
  const isText = isTextual(headers['content-type']);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: rawQuery,
    ...(cookies.length > 0 && { cookies }),
    headers: eventHeaders(request, origin.now),
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    requestContext: {
      accountId: caller?.accountId ?? 'anonymous',
      apiId: urlId,
      ...(caller && { authorizer: { iam: { ...caller, cognitoIdentity: null, principalOrgId: null } } }),
      // As on AWS, although it leads nowhere here: what is told to the function does not depend on its caller.
      domainName: `${urlId}.lambda-url.${origin.region}.on.aws`,
      domainPrefix: urlId,
      http: {
        method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: origin.requestId,
      routeKey: '$default',
      stage: '$default',
      time: clfTime(origin.now),
      timeEpoch: origin.now,
    },
    ...(body.length > 0 && { body: Buffer.from(body).toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** Values of a query string by their names, decoded; those of a repeated name joined by commas. */
export function queryParameters(rawQuery: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(values);
}

function cookiesOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '');
}

/** Whether a body of that type is given to the function as text; forms are not. */
export function isTextual(contentType: string | undefined): boolean {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  return /^(text\/.+|application\/(json|xml|javascript|.+\+json|.+\+xml))$/.test(type.trim());
}

/** The headers as they were sent, but cookies, which have a place of their own; and those that AWS adds. */
function eventHeaders(
  { headers, sourceIp }: Pick<HttpRequest, 'headers' | 'sourceIp'>,
  now: number,
): Record<string, string> {
  const sent = Object.entries(headers).filter(([name]) => name !== 'cookie' && !OF_CONNECTION.has(name));
  const seconds = Math.floor(now / 1000)
    .toString(16)
    .padStart(8, '0');
  return {
    ...Object.fromEntries(sent),
    'x-amzn-trace-id': headers['x-amzn-trace-id'] ?? `Root=1-${seconds}-${randomBytes(12).toString('hex')}`,
    'x-forwarded-for': sourceIp,
    'x-forwarded-port': /:(\d+)$/.exec(headers.host ?? '')?.[1] ?? '80',
    'x-forwarded-proto': 'http',
  };
}

/** As web servers' logs have it: `12/Mar/2020:19:03:58 +0000`. */
function clfTime(now: number): string {
  const date = new Date(now);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

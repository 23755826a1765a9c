import type { Cors } from '@aws-sdk/client-lambda';
import { enumViolation } from '../../../constraints.js';
import { AwsError } from '../../../errors.js';
import type { HttpRequest } from '../../../http/messages.js';
import { assertRange, invalidValue } from '../errors.js';

/** What a function URL tells browsers of other origins. */
export interface CorsSettings {
  readonly AllowCredentials?: boolean;
  readonly AllowHeaders?: readonly string[];
  readonly AllowMethods?: readonly string[];
  readonly AllowOrigins?: readonly string[];
  readonly ExposeHeaders?: readonly string[];
  /** Seconds. */
  readonly MaxAge?: number;
}

const METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'PATCH', 'DELETE', '*'];
/** Most origins, headers and exposed headers (Lambda API reference, `Cors`). */
const MOST_ITEMS = 100;
/** Longest time for which browsers may keep the answer to a preflight request, in seconds. */
const LONGEST_AGE = 86_400;

/**
 * Checks the settings that somebody wants; an empty object, as none, is undefined.
 *
 * @throws AwsError `ValidationException`.
 */
export function checkedCors(given: Cors | undefined): CorsSettings | undefined {
  const cors = Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
  if (Object.keys(cors).length === 0) return undefined;
  const { AllowMethods = [], MaxAge } = given ?? {};
  for (const method of AllowMethods) {
    const problem = enumViolation(method, 'cors.allowMethods', METHODS);
    if (problem !== undefined) throw new AwsError('ValidationException', problem);
  }
  for (const [member, most] of [
    ['AllowHeaders', MOST_ITEMS],
    ['AllowMethods', 6],
    ['AllowOrigins', MOST_ITEMS],
    ['ExposeHeaders', MOST_ITEMS],
  ] as const) {
    const items = given?.[member] ?? [];
    const name = `cors.${member.charAt(0).toLowerCase()}${member.slice(1)}`;
    if (items.length > most) {
      throw invalidValue(name, `[${items}]`, `Member must have length less than or equal to ${most}`);
    }
    // What is no header's text can be neither asked for by a browser nor sent to it.
    const odd = items.find((item) => !/^[\x21-\x7e]{1,1024}$/.test(item));
    if (odd !== undefined) {
      throw invalidValue(name, odd, 'Member must have length greater than or equal to 1');
    }
  }
  if (MaxAge !== undefined) assertRange('cors.maxAge', MaxAge, 0, LONGEST_AGE);
  return cors;
}

/** Whether a request is what a browser asks before it sends the request proper (Fetch standard, "CORS protocol"). */
export function isPreflight({ method, headers }: Pick<HttpRequest, 'method' | 'headers'>): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/**
 * The headers for the answer to a preflight request: those that allow it, or none of them when the origin, the
 * method or one of the headers is not allowed.
 */
export function preflightHeaders(
  cors: CorsSettings,
  headers: HttpRequest['headers'],
): Record<string, string> {
  const origin = allowedOrigin(cors, headers.origin);
  const method = headers['access-control-request-method'] ?? '';
  const wanted = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const { AllowMethods: methods = [], AllowHeaders: names = [] } = cors;
  const known = new Set(names.map((name) => name.toLowerCase()));
  const isAllowed =
    origin !== undefined &&
    (methods.includes('*') || methods.includes(method)) &&
    (known.has('*') || wanted.every((name) => known.has(name)));
  if (!isAllowed) return vary(cors);
  return {
    ...common(cors, origin),
    'access-control-allow-methods': methods.join(','),
    ...(names.length > 0 && { 'access-control-allow-headers': names.join(',') }),
    ...(cors.MaxAge !== undefined && { 'access-control-max-age': String(cors.MaxAge) }),
  };
}

/** The headers for any other answer; none that allows something when the origin is not allowed. */
export function corsHeaders(cors: CorsSettings, origin: string | undefined): Record<string, string> {
  const allowed = allowedOrigin(cors, origin);
  if (allowed === undefined) return vary(cors);
  const { ExposeHeaders: exposed = [] } = cors;
  return {
    ...common(cors, allowed),
    ...(exposed.length > 0 && { 'access-control-expose-headers': exposed.join(',') }),
  };
}

/** `*`, or the origin itself where it is one of the list; scheme, host and port have to be the same. */
function allowedOrigin({ AllowOrigins = [] }: CorsSettings, origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined;
  if (AllowOrigins.includes('*')) return '*';
  return AllowOrigins.includes(origin) ? origin : undefined;
}

function common(cors: CorsSettings, origin: string): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    ...(cors.AllowCredentials === true && { 'access-control-allow-credentials': 'true' }),
    ...vary(cors),
  };
}

/** Where the answer depends on the origin, caches have to know. */
function vary({ AllowOrigins = [] }: CorsSettings): Record<string, string> {
  return AllowOrigins.includes('*') ? {} : { vary: 'Origin' };
}

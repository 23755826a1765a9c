import type { HttpRequest, HttpResponse } from './messages.js';

/** Whether a browser asks what it may send (Fetch standard, "CORS-preflight request"). */
export function isPreflight({ method, headers }: HttpRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/**
 * Headers of requests that browsers may send from any origin: what callers without credentials send. AWS allows those
 * of signed requests too; here any signature is the account's whose key was not issued here, and a page that happens
 * to be open in a browser must not be able to act as the account.
 */
const BROWSERS_HEADERS = /^(content-type|cache-control|x-amz-target|x-amz-user-agent|amz-sdk-[a-z-]+)$/;

/** Answers the preflight of a request to a service with callers without credentials (Fetch standard, section 3.3). */
export function allowBrowsers({ headers }: HttpRequest): HttpResponse {
  const asked = (headers['access-control-request-headers'] ?? '').toLowerCase().split(/\s*,\s*/);
  return {
    status: 200,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': asked.filter((name) => BROWSERS_HEADERS.test(name)).join(','),
      'access-control-max-age': '172800',
    },
  };
}

/** Lets a page of any origin read a response. */
export function forAnyOrigin(response: HttpResponse): HttpResponse {
  return {
    ...response,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date',
      ...response.headers,
    },
  };
}

import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';
import type { HttpResponse } from '../../../http/messages.js';

/** What a function returns when it says more than the body. */
const structured = z.object({
  statusCode: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{3}$/)
        .transform(Number),
    ])
    .pipe(z.int().min(200).max(599)),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/** Headers that the server itself sends. */
const OF_SERVER = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The response that a function's result stands for (Lambda developer guide, "Response payload format"): the one that
 * it describes where it has a `statusCode`, otherwise the result itself as JSON. Undefined: it is no response.
 *
 * @param result JSON.
 */
export function urlResponse(result: string): HttpResponse | undefined {
  let value: unknown;
  try {
    value = JSON.parse(result);
  } catch {
    return undefined;
  }
  const isStructured = typeof value === 'object' && value !== null && 'statusCode' in value;
  if (!isStructured) return { status: 200, headers: { 'content-type': 'application/json' }, body: result };
  const parsed = structured.safeParse(value);
  if (!parsed.success) return undefined;
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const sent: Record<string, string> = { 'content-type': 'application/json' };
  // A cookie that is given as a header is a cookie still.
  const allCookies = [...(cookies ?? [])];
  for (const [name, text] of Object.entries(headers ?? {})) {
    const lower = name.toLowerCase();
    if (lower === 'set-cookie') allCookies.push(text);
    else if (!OF_SERVER.has(lower)) sent[lower] = text;
  }
  if (!areHeaders([...Object.entries(sent), ...allCookies.map((text) => ['set-cookie', text] as const)])) {
    return undefined;
  }
  return {
    status: statusCode,
    headers: sent,
    ...(allCookies.length > 0 && { cookies: allCookies }),
    body: isBase64Encoded ? Buffer.from(body ?? '', 'base64') : (body ?? ''),
  };
}

function areHeaders(headers: readonly (readonly [string, string])[]): boolean {
  try {
    for (const [name, value] of headers) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
}

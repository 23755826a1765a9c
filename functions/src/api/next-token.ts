import { z } from 'zod';
import { RequestProblem } from './problem.js';

/** Longer ones were not written here. */
const LONGEST = 8192;

/** Query of routes that answer in pages. */
export const PageQuery = z.object({ next: z.string().max(LONGEST).optional() });

/** Makes the `next` of a page: where the next one begins. It is nothing secret, and nothing that callers look into. */
export function writeNext(position: object): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * Reads what {@link writeNext} made.
 *
 * @param schema of positions in that list.
 * @returns undefined for the first page.
 * @throws RequestProblem `BadNext` for anything else.
 */
export function readNext<T>(schema: z.ZodType<T>, next: string | undefined): T | undefined {
  if (next === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(next, 'base64url').toString('utf8'));
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badNext();
}

/** Names of errors of AWS services for a token that they did not give, or gave too long ago. */
const REFUSED = /^(InvalidRequestException|ValidationException|InvalidParameterException)$/;

/**
 * Asks AWS for a page, of which all is known to be valid but the token.
 *
 * @throws RequestProblem `BadNext` when AWS does not take the token any more.
 */
export async function withToken<T>(token: string | undefined, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (token !== undefined && error instanceof Error && REFUSED.test(error.name)) throw badNext(error);
    throw error;
  }
}

function badNext(cause?: unknown): RequestProblem {
  const message = '"next" is not what a page of this list gave: begin anew without it';
  return new RequestProblem(400, 'BadNext', message, { cause });
}

import type { z } from 'zod';
import { describe, type Log } from '../rotation/log.js';
import { problemOf, RequestProblem } from './problem.js';
import { type ApiRequest, type Caller, checked, readRequest, requestIdOf } from './request.js';

/** Names in braces of a path: `/devices/{thing}/logs` has `thing`. */
type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

/** A request to a route. */
export interface Call<Path extends string> {
  readonly parameters: Readonly<Record<NamesIn<Path>, string>>;
  readonly requestId: string;
  readonly caller: Caller | undefined;
  /** Ended when the answer would come too late. */
  readonly signal: AbortSignal;
  /** The query, checked; of a repeated name its first value. */
  query<T>(schema: z.ZodType<T>): T;
  /** All values of a name of the query. */
  repeated(name: string): readonly string[];
  /**
   * The body, which must be JSON, checked.
   *
   * @throws RequestProblem as {@link query} does.
   */
  body<T>(schema: z.ZodType<T>): T;
}

export interface Route {
  readonly method: string;
  readonly parts: readonly string[];
  readonly answer: (
    request: ApiRequest,
    parameters: Record<string, string>,
    signal: AbortSignal,
  ) => Promise<object>;
}

/** What a function answers (payload format version 2.0). */
export interface UrlResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * A route of an API.
 *
 * @param path with names in braces for parts that vary; they are never empty.
 * @param answer answers with status 200 and JSON; rejects with a {@link RequestProblem} for anything else.
 */
export function route<Path extends string>(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: Path,
  answer: (call: Call<Path>) => Promise<object>,
): Route {
  return {
    method,
    parts: path.split('/').filter(Boolean),
    answer: ({ query, body, requestId, caller }, parameters, signal) =>
      answer({
        // A route is called for paths that have all of its names.
        parameters: parameters as Record<NamesIn<Path>, string>,
        requestId,
        caller,
        signal,
        // The first of several values, which an object of all entries would not keep.
        query: (schema) => checked(schema, Object.fromEntries([...query].reverse()), 'the query'),
        repeated: (name) => query.getAll(name),
        body: (schema) => checked(schema, json(body), 'the body'),
      }),
  };
}

/**
 * A Lambda handler that answers requests to the function's URL. Never rejects: what goes wrong is answered as an
 * `ApiProblem`, and logged with the request's id if it is the function's fault.
 *
 * @param milliseconds that an answer may take.
 */
export function urlHandler(
  routes: readonly Route[],
  log: Log,
  milliseconds: number,
): (event: unknown) => Promise<UrlResponse> {
  return async (event) => {
    try {
      const request = readRequest(event);
      const { found, parameters } = find(routes, request);
      return respond(200, await found.answer(request, parameters, AbortSignal.timeout(milliseconds)));
    } catch (error) {
      const requestId = requestIdOf(event);
      const { status, body } = problemOf(error, requestId);
      if (status >= 500) log('request-failed', { requestId, status, reason: describe(error) });
      return respond(status, body);
    }
  };
}

function find(
  routes: readonly Route[],
  { method, path }: ApiRequest,
): { found: Route; parameters: Record<string, string> } {
  const here = routes.flatMap((found) => {
    const parameters = match(found.parts, path);
    return parameters ? [{ found, parameters }] : [];
  });
  const answering = here.find(({ found }) => found.method === method);
  if (answering) return answering;
  const asked = `/${path.join('/')}`;
  if (here.length === 0) throw new RequestProblem(404, 'NoSuchPath', `there is nothing at ${asked}`);
  const methods = here.map(({ found }) => found.method).join(', ');
  throw new RequestProblem(405, 'MethodNotAllowed', `${asked} answers ${methods}, not ${method}`);
}

/** The parameters of a path; undefined when it is another one. */
function match(parts: readonly string[], path: readonly string[]): Record<string, string> | undefined {
  if (parts.length !== path.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = path[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name !== undefined) parameters[name] = value;
    else if (part !== value) return undefined;
  }
  return parameters;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestProblem(400, 'BadRequest', 'the body is not JSON');
  }
}

/** The headers for other origins are what the URL's own configuration adds. */
function respond(statusCode: number, body: object): UrlResponse {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

import { z } from 'zod';
import { RequestProblem } from './problem.js';

/**
 * What a function gets for a request to its URL, as far as it is used here (AWS Lambda developer guide, "Invoking
 * Lambda function URLs": payload format version 2.0).
 */
const UrlEvent = z.object({
  rawPath: z.string(),
  rawQueryString: z.string().default(''),
  requestContext: z.object({
    requestId: z.string().default(''),
    authorizer: z
      .object({ iam: z.object({ userArn: z.string(), accessKey: z.string().optional() }) })
      .nullish()
      .catch(undefined),
    http: z.object({ method: z.string() }),
  }),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
});

/** Who signed a request. */
export interface Caller {
  /** Of the role's session; sessions of Amazon Cognito all have the same name. */
  readonly arn: string;
  /** Id of the temporary access key, by which CloudTrail finds the identity that it was given to. */
  readonly accessKey: string | undefined;
}

export interface ApiRequest {
  readonly requestId: string;
  readonly method: string;
  /** Parts of the path, decoded; none for `/`. */
  readonly path: readonly string[];
  /** Values may be repeated. */
  readonly query: URLSearchParams;
  /** Undefined when the URL does not ask who calls. */
  readonly caller: Caller | undefined;
  /** The body's text; empty when there is none. */
  readonly body: string;
}

/**
 * Reads the event of a request.
 *
 * @throws RequestProblem when it is none, or its path is not an encoded one.
 */
export function readRequest(event: unknown): ApiRequest {
  const parsed = UrlEvent.safeParse(event);
  if (!parsed.success) {
    throw new RequestProblem(400, 'BadRequest', 'this function answers requests to its URL only');
  }
  const { rawPath, rawQueryString, requestContext, body, isBase64Encoded } = parsed.data;
  const { requestId, http, authorizer } = requestContext;
  return {
    requestId,
    method: http.method,
    path: rawPath.split('/').filter(Boolean).map(decoded),
    query: new URLSearchParams(rawQueryString),
    caller: authorizer ? { arn: authorizer.iam.userArn, accessKey: authorizer.iam.accessKey } : undefined,
    body: isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString('utf8') : (body ?? ''),
  };
}

/** Id of the request that an event is of, for the log; empty when it has none. */
export function requestIdOf(event: unknown): string {
  return UrlEvent.safeParse(event).data?.requestContext.requestId ?? '';
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RequestProblem(400, 'BadRequest', `the part ${part} of the path is not encoded as a URL is`);
  }
}

/**
 * Checks a value from outside.
 *
 * @param what said of it in the problem, such as `the query`.
 * @throws RequestProblem `BadRequest` naming the first thing that is wrong.
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? what : `${issue.path.join('.')} in ${what}`;
  throw new RequestProblem(400, 'BadRequest', `${where}: ${issue?.message ?? 'it is not valid'}`);
}

import { createHash, randomUUID } from 'node:crypto';
import { AwsError } from '../../../errors.js';
import type { PathHandler } from '../../../http/front.js';
import { type HttpRequest, type HttpResponse, hostName, readBody } from '../../../http/messages.js';
import { authenticate, type CredentialsLookup, readSignature } from '../../../http/sigv4.js';
import { withVary } from '../../../http/vary.js';
import type { Base } from '../../../plugin.js';
import type { ResourceAccess, ResourceRequest, ServiceCaller } from '../../../resource-access.js';
import { accountPrincipal, type Call } from '../../../service.js';
import type { RoleDirectory } from '../../iam/directory.js';
import type { Functions } from '../functions.js';
import type { ResourcePolicies } from '../resource-policy.js';
import { type CorsSettings, corsHeaders, isPreflight, preflightHeaders } from './cors.js';
import { type EventCaller, urlEvent } from './event.js';
import type { FunctionUrlConfig, FunctionUrlConfigs } from './function-url-configs.js';
import { urlResponse } from './response.js';

interface EndpointNeeds {
  readonly configs: FunctionUrlConfigs;
  readonly functions: Functions;
  readonly policies: ResourcePolicies;
  readonly access: ResourceAccess;
  readonly credentials: CredentialsLookup;
  readonly roles: Pick<RoleDirectory, 'byName'>;
  /** The function's result as JSON; undefined when it failed. @throws TooManyRequestsException */
  readonly invoke: (functionName: string, event: string, requestId: string) => Promise<string | undefined>;
}

/** Below this path of the local cloud are the URLs of functions, as AWS's hosts cannot be resolved here. */
const PREFIX = '/_lambda-url/';
/** AWS's own form of the host, and one that browsers resolve to this machine. */
const HOSTS = /^([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.(localhost|on\.aws)$/;
/** Largest request in bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const BODY_LIMIT = 6_291_456;
const FORBIDDEN =
  'Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html';

/** The path that a function URL has in the local cloud. */
export function functionUrlPath(id: string): string {
  return `${PREFIX}${id}/`;
}

/**
 * Sends a request to a function's URL on behalf of another service, such as CloudFront.
 *
 * @param request its path is the one below the URL.
 * @param caller the service, where it says who it is; undefined: it passes on what somebody else asks.
 */
export type FunctionUrlRequester = (
  urlId: string,
  request: HttpRequest,
  signal: AbortSignal,
  caller: ServiceCaller | undefined,
) => Promise<HttpResponse>;

/** Serves the URLs of functions. */
export function functionUrlEndpoint(
  base: Base,
  needs: EndpointNeeds,
): PathHandler & { readonly request: FunctionUrlRequester } {
  const { accountId, clock, region } = base;
  const { configs, functions, policies, access, roles } = needs;
  const account = accountPrincipal(accountId);

  /**
   * Who calls.
   *
   * @throws AwsError of {@link authenticate}, `AccessDeniedException` when the request is not signed.
   */
  function callerOf(request: HttpRequest, body: Uint8Array, { authType }: FunctionUrlConfig) {
    if (authType === 'NONE') return { principal: { kind: 'anonymous', arn: '' } as const };
    const signature = readSignature(request);
    if (!signature) throw forbidden();
    if (signature.service !== 'lambda') {
      throw new AwsError(
        'InvalidSignatureException',
        "Credential should be scoped to correct service: 'lambda'.",
        403,
      );
    }
    const hash = assertHash(request, body);
    const principal = authenticate(request, signature, needs.credentials, account, clock, () => hash);
    const roleId = principal.kind === 'role' ? roles.byName(principal.roleName)?.roleId : undefined;
    const id =
      principal.kind === 'role' && roleId !== undefined ? `${roleId}:${principal.sessionName}` : accountId;
    const caller: EventCaller = {
      accessKey: signature.accessKeyId,
      accountId,
      callerId: id,
      userArn: principal.arn,
      userId: id,
    };
    return { principal, caller };
  }

  /**
   * Both permissions are needed, since October 2025 (Lambda developer guide, "Control access to function URLs").
   *
   * @param refusal says why one is not given.
   */
  function assertInvokable(
    functionName: string,
    { authType }: FunctionUrlConfig,
    refusal: (request: ResourceRequest) => string | undefined,
  ): void {
    const about = { resource: functions.arnOf(functionName), policy: policies.textOf(functionName) };
    const permissions = [
      ['lambda:InvokeFunctionUrl', ['lambda:functionurlauthtype', authType]],
      ['lambda:InvokeFunction', ['lambda:invokedviafunctionurl', 'true']],
    ] as const;
    for (const [action, key] of permissions) {
      if (refusal({ ...about, action, context: new Map([key]) }) !== undefined) throw forbidden();
    }
  }

  async function answer(
    request: HttpRequest,
    path: string,
    { functionName, config, urlId }: { functionName: string; config: FunctionUrlConfig; urlId: string },
    { requestId, signal, service }: Asked,
  ): Promise<HttpResponse> {
    const body = await readBody(
      request,
      BODY_LIMIT,
      (limit) => new AwsError('RequestTooLargeException', `Request must be smaller than ${limit} bytes`, 413),
    );
    let caller: EventCaller | undefined;
    if (service && config.authType === 'AWS_IAM') {
      // The service signs without having seen the body: its hash has to come from who sends it.
      if (body.length > 0 && request.headers['x-amz-content-sha256'] === undefined) throw wrongHash();
      assertHash(request, body);
      assertInvokable(functionName, config, (asked) => access.serviceRefusal(service, asked));
      const { sourceArn } = service;
      caller = { accessKey: '', accountId, callerId: service.service, userArn: sourceArn, userId: sourceArn };
    } else {
      const who = callerOf(request, body, config);
      const call: Call = { requestId, region, accountId, principal: who.principal, request, signal };
      assertInvokable(functionName, config, (asked) => access.refusal(call, asked));
      caller = who.caller;
    }
    const about = { urlId, region, requestId, now: clock.now(), ...(caller && { caller }) };
    const event = urlEvent({ ...request, path }, body, about);
    const result = await needs.invoke(functionName, JSON.stringify(event), requestId);
    const response = result === undefined ? undefined : urlResponse(result);
    if (response) return response;
    return {
      status: 502,
      headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'InternalServerErrorException' },
      body: 'Internal Server Error',
    };
  }

  /** @param path below the URL. */
  async function serve(urlId: string, path: string, request: HttpRequest, asked: Asked) {
    const { requestId } = asked;
    const found = configs.byId(urlId);
    // Which URLs there are is not told.
    if (!found) return refusal(forbidden(), requestId);
    const { cors } = found.config;
    if (cors && isPreflight(request)) {
      return { status: 200, headers: { ...preflightHeaders(cors, request.headers), ...ids(requestId) } };
    }
    let response: HttpResponse;
    try {
      response = await answer(request, path, { ...found, urlId }, asked);
    } catch (error) {
      response = refusal(refused(error), requestId);
    }
    return withCors(
      { ...response, headers: { ...ids(requestId), ...response.headers } },
      cors,
      request.headers.origin,
    );
  }

  return {
    prefix: PREFIX,
    hosts: HOSTS,
    handle(request, signal) {
      const { urlId, path } = targetOf(request);
      return serve(urlId, path, request, { requestId: randomUUID(), signal, service: undefined });
    },
    request: (urlId, request, signal, service) =>
      serve(urlId, request.path, request, { requestId: randomUUID(), signal, service }),
  };
}

/** Of one request, besides what it says. */
interface Asked {
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** The service that asks for itself. */
  readonly service: ServiceCaller | undefined;
}

/** The id of the URL, and the path below it. */
function targetOf({ headers, path }: HttpRequest): { urlId: string; path: string } {
  const [, inHost] = HOSTS.exec(hostName(headers)) ?? [];
  if (inHost !== undefined) return { urlId: inHost, path };
  const [urlId = '', ...rest] = path.slice(PREFIX.length).split('/');
  return { urlId, path: `/${rest.join('/')}` };
}

/**
 * The SHA-256 of a body. What is signed is the hash that the client tells; unsigned bodies are not for Lambda.
 *
 * @throws AwsError `InvalidSignatureException` when the client tells another one.
 */
function assertHash({ headers }: HttpRequest, body: Uint8Array): string {
  const hash = createHash('sha256').update(body).digest('hex');
  if ((headers['x-amz-content-sha256'] ?? hash) !== hash) throw wrongHash();
  return hash;
}

function wrongHash(): AwsError {
  return new AwsError(
    'InvalidSignatureException',
    'The value of the header x-amz-content-sha256 is not the SHA-256 of the request body',
    403,
  );
}

function forbidden(): AwsError {
  return new AwsError('AccessDeniedException', FORBIDDEN, 403);
}

/** What the caller is told of an error; what was not foreseen is a defect, and thrown on. */
function refused(error: unknown): AwsError {
  // Of signatures, every error is that of a caller who is not known.
  if (error instanceof AwsError) {
    const { code, message, status } = error;
    return status === 400 ? new AwsError(code, message, 403) : error;
  }
  if (error instanceof Error && error.name === 'TooManyRequestsException') {
    return new AwsError(error.name, error.message, 429);
  }
  throw error;
}

function refusal(error: AwsError, requestId: string): HttpResponse {
  // Lambda spells the member of denials with a capital.
  const member = error.code === 'AccessDeniedException' ? 'Message' : 'message';
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': error.code,
      ...ids(requestId),
    },
    body: JSON.stringify({ [member]: error.message }),
  };
}

function ids(requestId: string): Record<string, string> {
  return { 'x-amzn-requestid': requestId };
}

/** The URL's settings come before what the function says of other origins itself. */
function withCors(
  response: HttpResponse,
  cors: CorsSettings | undefined,
  origin: string | undefined,
): HttpResponse {
  if (!cors) return response;
  const { vary, ...added } = corsHeaders(cors, origin);
  return {
    ...response,
    headers: {
      ...response.headers,
      ...added,
      ...(vary !== undefined && { vary: withVary(response.headers.vary, vary) }),
    },
  };
}

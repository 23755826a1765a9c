import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Clock } from '../clock.js';
import { AwsError } from '../errors.js';
import { element, escapeXml } from '../protocol/xml.js';
import { accountPrincipal, type Call, type Principal, type Service } from '../service.js';
import { allowBrowsers, forAnyOrigin, isPreflight } from './browsers.js';
import { checkGuest } from './guests.js';
import { type HttpRequest, type HttpResponse, hostName, readBody } from './messages.js';
import { authenticate, type CredentialsLookup, readSignature } from './sigv4.js';

/** Answers one request; `signal` is aborted when the caller goes away. */
export type HttpHandler = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

/** An HTTP handler for a part of the path space that is not an AWS API, such as `/v2/` of a registry. */
export interface PathHandler {
  readonly prefix: string;
  /** Hosts whose requests it takes as well, whatever their path is; matched against the host's name without its port. */
  readonly hosts?: RegExp;
  readonly handle: HttpHandler;
}

export interface FrontOptions {
  services: readonly Service[];
  paths?: readonly PathHandler[];
  /** Service that takes requests which are not signed at all: S3, for public objects. */
  unsigned?: Service;
  /** Service that takes forms which are not signed: STS, for callers that have no credentials yet. */
  unsignedForms?: Service;
  credentials: CredentialsLookup;
  accountId: string;
  clock: Clock;
}

/** Largest body that is read before the service sees it; S3 reads its own. */
const BUFFERED_LIMIT = 70_167_211;

/**
 * The HTTP front of the control planes: finds the service by the scope of the request's signature, as one
 * address serves them all.
 */
export function front(options: FrontOptions): HttpHandler {
  const { accountId, clock, credentials } = options;
  const byScope = new Map<string, Service>();
  for (const service of options.services) {
    for (const scope of service.scopes) byScope.set(scope, service);
  }
  const byTarget = new Map(
    options.services.flatMap((service) =>
      service.unsignedTarget === undefined ? [] : [[service.unsignedTarget, service] as const],
    ),
  );
  const account = accountPrincipal(accountId);
  const anonymous: Principal = { kind: 'anonymous', arn: '' };

  return async (incoming, signal) => {
    const requestId = randomUUID();
    if (incoming.path === '/_local/health') return health(options.services);
    const path = options.paths?.find((handler) => takes(handler, incoming));
    if (path) return path.handle(incoming, signal);
    if (isPreflight(incoming) && incoming.path === '/') return allowBrowsers(incoming);
    let service: Service | undefined = options.unsigned;
    let scope: string | undefined;
    const open = byTarget.get(incoming.headers['x-amz-target']?.split('.')[0] ?? '');
    const answer = (response: HttpResponse) => (open ? forAnyOrigin(response) : response);
    try {
      const signature = readSignature(incoming);
      scope = signature?.service;
      if (signature) service = byScope.get(signature.service);
      else if (open) service = open;
      else if (isForm(incoming) && options.unsignedForms) service = options.unsignedForms;
      if (!service) throw noService(scope);
      const { request, hash } = await prepare(incoming, scope ?? service.name);
      const principal = signature
        ? authenticate(incoming, signature, credentials, account, clock, hash)
        : anonymous;
      if (signature) checkGuest(principal, signature.service);
      const call: Call = {
        requestId,
        region: signature?.region ?? 'us-east-1',
        accountId,
        principal,
        request,
        signal,
      };
      return answer(await service.handle(request, call));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (service) return answer(service.refuse(error, requestId, incoming));
      const xml = isForm(incoming) || (scope !== undefined && XML_SCOPES.has(scope));
      return xml ? xmlRefusal(error, requestId) : jsonRefusal(error, requestId);
    }
  };
}

function takes({ prefix, hosts }: PathHandler, { path, headers }: HttpRequest): boolean {
  return path.startsWith(prefix) || (hosts?.test(hostName(headers)) ?? false);
}

/** Reads bodies that are small by nature, as their hash is part of the signature; streams S3's. */
async function prepare(
  request: HttpRequest,
  scope: string,
): Promise<{ request: HttpRequest; hash: () => string }> {
  if (scope === 's3') return { request, hash: () => 'UNSIGNED-PAYLOAD' };
  const bytes = await readBody(
    request,
    BUFFERED_LIMIT,
    (limit) =>
      new AwsError('RequestEntityTooLargeException', `Request must be smaller than ${limit} bytes`, 413),
  );
  return {
    request: {
      ...request,
      body: Readable.from(bytes.length > 0 ? [bytes] : [], { objectMode: false }),
      query: isForm(request)
        ? new URLSearchParams([...request.query, ...new URLSearchParams(Buffer.from(bytes).toString('utf8'))])
        : request.query,
    },
    hash: () => createHash('sha256').update(bytes).digest('hex'),
  };
}

function isForm({ headers }: HttpRequest): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}

function noService(scope: string | undefined): AwsError {
  return scope === undefined
    ? new AwsError('MissingAuthenticationToken', 'The request is not signed', 403)
    : new AwsError('UnknownService', `The local cloud has no service with the signing name '${scope}'`, 501);
}

/** Services that speak XML although they take no forms; of all others, forms tell. */
const XML_SCOPES: ReadonlySet<string> = new Set(['route53']);

/** As AWS query and REST XML have it, for services that are not here to say it themselves. */
function xmlRefusal(error: AwsError, requestId: string): HttpResponse {
  const content =
    element('Type', error.status < 500 ? 'Sender' : 'Receiver') +
    element('Code', escapeXml(error.code)) +
    element('Message', escapeXml(error.message));
  return {
    status: error.status,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: element('ErrorResponse', element('Error', content) + element('RequestId', requestId)),
  };
}

function jsonRefusal(error: AwsError, requestId: string): HttpResponse {
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': error.code,
      'x-amzn-requestid': requestId,
    },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

/** What the local cloud answers to `GET /_local/health`: its services and the operations that are built. */
function health(services: readonly Service[]): HttpResponse {
  const supported = Object.fromEntries(services.map(({ name, supported }) => [name, [...supported].sort()]));
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'running', services: supported }),
  };
}

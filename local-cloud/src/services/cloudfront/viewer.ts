import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DefaultCacheBehavior } from '@aws-sdk/client-cloudfront';
import type { PathHandler } from '../../http/front.js';
import { type HttpRequest, type HttpResponse, hostName } from '../../http/messages.js';
import { withVary } from '../../http/vary.js';
import { behaviorFor } from './behaviors.js';
import { compress, encodingFor } from './compression.js';
import type { Distribution, Distributions } from './distributions.js';
import { bodyOf } from './object-response.js';
import type { AskOrigin } from './origins.js';
import { withPolicy } from './response-headers.js';
import type { ResponseHeadersPolicies } from './response-headers-policies.js';

interface ViewerNeeds {
  readonly distributions: Distributions;
  readonly policies: ResponseHeadersPolicies;
  readonly askOrigin: AskOrigin;
}

/** Below this path of the local cloud are the distributions, each under its id. */
const PREFIX = '/_cloudfront/';
const HOSTS = /^(e[a-z0-9]{13})\.cloudfront\.localhost$/;

/** The host of a distribution, which browsers resolve to this machine. @param port of the HTTP front. */
export function distributionHost(id: string, port: string): string {
  return `${id.toLowerCase()}.cloudfront.localhost${port === '' ? '' : `:${port}`}`;
}

/**
 * Serves distributions to viewers. What a behaviour says of their protocol is passed over: there is no HTTPS to
 * redirect to, and nobody on a network can read along, as requests do not leave this machine.
 */
export function viewer({ distributions, policies, askOrigin }: ViewerNeeds): PathHandler {
  async function answer(
    { id, config }: Distribution,
    request: HttpRequest,
    path: string,
    requestId: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const root = config.DefaultRootObject ?? '';
    const wanted = path === '/' && root !== '' ? `/${root}` : path;
    const behavior = behaviorFor(config, wanted);
    if (!(behavior.AllowedMethods?.Items ?? []).some((allowed) => allowed === request.method)) {
      return plainError(
        403,
        'This distribution is not configured to allow the HTTP request method that was used for this request.',
      );
    }
    const about = { config, distributionArn: distributions.arnOf(id), requestId, signal };
    const first = await askOrigin({ ...about, behavior, path: wanted, request });
    const response = (await errorPage(first)) ?? first;
    const policy = policies.find(behavior.ResponseHeadersPolicyId ?? '');
    const sent = await compressed(response, behavior, request);
    return policy ? { ...sent, headers: withPolicy(policy, sent.headers, request) } : sent;

    /** The page that the distribution has for an error; undefined when it has none, or it cannot be had. */
    async function errorPage({ status }: HttpResponse): Promise<HttpResponse | undefined> {
      const custom = config.CustomErrorResponses?.Items?.find(({ ErrorCode }) => ErrorCode === status);
      const pagePath = custom?.ResponsePagePath ?? '';
      if (pagePath === '') return undefined;
      // Not what was asked for: neither a part of it, nor to be compared with what the viewer has.
      const { range: _, 'if-none-match': __, 'if-modified-since': ___, ...headers } = request.headers;
      const asked = { ...request, method: 'GET', headers, body: Readable.from([]) };
      const ofPage = behaviorFor(config, pagePath);
      const page = await askOrigin({ ...about, behavior: ofPage, path: pagePath, request: asked });
      return page.status === 200 ? { ...page, status: Number(custom?.ResponseCode ?? status) } : undefined;
    }
  }

  return {
    prefix: PREFIX,
    hosts: HOSTS,
    async handle(request, signal) {
      const { id, path } = targetOf(request);
      const distribution = distributions.table.find(id);
      if (!distribution) return plainError(404, 'There is no distribution here.');
      if (path === undefined) {
        const query = request.rawQuery === '' ? '' : `?${request.rawQuery}`;
        return { status: 308, headers: { location: `${PREFIX}${id}/${query}` } };
      }
      const requestId = randomUUID();
      const response = distribution.config.Enabled
        ? await answer(distribution, request, path, requestId, signal)
        : plainError(403, 'The distribution is disabled.');
      return {
        ...response,
        headers: {
          ...response.headers,
          via: '1.1 local-cloud (CloudFront)',
          'x-cache': `${response.status < 400 ? 'Miss' : 'Error'} from cloudfront`,
          'x-amz-cf-id': requestId,
        },
      };
    },
  };
}

/** The distribution that a request is for, and the path in it; undefined where the path ends with the id. */
function targetOf({ headers, path }: HttpRequest): { id: string; path: string | undefined } {
  const [, inHost] = HOSTS.exec(hostName(headers)) ?? [];
  if (inHost !== undefined) return { id: inHost.toUpperCase(), path };
  const [id = '', ...rest] = path.slice(PREFIX.length).split('/');
  return { id, path: rest.length === 0 ? undefined : `/${rest.join('/')}` };
}

async function compressed(
  response: HttpResponse,
  behavior: DefaultCacheBehavior,
  { headers: asked }: HttpRequest,
): Promise<HttpResponse> {
  const { headers, status, body = '' } = response;
  const size = body instanceof Readable ? Number(headers['content-length'] ?? 0) : Buffer.byteLength(body);
  const isWhole = (status === 200 || status >= 400) && headers['content-encoding'] === undefined;
  const content = { type: headers['content-type'], size };
  const encoding = isWhole ? encodingFor(behavior, asked['accept-encoding'], content) : undefined;
  if (encoding === undefined) return response;
  const { 'content-length': _, 'accept-ranges': __, ...kept } = headers;
  return {
    ...response,
    headers: {
      ...kept,
      'content-encoding': encoding,
      // The bytes are others than those that the strong tag is for.
      ...(kept.etag && { etag: kept.etag.replace(/^"/, 'W/"') }),
      vary: withVary(kept.vary, 'Accept-Encoding'),
    },
    body: await compress(await bodyOf(response), encoding),
  };
}

/** An answer of CloudFront itself. */
function plainError(status: number, message: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', server: 'CloudFront' },
    body: `${message}\n`,
  };
}

import { randomUUID } from 'node:crypto';
import type { DefaultCacheBehavior, DistributionConfig } from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import type { PathHandler } from '../../http/front.js';
import { type HttpRequest, type HttpResponse, hostName } from '../../http/messages.js';
import { withVary } from '../../http/vary.js';
import type { OriginObjects } from '../s3/origin-objects.js';
import { behaviorFor } from './behaviors.js';
import { compress, encodingFor } from './compression.js';
import { bucketOfDomain } from './distribution-config.js';
import type { Distributions } from './distributions.js';
import { bodyOf, type Conditions, objectResponse, originError } from './object-response.js';
import type { OriginAccessControls } from './origin-access-controls.js';
import { withPolicy } from './response-headers.js';
import type { ResponseHeadersPolicies } from './response-headers-policies.js';

interface ViewerNeeds {
  readonly distributions: Distributions;
  readonly accessControls: OriginAccessControls;
  readonly policies: ResponseHeadersPolicies;
  readonly objects: OriginObjects;
}

/** Below this path of the local cloud are the distributions, each under its id. */
const PREFIX = '/_cloudfront/';
const HOSTS = /^(e[a-z0-9]{13})\.cloudfront\.localhost$/;
const NO_CONDITIONS: Conditions = {};

/** The host of a distribution, which browsers resolve to this machine. @param port of the HTTP front. */
export function distributionHost(id: string, port: string): string {
  return `${id.toLowerCase()}.cloudfront.localhost${port === '' ? '' : `:${port}`}`;
}

/**
 * Serves distributions to viewers. What a behaviour says of their protocol is passed over: there is no HTTPS to
 * redirect to, and nobody on a network can read along, as requests do not leave this machine.
 */
export function viewer(needs: ViewerNeeds): PathHandler {
  const { distributions, accessControls, policies, objects } = needs;

  /** What the origin of a behaviour answers for a path. */
  function fromOrigin(
    distributionId: string,
    config: DistributionConfig,
    behavior: DefaultCacheBehavior,
    path: string,
    conditions: Conditions,
    requestId: string,
  ): HttpResponse {
    try {
      const origin = config.Origins?.Items?.find(({ Id }) => Id === behavior.TargetOriginId);
      const bucket = bucketOfDomain(origin?.DomainName ?? '');
      if (bucket === undefined)
        throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
      const control = accessControls.table.find(origin?.OriginAccessControlId ?? '');
      const isSigned = control !== undefined && control.config.SigningBehavior !== 'never';
      const caller = { service: 'cloudfront.amazonaws.com', sourceArn: distributions.arnOf(distributionId) };
      const key = keyOf(`${origin?.OriginPath ?? ''}${path}`);
      return objectResponse(objects(bucket, key, isSigned ? caller : undefined), conditions);
    } catch (error) {
      return originError(error, requestId);
    }
  }

  async function answer(
    id: string,
    config: DistributionConfig,
    request: HttpRequest,
    path: string,
    requestId: string,
  ): Promise<HttpResponse> {
    const root = config.DefaultRootObject ?? '';
    const wanted = path === '/' && root !== '' ? `/${root}` : path;
    const behavior = behaviorFor(config, wanted);
    const { method, headers } = request;
    if (!(behavior.AllowedMethods?.Items ?? []).some((allowed) => allowed === method)) {
      return plainError(
        403,
        'This distribution is not configured to allow the HTTP request method that was used for this request.',
      );
    }
    const policy = policies.find(behavior.ResponseHeadersPolicyId ?? '');
    const finished = (response: HttpResponse): HttpResponse =>
      policy ? { ...response, headers: withPolicy(policy, response.headers, request) } : response;
    if (method !== 'GET' && method !== 'HEAD') {
      return finished(plainError(501, `${method} to an S3 origin is not built in the local cloud.`));
    }
    let response = fromOrigin(id, config, behavior, wanted, headers, requestId);
    if (response.status >= 400) {
      response = errorPage(response) ?? response;
    }
    return finished(await compressed(response, behavior, request));

    /** The page that the distribution has for an error; undefined when it has none, or cannot be had. */
    function errorPage({ status }: HttpResponse): HttpResponse | undefined {
      const custom = config.CustomErrorResponses?.Items?.find(({ ErrorCode }) => ErrorCode === status);
      const pagePath = custom?.ResponsePagePath ?? '';
      if (pagePath === '') return undefined;
      const ofPage = behaviorFor(config, pagePath);
      const page = fromOrigin(id, config, ofPage, pagePath, NO_CONDITIONS, requestId);
      if (page.status !== 200) return undefined;
      return { ...page, status: Number(custom?.ResponseCode ?? status) };
    }
  }

  return {
    prefix: PREFIX,
    hosts: HOSTS,
    async handle(request) {
      const { id, path } = targetOf(request);
      const distribution = distributions.table.find(id);
      if (!distribution) return plainError(404, 'There is no distribution here.');
      if (path === undefined) {
        const query = request.rawQuery === '' ? '' : `?${request.rawQuery}`;
        return { status: 308, headers: { location: `${PREFIX}${id}/${query}` } };
      }
      const requestId = randomUUID();
      const response = distribution.config.Enabled
        ? await answer(id, distribution.config, request, path, requestId)
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

/** The key of the object that a path means. @throws AwsError `InvalidURI`. */
function keyOf(path: string): string {
  try {
    return decodeURIComponent(path.slice(1));
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

async function compressed(
  response: HttpResponse,
  behavior: DefaultCacheBehavior,
  { headers: asked }: HttpRequest,
): Promise<HttpResponse> {
  const { headers, status } = response;
  const content = { type: headers['content-type'], size: Number(headers['content-length'] ?? 0) };
  const isWhole = (status === 200 || status >= 400) && headers['content-encoding'] === undefined;
  const encoding = isWhole ? encodingFor(behavior, asked['accept-encoding'], content) : undefined;
  if (encoding === undefined) return response;
  const { 'content-length': _, 'accept-ranges': __, ...kept } = headers;
  const changed = {
    ...kept,
    'content-encoding': encoding,
    // The bytes are others than those that the strong tag is for.
    ...(kept.etag && { etag: kept.etag.replace(/^"/, 'W/"') }),
    vary: withVary(kept.vary, 'Accept-Encoding'),
  };
  return { status, headers: changed, body: await compress(await bodyOf(response), encoding) };
}

/** An answer of CloudFront itself. */
function plainError(status: number, message: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', server: 'CloudFront' },
    body: `${message}\n`,
  };
}

import { randomUUID } from 'node:crypto';
import type { PathHandler } from '../../../http/front.js';
import type { HttpRequest, HttpResponse } from '../../../http/messages.js';
import type { Base } from '../../../plugin.js';
import type { Authorize, Call } from '../../../service.js';
import type { AuthorizationTokens } from '../authorization-tokens.js';
import type { Images } from '../images.js';
import { isRepositoryName } from '../names.js';
import type { Registry } from '../registry.js';
import { blob, upload, uploads } from './blobs.js';
import { readEndpoint } from './endpoint.js';
import { DistributionError, refusalOf } from './errors.js';
import { type Answer, type Exchange, jsonAnswer } from './exchange.js';
import { catalog, manifest, referrers, tags } from './manifests.js';

export interface DistributionNeeds {
  readonly registry: Registry;
  readonly images: Images;
  readonly tokens: AuthorizationTokens;
  readonly authorize: Authorize;
}

const ANSWERS: Readonly<Record<'blob' | 'manifest' | 'referrers' | 'tags' | 'upload' | 'uploads', Answer>> = {
  ...{ blob, manifest, referrers, tags, upload, uploads },
};

/**
 * The OCI distribution API 1.1 as ECR serves it: with basic authentication by tokens of GetAuthorizationToken, whose
 * holders may do what the principals may that the tokens were given to.
 */
export function distributionApi(base: Base, needs: DistributionNeeds): PathHandler {
  const { registry, images, tokens, authorize } = needs;

  function challenge({ headers }: HttpRequest): DistributionError {
    return new DistributionError('UNAUTHORIZED', 'Not Authorized', {
      'www-authenticate': `Basic realm="http://${headers.host ?? ''}/",service="ecr.amazonaws.com"`,
    });
  }

  async function answer(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const principal = tokens.principalOf(request.headers.authorization);
    if (!principal) throw challenge(request);
    const endpoint = readEndpoint(request.path);
    if (!endpoint) throw new DistributionError('NAME_UNKNOWN', `There is nothing at ${request.path}`);
    const { accountId, region } = base;
    const call: Call = { requestId: randomUUID(), region, accountId, principal, request, signal };
    const own = 'repository' in endpoint ? endpoint.repository : undefined;
    const exchange: Exchange = {
      ...{ registry, images, request },
      demand: (action, repository = own) =>
        authorize(action, repository === undefined ? {} : { repositoryName: repository }, call),
    };
    if (!('repository' in endpoint)) {
      return endpoint.kind === 'base' ? jsonAnswer({}) : catalog(exchange);
    }
    if (!isRepositoryName(endpoint.repository)) {
      throw new DistributionError('NAME_INVALID', `'${endpoint.repository}' is no name of a repository`);
    }
    const reference = 'reference' in endpoint ? endpoint.reference : '';
    return ANSWERS[endpoint.kind](exchange, endpoint.repository, reference);
  }

  return {
    prefix: '/v2/',
    async handle(request, signal) {
      let response: HttpResponse;
      try {
        response = await answer(request, signal);
      } catch (error) {
        const refusal = refusalOf(error);
        if (!refusal) throw error;
        response = refusal.response;
      }
      const headers = { 'docker-distribution-api-version': 'registry/2.0', ...response.headers };
      return { ...response, headers };
    },
  };
}

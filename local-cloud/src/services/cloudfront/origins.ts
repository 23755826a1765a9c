import type { DefaultCacheBehavior, DistributionConfig, Origin } from '@aws-sdk/client-cloudfront';
import { AwsError } from '../../errors.js';
import type { HttpRequest, HttpResponse } from '../../http/messages.js';
import type { ServiceCaller } from '../../resource-access.js';
import type { FunctionUrlRequester } from '../lambda/urls/endpoint.js';
import type { OriginObjects } from '../s3/origin-objects.js';
import { targetOfDomain } from './distribution-config.js';
import { forwardedHeaders, forwardedQuery } from './forwarding.js';
import { objectResponse, originError } from './object-response.js';
import type { OriginAccessControls } from './origin-access-controls.js';

interface OriginNeeds {
  readonly accessControls: OriginAccessControls;
  readonly objects: OriginObjects;
  readonly requestUrl: FunctionUrlRequester;
}

/** A viewer's request as it is put to an origin. */
export interface OriginRequest {
  readonly config: DistributionConfig;
  /** ARN of the distribution. */
  readonly distributionArn: string;
  readonly behavior: DefaultCacheBehavior;
  /** The path in the distribution, percent-encoded. */
  readonly path: string;
  readonly request: HttpRequest;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** Asks an origin of a distribution; errors come in the origin's own words. */
export type AskOrigin = (asked: OriginRequest) => Promise<HttpResponse>;

export function origins({ accessControls, objects, requestUrl }: OriginNeeds): AskOrigin {
  /** The distribution, where its origin access control lets it say who it is to that origin. */
  function callerFor({ OriginAccessControlId = '' }: Origin, { distributionArn, request }: OriginRequest) {
    const behavior = accessControls.table.find(OriginAccessControlId)?.config.SigningBehavior;
    const isOwn = behavior === 'no-override' && request.headers.authorization !== undefined;
    if (behavior === undefined || behavior === 'never' || isOwn) return undefined;
    return { service: 'cloudfront.amazonaws.com', sourceArn: distributionArn } satisfies ServiceCaller;
  }

  function fromBucket(bucket: string, origin: Origin, asked: OriginRequest): HttpResponse {
    const { request, requestId } = asked;
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        const what = `${request.method} to an S3 origin is not built in the local cloud`;
        throw new AwsError('NotImplemented', what, 501);
      }
      const key = keyOf(`${origin.OriginPath ?? ''}${asked.path}`);
      return objectResponse(objects(bucket, key, callerFor(origin, asked)), request.headers);
    } catch (error) {
      return originError(error, requestId);
    }
  }

  function fromFunction(urlId: string, origin: Origin, asked: OriginRequest): Promise<HttpResponse> {
    const { request, behavior, signal } = asked;
    const rawQuery = forwardedQuery(behavior, request.rawQuery);
    const added = (origin.CustomHeaders?.Items ?? []).map(({ HeaderName = '', HeaderValue = '' }) => [
      HeaderName.toLowerCase(),
      HeaderValue,
    ]);
    const headers: Record<string, string> = {
      ...forwardedHeaders(behavior, request.headers),
      ...Object.fromEntries(added),
      host: origin.DomainName ?? '',
      via: '1.1 local-cloud (CloudFront)',
      'x-amz-cf-id': asked.requestId,
    };
    const path = `${origin.OriginPath ?? ''}${asked.path}`;
    const sent = { ...request, path, rawQuery, query: new URLSearchParams(rawQuery), headers };
    return requestUrl(urlId, sent, signal, callerFor(origin, asked));
  }

  return async (asked) => {
    const { config, behavior } = asked;
    const origin = (config.Origins?.Items ?? []).find(({ Id }) => Id === behavior.TargetOriginId);
    const target = targetOfDomain(origin?.DomainName ?? '');
    // Configurations were checked before they were kept.
    if (!origin || !target) throw new Error(`the origin ${behavior.TargetOriginId} is not there`);
    return target.kind === 's3'
      ? fromBucket(target.bucket, origin, asked)
      : fromFunction(target.urlId, origin, asked);
  };
}

/** The key of the object that a path means. @throws AwsError `InvalidURI`. */
function keyOf(path: string): string {
  try {
    return decodeURIComponent(path.slice(1));
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

import { ImageAlreadyExistsException } from '@aws-sdk/client-ecr';
import { type HttpResponse, readBody } from '../../../http/messages.js';
import { page } from '../../../paging.js';
import { MANIFEST_BYTES } from '../manifest.js';
import { DIGEST, TAG } from '../names.js';
import type { TaggedImage } from '../registry.js';
import { accepts } from './endpoint.js';
import { DistributionError } from './errors.js';
import { type Answer, type Exchange, jsonAnswer } from './exchange.js';

/** Manifests, by tag or digest. */
export const manifest: Answer = async (exchange, repository, reference) => {
  const { images, registry, request } = exchange;
  switch (request.method) {
    case 'GET':
    case 'HEAD': {
      exchange.demand('BatchGetImage');
      images.repository(repository);
      const image = existing(exchange, repository, reference);
      if (!accepts(request.headers.accept, image.mediaType)) {
        throw unknown(repository, reference, `: it is of type ${image.mediaType}, which is not accepted`);
      }
      if (request.method === 'GET') images.notePull(repository, image);
      return {
        status: 200,
        headers: {
          'content-type': image.mediaType,
          'content-length': String(image.manifest.length),
          'docker-content-digest': image.digest,
          etag: `"${image.digest}"`,
        },
        body: image.manifest,
      };
    }
    case 'PUT':
      exchange.demand('PutImage');
      images.repository(repository);
      return put(exchange, repository, reference);
    case 'DELETE': {
      exchange.demand('BatchDeleteImage');
      images.repository(repository);
      const image = existing(exchange, repository, reference);
      if (!DIGEST.test(reference)) registry.deleteTag(repository, reference);
      else {
        const index = images.indexOf(repository, image.digest);
        if (index) {
          throw new DistributionError(
            'DENIED',
            `The index ${index.digest} names the manifest ${image.digest}`,
          );
        }
        registry.deleteImage(repository, image);
      }
      return { status: 202, headers: {} };
    }
    default:
      throw new DistributionError('UNSUPPORTED', `The method ${request.method} is not supported here`);
  }
};

async function put(exchange: Exchange, repository: string, reference: string): Promise<HttpResponse> {
  const { images, request } = exchange;
  const isDigest = reference.includes(':');
  if (isDigest ? !DIGEST.test(reference) : !TAG.test(reference)) {
    throw new DistributionError(
      isDigest ? 'DIGEST_INVALID' : 'TAG_INVALID',
      `'${reference}' is neither a tag nor a digest`,
    );
  }
  const bytes = await readBody(
    request,
    MANIFEST_BYTES,
    (limit) => new DistributionError('MANIFEST_INVALID', `Manifests have at most ${limit} bytes`),
  );
  const mediaType = request.headers['content-type']?.split(';')[0]?.trim();
  let image: TaggedImage | undefined;
  try {
    image = images.put({
      repository,
      manifest: bytes,
      mediaType,
      ...(isDigest ? { digest: reference } : { tag: reference }),
    });
  } catch (error) {
    // Putting what is there already changes nothing.
    if (!(error instanceof ImageAlreadyExistsException)) throw error;
    image = existing(exchange, repository, reference);
  }
  return {
    status: 201,
    headers: {
      location: `/v2/${repository}/manifests/${image.digest}`,
      'docker-content-digest': image.digest,
      ...(image.subject !== undefined && { 'oci-subject': image.subject }),
    },
  };
}

/** Tags in their order; `n` of them behind `last`, when the request says so. */
export const tags: Answer = ({ registry, images, request, demand }, repository) => {
  onlyGet(request.method);
  demand('ListImages');
  images.repository(repository);
  const { items, link } = listed(request.query, `/v2/${repository}/tags/list`, (last) =>
    registry.tagsOf(repository, last),
  );
  return jsonAnswer({ name: repository, tags: items }, link);
};

/** Repositories in their order, as tags are listed. */
export const catalog = ({ registry, request, demand }: Exchange): HttpResponse => {
  onlyGet(request.method);
  demand('DescribeRepositories');
  const { items, link } = listed(request.query, '/v2/_catalog', (last) =>
    [...registry.repositories(last)].map(({ name }) => name),
  );
  return jsonAnswer({ repositories: items }, link);
};

/** Manifests that are about another one, of one artifact type when the request says so. */
export const referrers: Answer = ({ images, request, demand }, repository, reference) => {
  onlyGet(request.method);
  demand('ListImageReferrers');
  images.repository(repository);
  if (!DIGEST.test(reference)) throw new DistributionError('DIGEST_INVALID', `'${reference}' is no digest`);
  const wanted = request.query.get('artifactType');
  const manifests = images
    .referrers(repository, reference)
    .filter(({ artifactType }) => wanted === null || artifactType === wanted)
    .map(({ mediaType, digest, manifest: bytes, artifactType, annotations }) => ({
      mediaType,
      digest,
      size: bytes.length,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    }));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return jsonAnswer(
    { schemaVersion: 2, mediaType, manifests },
    { 'content-type': mediaType, ...(wanted !== null && { 'oci-filters-applied': 'artifactType' }) },
  );
};

function listed(
  query: URLSearchParams,
  path: string,
  listFrom: (last: string | undefined) => Iterable<string>,
): { items: string[]; link: Record<string, string> } {
  const n = query.get('n');
  const size = n === null ? 1000 : Number(n);
  if (!/^\d{1,6}$/.test(n ?? '1000')) {
    throw new DistributionError('PAGINATION_NUMBER_INVALID', `'${n}' is no number of items`);
  }
  if (size === 0) return { items: [], link: {} };
  const { items, next } = page(listFrom, (item) => item, query.get('last') ?? undefined, size);
  const last = encodeURIComponent(items.at(-1) ?? '');
  return {
    items,
    link: next === undefined ? {} : { link: `<${path}?n=${size}&last=${last}>; rel="next"` },
  };
}

function existing({ images }: Exchange, repository: string, reference: string): TaggedImage {
  const isDigest = DIGEST.test(reference);
  const image = images.find(repository, isDigest ? { imageDigest: reference } : { imageTag: reference });
  if (!image) throw unknown(repository, reference);
  return image;
}

function unknown(repository: string, reference: string, why = ''): DistributionError {
  return new DistributionError(
    'MANIFEST_UNKNOWN',
    `Requested image not found: '${reference}' in the repository '${repository}'${why}`,
  );
}

function onlyGet(method: string): void {
  if (method === 'GET' || method === 'HEAD') return;
  throw new DistributionError('UNSUPPORTED', `The method ${method} is not supported here`);
}

import { byteRange } from '../../../http/byte-range.js';
import type { HttpResponse } from '../../../http/messages.js';
import { DIGEST } from '../names.js';
import { readContentRange } from './endpoint.js';
import { DistributionError } from './errors.js';
import type { Answer, Exchange } from './exchange.js';

/** Blobs: HEAD and GET, also of a range of their bytes. */
export const blob: Answer = async ({ registry, images, request, demand }, repository, reference) => {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    throw new DistributionError(
      'UNSUPPORTED',
      'Blobs cannot be deleted; they go with the last image that names them',
    );
  }
  demand(method === 'GET' ? 'GetDownloadUrlForLayer' : 'BatchCheckLayerAvailability');
  images.repository(repository);
  const digest = checkedDigest(reference);
  const size = registry.layerSize(repository, digest);
  if (size === undefined) {
    throw new DistributionError(
      'BLOB_UNKNOWN',
      `The blob ${digest} is not in the repository '${repository}'`,
    );
  }
  const range = method === 'GET' ? byteRange(headers.range, size) : undefined;
  const { start, end } = range ?? { start: 0, end: size };
  return {
    status: range ? 206 : 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(end - start),
      'accept-ranges': 'bytes',
      'docker-content-digest': digest,
      etag: `"${digest}"`,
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    },
    ...(method === 'GET' && { body: await registry.read(digest, start, end) }),
  };
};

/** Begins an upload, takes a whole blob at once, or mounts one of another repository. */
export const uploads: Answer = async (exchange, repository) => {
  const { registry, images, request } = exchange;
  if (request.method !== 'POST') throw unsupported(request.method);
  exchange.demand('InitiateLayerUpload');
  images.repository(repository);
  const mounted = request.query.get('mount');
  if (mounted !== null && mount(exchange, repository, checkedDigest(mounted))) {
    return created(repository, mounted);
  }
  const whole = request.query.get('digest');
  const digest = whole === null ? undefined : checkedDigest(whole);
  if (digest !== undefined) {
    exchange.demand('UploadLayerPart');
    exchange.demand('CompleteLayerUpload');
  }
  const uploadId = registry.beginUpload(repository);
  if (digest === undefined) return progress(202, repository, uploadId, 0);
  try {
    await registry.append(uploadId, bodyOf(exchange));
    await finish(exchange, repository, uploadId, digest);
  } catch (error) {
    registry.endUpload(uploadId);
    throw error;
  }
  return created(repository, digest);
};

/** An upload under way: more of it, its end, how far it is, or its cancellation. */
export const upload: Answer = async (exchange, repository, uploadId) => {
  const { registry, images, request } = exchange;
  const { method } = request;
  if (method === 'PUT') exchange.demand('CompleteLayerUpload');
  else if (method === 'PATCH' || method === 'GET' || method === 'DELETE') exchange.demand('UploadLayerPart');
  else throw unsupported(method);
  images.repository(repository);
  const found = registry.upload(repository, uploadId);
  if (!found) {
    throw new DistributionError(
      'BLOB_UPLOAD_UNKNOWN',
      `The upload ${uploadId} is not under way in the repository '${repository}'`,
    );
  }
  if (method === 'GET') return progress(204, repository, uploadId, found.size);
  if (registry.isBusy(uploadId)) {
    throw new DistributionError(
      'BLOB_UPLOAD_INVALID',
      `Another request is writing to the upload ${uploadId}`,
    );
  }
  if (method === 'DELETE') {
    registry.endUpload(uploadId);
    return { status: 204, headers: {} };
  }
  const given = request.query.get('digest');
  const digest = method === 'PUT' ? checkedDigest(given ?? '') : undefined;
  checkRange(exchange, repository, uploadId, found.size);
  const hasBody = request.headers['content-length'] !== '0';
  if (hasBody && method === 'PUT') exchange.demand('UploadLayerPart');
  const { size } = hasBody ? await registry.append(uploadId, bodyOf(exchange)) : found;
  if (digest === undefined) return progress(202, repository, uploadId, size);
  try {
    await finish(exchange, repository, uploadId, digest);
  } catch (error) {
    registry.endUpload(uploadId);
    throw error;
  }
  return created(repository, digest);
};

async function finish(
  { registry }: Exchange,
  repository: string,
  uploadId: string,
  digest: string,
): Promise<void> {
  const actual = await registry.digestOfUpload(uploadId);
  if (actual !== digest) {
    throw new DistributionError(
      'DIGEST_INVALID',
      `What was uploaded has the digest ${actual}, not ${digest}`,
    );
  }
  if (!registry.upload(repository, uploadId)) {
    throw new DistributionError('BLOB_UPLOAD_UNKNOWN', `The upload ${uploadId} was ended`);
  }
  registry.finishUpload(uploadId, digest);
}

/** Whether a blob could be mounted; where it is not to be had, the client uploads it instead. */
function mount({ registry, request, demand }: Exchange, repository: string, digest: string): boolean {
  if (registry.layerSize(repository, digest) !== undefined) return true;
  const from = request.query.get('from');
  if (from === null || registry.layerSize(from, digest) === undefined) return false;
  try {
    demand('GetDownloadUrlForLayer', from);
  } catch {
    return false;
  }
  registry.mount(repository, digest);
  return true;
}

/** @throws DistributionError when the chunk that comes is not the next one. */
function checkRange({ request }: Exchange, repository: string, uploadId: string, size: number): void {
  const header = request.headers['content-range'];
  if (header === undefined) return;
  const range = readContentRange(header);
  const length = request.headers['content-length'];
  if (range && range.first === size) {
    if (length === undefined || Number(length) === range.last - range.first + 1) return;
    throw new DistributionError('SIZE_INVALID', `The chunk has ${length} bytes, not those of ${header}`);
  }
  throw new DistributionError(
    'RANGE_INVALID',
    `The next chunk of the upload begins at byte ${size}, not as in '${header}'`,
    progress(416, repository, uploadId, size).headers,
  );
}

function bodyOf({ request }: Exchange): AsyncIterable<Uint8Array> {
  return request.body.iterator({ destroyOnReturn: false });
}

function progress(status: number, repository: string, uploadId: string, size: number): HttpResponse {
  return {
    status,
    headers: {
      location: `/v2/${repository}/blobs/uploads/${uploadId}`,
      range: `0-${Math.max(size - 1, 0)}`,
      'docker-upload-uuid': uploadId,
    },
  };
}

function created(repository: string, digest: string): HttpResponse {
  return {
    status: 201,
    headers: { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest },
  };
}

function checkedDigest(digest: string): string {
  if (DIGEST.test(digest)) return digest;
  throw new DistributionError(
    'DIGEST_INVALID',
    `'${digest}' is no digest: sha256: and 64 hex digits are expected`,
  );
}

function unsupported(method: string): DistributionError {
  return new DistributionError('UNSUPPORTED', `The method ${method} is not supported here`);
}

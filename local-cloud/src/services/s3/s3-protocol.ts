import { Readable } from 'node:stream';
import { AwsError } from '../../errors.js';
import type { HttpRequest } from '../../http/messages.js';
import type { RouteMatch } from '../../protocol/http-binding.js';
import type { OperationModel, ServiceModel } from '../../protocol/model.js';
import { restXml, type ServerProtocol } from '../../protocol/protocols.js';
import { escapeXml } from '../../protocol/xml.js';
import { addressOf } from './addressing.js';
import { methodNotAllowed } from './errors.js';
import { wholeBody } from './request-body.js';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Structured bodies (configurations, lists of keys or parts) larger than this are refused, in bytes. */
const DOCUMENT_LIMIT = 2 * 1024 * 1024;

/** Operations that the model binds alike; the request's upload id and its copied source tell them apart. */
const OF_UPLOADS: Readonly<Record<string, string>> = {
  GET: 'ListParts',
  DELETE: 'AbortMultipartUpload',
  PUT: 'UploadPart',
  POST: 'CompleteMultipartUpload',
};

/**
 * S3's dialect of REST XML: the bucket comes from the path or the host, some operations differ by query and
 * header alone, and documents are checked against their declared checksums.
 */
export function s3Protocol(model: ServiceModel): ServerProtocol {
  const ambiguous = new Set(['CopyObject', 'UploadPartCopy', ...Object.values(OF_UPLOADS)]);
  const ofAccount = restXml(model, NAMESPACE, { filter: ({ name }) => name === 'ListBuckets' });
  const ofBucket = restXml(model, NAMESPACE, {
    filter: (operation) => hasBucket(operation) && !ambiguous.has(operation.name),
  });

  function named(name: string): OperationModel {
    const operation = model.operations.get(name);
    if (!operation) throw new Error(`the model of S3 has no operation ${name}`);
    return operation;
  }

  function tellApart({ operation, labels }: RouteMatch, { method, query, headers }: HttpRequest): RouteMatch {
    const copies = headers['x-amz-copy-source'] !== undefined;
    const plain = ['GetObject', 'DeleteObject', 'PutObject'].includes(operation.name);
    if (plain && query.has('uploadId')) {
      const name = method === 'PUT' && copies ? 'UploadPartCopy' : (OF_UPLOADS[method] ?? '');
      return { operation: named(name), labels };
    }
    return plain && method === 'PUT' && copies
      ? { operation: named('CopyObject'), labels }
      : { operation, labels };
  }

  function route(request: HttpRequest): RouteMatch {
    const { bucket, path } = addressOf(request);
    const found =
      bucket === undefined ? ofAccount.route({ ...request, path }) : ofBucket.route({ ...request, path });
    if (found) {
      const match = tellApart(found, request);
      return bucket === undefined
        ? match
        : { ...match, labels: { ...match.labels, Bucket: encodeURIComponent(bucket) } };
    }
    if (bucket !== undefined && path !== '/' && request.method === 'POST' && request.query.has('uploadId')) {
      const labels = { Bucket: encodeURIComponent(bucket), Key: path.slice(1) };
      return { operation: named('CompleteMultipartUpload'), labels };
    }
    throw methodNotAllowed(
      request.method,
      bucket === undefined ? 'SERVICE' : path === '/' ? 'BUCKET' : 'OBJECT',
    );
  }

  return {
    route,
    async readInput(match, sent) {
      const request = withHoistedHeaders(sent);
      if (hasStreamingPayload(match.operation)) return ofBucket.readInput(match, request);
      const bytes = await wholeBody(request, DOCUMENT_LIMIT);
      return ofBucket.readInput(match, { ...request, body: Readable.from([bytes], { objectMode: false }) });
    },
    writeOutput(operation, output, requestId) {
      if (operation.name === 'GetBucketLocation') return location(output.LocationConstraint);
      const answer = ofBucket.writeOutput(operation, output, requestId);
      return output.ContentRange === undefined ? answer : { ...answer, status: 206 };
    },
    writeError(error, requestId) {
      // Conditional reads answer 304, which has no body and is no error to the caller.
      if (error.status === 304) return { status: 304, headers: stringMembers(error.members) };
      return ofBucket.writeError(error, requestId);
    },
  };
}

/**
 * The request with those headers that a presigned URL carries in its query, as SDKs put them there; checksums
 * are left out, since they are of the empty body that was known when the URL was made.
 */
function withHoistedHeaders(request: HttpRequest): HttpRequest {
  if (!request.query.has('X-Amz-Signature')) return request;
  const hoisted = [...request.query]
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => name.startsWith('x-amz-') && !NOT_HOISTED.test(name));
  return { ...request, headers: { ...Object.fromEntries(hoisted), ...request.headers } };
}

const NOT_HOISTED =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|sdk-checksum-algorithm|checksum-.*)$/;

/** The answer to a conditional read whose caller has the object already. */
export function notModified(headers: Record<string, string>): AwsError {
  return new AwsError('NotModified', 'Not Modified', 304, headers);
}

function hasBucket({ input }: OperationModel): boolean {
  return input.isStructSchema() && [...input.structIterator()].some(([name]) => name === 'Bucket');
}

function hasStreamingPayload({ input }: OperationModel): boolean {
  if (!input.isStructSchema()) return false;
  return [...input.structIterator()].some(
    ([, member]) => member.getMemberTraits().httpPayload && member.isStreaming(),
  );
}

function stringMembers(members: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, String(value)]));
}

/** Unlike all other answers this one has its member as root element (S3 API reference, `GetBucketLocation`). */
function location(constraint: unknown) {
  const text = typeof constraint === 'string' ? escapeXml(constraint) : '';
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="${NAMESPACE}">${text}</LocationConstraint>`,
  };
}

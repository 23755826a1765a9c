import type { Readable } from 'node:stream';
import { AwsError } from '../../errors.js';
import { byteRange } from '../../http/byte-range.js';
import type { HttpRequest, HttpResponse } from '../../http/messages.js';
import { element, escapeXml } from '../../protocol/xml.js';
import type { OriginObject } from '../s3/origin-objects.js';

/** Answers with an object as S3 does: with its validators, or a part of it, or `304` to who has it. */
export function objectResponse(object: OriginObject, conditions: HttpRequest['headers']): HttpResponse {
  const lastModified = new Date(object.lastModified).toUTCString();
  const headers = {
    ...object.headers,
    etag: object.etag,
    'last-modified': lastModified,
    'accept-ranges': 'bytes',
    server: 'AmazonS3',
  };
  if (isKnown(object, conditions)) return { status: 304, headers };
  const isOfThis =
    conditions['if-range'] === undefined || [object.etag, lastModified].includes(conditions['if-range']);
  const range = isOfThis ? byteRange(conditions.range, object.size) : undefined;
  const { start, end } = range ?? { start: 0, end: object.size };
  return {
    status: range ? 206 : 200,
    headers: {
      ...headers,
      'content-length': String(end - start),
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${object.size}` }),
    },
    body: object.read(start, end),
  };
}

/** Whether the client has the object already (RFC 9110, section 13.2.2). */
function isKnown(object: OriginObject, conditions: HttpRequest['headers']): boolean {
  const { 'if-none-match': tags, 'if-modified-since': since } = conditions;
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  if (tags !== undefined) {
    return tags.split(',').some((tag) => bare(tag) === object.etag || tag.trim() === '*');
  }
  return since !== undefined && Math.floor(object.lastModified / 1000) * 1000 <= Date.parse(since);
}

/** An error of the origin, in S3's words; anything that S3 does not say is a defect, and thrown on. */
export function originError(error: unknown, requestId: string): HttpResponse {
  if (!(error instanceof AwsError)) throw error;
  const content =
    element('Code', escapeXml(error.code)) +
    element('Message', escapeXml(error.message)) +
    element('RequestId', requestId);
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml', server: 'AmazonS3' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', content)}`,
  };
}

/** The whole body of an answer. */
export async function bodyOf({ body = '' }: HttpResponse): Promise<Uint8Array> {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body as Readable) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

import { AwsError } from '../../../errors.js';
import type { ObjectReader } from '../../s3/object-reader.js';
import { invalid } from '../errors.js';
import { LARGEST_DOCUMENT } from './errors.js';

/**
 * The document of a new job: given itself, or as the address of an object in S3, in the forms that S3 gives them
 * (`https://bucket.s3.region.amazonaws.com/key`, `https://s3.region.amazonaws.com/bucket/key`, and the same path at
 * any other host, as S3 of a local cloud has it) or as `s3://bucket/key`.
 *
 * @throws InvalidRequestException when neither or both are given, or the object cannot be read.
 */
export async function documentFrom(
  { document, documentSource }: { document?: string | undefined; documentSource?: string | undefined },
  readObject: ObjectReader | undefined,
): Promise<string> {
  if (document !== undefined && documentSource !== undefined) {
    throw invalid('Only one of document and documentSource can be given.');
  }
  if (document !== undefined) return document;
  if (documentSource === undefined) throw invalid('Either document or documentSource must be given.');
  const object = parseObjectUrl(documentSource);
  if (!object) throw invalid(`The documentSource ${documentSource} is not the address of an object in S3.`);
  if (!readObject) throw invalid('There is no S3 to read the documentSource from.');
  try {
    const bytes = await readObject(object.bucket, object.key, object.version);
    if (bytes.length > LARGEST_DOCUMENT) {
      throw invalid(`The job document can have at most ${LARGEST_DOCUMENT} bytes.`);
    }
    return new TextDecoder('utf8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof AwsError) {
      throw invalid(`The documentSource ${documentSource} cannot be read: ${error.message}`);
    }
    if (error instanceof TypeError) throw invalid('The job document is not UTF-8 encoded.');
    throw error;
  }
}

const VIRTUAL_HOST = /^(.+)\.s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/;

/** Reads the address of an object; undefined for what is none. */
export function parseObjectUrl(
  text: string,
): { bucket: string; key: string; version: string | undefined } | undefined {
  let url: URL;
  let path: string;
  try {
    url = new URL(text);
    path = decodeURIComponent(url.pathname.slice(1));
  } catch {
    return undefined;
  }
  const version = url.searchParams.get('versionId') ?? undefined;
  if (url.protocol === 's3:') return whole(url.hostname, path, version);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const bucket = VIRTUAL_HOST.exec(url.hostname)?.[1];
  if (bucket !== undefined) return whole(bucket, path, version);
  const slash = path.indexOf('/');
  return slash < 0 ? undefined : whole(path.slice(0, slash), path.slice(slash + 1), version);
}

function whole(bucket: string, key: string, version: string | undefined) {
  return bucket === '' || key === '' ? undefined : { bucket, key, version };
}

import type { ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';
import { AwsError } from '../../errors.js';
import { type Bucket, defaultEncryption } from './bucket-store.js';
import { invalidArgument, notBuilt } from './errors.js';
import type { ObjectDescription } from './object-store.js';

/** Members by which PutObject, CopyObject and CreateMultipartUpload describe an object. */
export interface DescriptionInput {
  ACL?: string;
  CacheControl?: string;
  ContentDisposition?: string;
  ContentEncoding?: string;
  ContentLanguage?: string;
  ContentType?: string;
  Expires?: Date | string;
  WebsiteRedirectLocation?: string;
  Metadata?: Record<string, string>;
  Tagging?: string;
  StorageClass?: StorageClass;
  ServerSideEncryption?: ServerSideEncryption;
  SSEKMSKeyId?: string;
  SSECustomerAlgorithm?: string;
  ObjectLockMode?: string;
  ObjectLockRetainUntilDate?: Date;
  ObjectLockLegalHoldStatus?: string;
}

/** Total size of names and values of user metadata, in bytes (S3 user guide, "Working with object metadata"). */
const METADATA_LIMIT = 2048;

/** Reads what a caller says of an object. @throws AwsError when something of it is invalid or not built. */
export function describe(bucket: Bucket, input: DescriptionInput): ObjectDescription {
  refuseUnbuilt(bucket, input);
  const metadata = input.Metadata ?? {};
  const size = Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (size > METADATA_LIMIT) {
    throw new AwsError(
      'MetadataTooLarge',
      'Your metadata headers exceed the maximum allowed metadata size',
      400,
      {
        Size: String(size),
        MaxSizeAllowed: String(METADATA_LIMIT),
      },
    );
  }
  const encoding = input.ContentEncoding?.split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== 'aws-chunked' && coding !== '')
    .join(',');
  const headers = {
    CacheControl: input.CacheControl,
    ContentDisposition: input.ContentDisposition,
    ContentEncoding: encoding === '' ? undefined : encoding,
    ContentLanguage: input.ContentLanguage,
    ContentType: input.ContentType ?? 'binary/octet-stream',
    ExpiresString: input.Expires instanceof Date ? input.Expires.toUTCString() : input.Expires,
    WebsiteRedirectLocation: input.WebsiteRedirectLocation,
  };
  return {
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    metadata,
    tags: input.Tagging === undefined ? {} : tagsFromHeader(input.Tagging),
    storageClass: storageClassOf(input),
    encryption: encryptionOf(input) ?? defaultEncryption(bucket),
  };
}

const ENCRYPTIONS: ReadonlySet<string> = new Set<ServerSideEncryption>(['AES256', 'aws:kms', 'aws:kms:dsse']);

/** What an object is said to be encrypted with; which key of KMS that is, is not built. */
function encryptionOf(input: DescriptionInput): ServerSideEncryption | undefined {
  if (input.SSEKMSKeyId !== undefined) throw notBuilt('Encryption with a key of KMS');
  const { ServerSideEncryption: algorithm } = input;
  if (algorithm === undefined || ENCRYPTIONS.has(algorithm)) return algorithm;
  throw new AwsError('InvalidEncryptionAlgorithmError', 'The encryption request you specified is not valid.');
}

/** Classes whose objects can be read at once; they differ in price, so here they are only told. */
const STORAGE_CLASSES: ReadonlySet<string> = new Set<StorageClass>([
  'GLACIER_IR',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'REDUCED_REDUNDANCY',
  'STANDARD',
  'STANDARD_IA',
]);

function storageClassOf({ StorageClass: name = 'STANDARD' }: DescriptionInput): StorageClass {
  if (STORAGE_CLASSES.has(name)) return name;
  // What is archived has to be restored before it is read.
  if (name === 'GLACIER' || name === 'DEEP_ARCHIVE') throw notBuilt(`The storage class ${name}`);
  throw new AwsError('InvalidStorageClass', 'The storage class you specified is not valid', 400, {
    StorageClassRequested: name,
  });
}

function refuseUnbuilt(bucket: Bucket, input: DescriptionInput): void {
  if (input.SSECustomerAlgorithm !== undefined) throw notBuilt('Encryption with keys of the customer');
  if (input.ObjectLockMode ?? input.ObjectLockRetainUntilDate ?? input.ObjectLockLegalHoldStatus) {
    throw new AwsError('InvalidRequest', 'Bucket is missing Object Lock Configuration');
  }
  checkAcl(bucket, input.ACL);
}

/** @throws AwsError for an ACL that grants anything to others: buckets do not take them any more, or they are not built. */
export function checkAcl(bucket: Pick<Bucket, 'ownershipControls'>, acl: string | undefined): void {
  if (acl === undefined || acl === 'bucket-owner-full-control' || acl === 'private') return;
  const ownership = bucket.ownershipControls?.Rules?.[0]?.ObjectOwnership;
  if (ownership === undefined || ownership === 'BucketOwnerEnforced') {
    throw new AwsError('AccessControlListNotSupported', 'The bucket does not allow ACLs');
  }
  throw notBuilt(`The ACL ${acl}`);
}

/** Tags as the `x-amz-tagging` header spells them: a URL query. */
function tagsFromHeader(header: string): Record<string, string> {
  const pairs = [...new URLSearchParams(header)].map(([Key, Value]) => ({ Key, Value }));
  return tagsFromSet(pairs, 10);
}

/** Most tags a bucket may have. */
export const BUCKET_TAG_LIMIT = 50;
export const OBJECT_TAG_LIMIT = 10;

/** @throws AwsError `InvalidTag`, `BadRequest` when there are too many, too long ones, or one twice. */
export function tagsFromSet(
  tags: readonly { Key: string | undefined; Value: string | undefined }[],
  limit: number,
): Record<string, string> {
  if (tags.length > limit) {
    throw new AwsError(
      'BadRequest',
      `${limit === BUCKET_TAG_LIMIT ? 'Bucket' : 'Object'} tags cannot be greater than ${limit}`,
    );
  }
  const result: Record<string, string> = {};
  for (const { Key = '', Value = '' } of tags) {
    if (Key === '' || Key.length > 128)
      throw new AwsError('InvalidTag', 'The TagKey you have provided is invalid');
    if (Value.length > 256) throw new AwsError('InvalidTag', 'The TagValue you have provided is invalid');
    if (Object.hasOwn(result, Key)) {
      throw new AwsError('InvalidTag', 'Cannot provide multiple Tags with the same key');
    }
    result[Key] = Value;
  }
  return result;
}

/** @throws AwsError `KeyTooLongError`, `InvalidArgument`. */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size > 1024) {
    throw new AwsError('KeyTooLongError', 'Your key is too long', 400, {
      Size: String(size),
      MaxSizeAllowed: '1024',
    });
  }
  if (key === '') throw invalidArgument('key', key, 'Object key must not be empty');
}

/** The permission that an operation needs, and on what. */
export interface S3Permission {
  readonly action: string;
  readonly on: 'service' | 'bucket' | 'object';
}

/**
 * Operations whose permission has another name than the operation (S3 user guide, "Required permissions for
 * Amazon S3 API operations").
 */
const PERMISSIONS: Readonly<Record<string, string>> = {
  ListBuckets: 's3:ListAllMyBuckets',
  HeadBucket: 's3:ListBucket',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListParts: 's3:ListMultipartUploadParts',
  HeadObject: 's3:GetObject',
  GetObjectAttributes: 's3:GetObject',
  CopyObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  DeleteObjects: 's3:DeleteObject',
  GetBucketEncryption: 's3:GetEncryptionConfiguration',
  PutBucketEncryption: 's3:PutEncryptionConfiguration',
  DeleteBucketEncryption: 's3:PutEncryptionConfiguration',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  PutBucketLifecycleConfiguration: 's3:PutLifecycleConfiguration',
  DeleteBucketLifecycle: 's3:PutLifecycleConfiguration',
  GetBucketCors: 's3:GetBucketCORS',
  PutBucketCors: 's3:PutBucketCORS',
  DeleteBucketCors: 's3:PutBucketCORS',
  GetPublicAccessBlock: 's3:GetBucketPublicAccessBlock',
  PutPublicAccessBlock: 's3:PutBucketPublicAccessBlock',
  DeletePublicAccessBlock: 's3:PutBucketPublicAccessBlock',
  DeleteBucketOwnershipControls: 's3:PutBucketOwnershipControls',
  DeleteBucketTagging: 's3:PutBucketTagging',
};

/** Actions that have a twin for requests that name a version. */
const VERSIONED = new Set([
  's3:GetObject',
  's3:DeleteObject',
  's3:GetObjectTagging',
  's3:PutObjectTagging',
  's3:DeleteObjectTagging',
]);

/** Operations that are about an object. */
const OF_OBJECTS =
  /^(Get|Head|Put|Delete|Copy)Object(Attributes|Tagging)?$|^(UploadPart|UploadPartCopy|CreateMultipartUpload|CompleteMultipartUpload|AbortMultipartUpload|ListParts)$/;

/** The permission for an operation; `ofVersion` says that the request names a version of the object. */
export function permissionOf(operation: string, ofVersion: boolean): S3Permission {
  const action = PERMISSIONS[operation] ?? `s3:${operation}`;
  const on = operation === 'ListBuckets' ? 'service' : OF_OBJECTS.test(operation) ? 'object' : 'bucket';
  if (!ofVersion || !VERSIONED.has(action)) return { action, on };
  return { action: action.replace(/(Object)(Tagging)?$/, '$1Version$2'), on };
}

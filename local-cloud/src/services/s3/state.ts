import type * as sdk from '@aws-sdk/client-s3';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import type { BlobStore } from './blob-store.js';
import type { BucketStore } from './bucket-store.js';
import type { ObjectStore } from './object-store.js';
import type { UploadStore } from './upload-store.js';

/** What the operations of S3 work on. */
export interface S3State {
  readonly base: Base;
  readonly buckets: BucketStore;
  readonly objects: ObjectStore;
  readonly uploads: UploadStore;
  readonly blobs: BlobStore;
}

export type S3Operations = Operations<typeof sdk>;

import { randomBytes } from 'node:crypto';
import { key as compoundKey, type Store } from '../../store/store.js';
import type { BlobStore, Segment } from './blob-store.js';
import type { Checksum, ChecksumAlgorithm } from './checksum.js';
import { noSuchUpload } from './errors.js';
import type { ObjectDescription } from './object-store.js';

/** A multipart upload that is neither completed nor aborted. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  /** Milliseconds since 1970. */
  readonly initiated: number;
  readonly description: ObjectDescription;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: Checksum['type'] } | undefined;
}

export interface Part {
  readonly number: number;
  /** MD5 in hex. */
  readonly md5: string;
  readonly segment: Segment;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

/** Multipart uploads and their parts. */
export interface UploadStore {
  create(upload: Omit<Upload, 'uploadId' | 'initiated'>): Upload;
  /** @throws AwsError `NoSuchUpload`. */
  get(bucket: string, key: string, uploadId: string | undefined): Upload;
  /** Puts a part in the place of one of that number; within {@link BlobStore.commit}. */
  putPart(upload: Upload, part: Part): void;
  /** In order of their numbers. */
  parts(upload: Upload): Part[];
  /** Forgets the upload and releases its parts; within {@link BlobStore.commit}. */
  remove(upload: Upload): void;
  /** Uploads of a bucket in order of key and initiation. */
  list(bucket: string): Upload[];
}

export function uploadStore(store: Store, blobs: BlobStore, now: () => number): UploadStore {
  const uploads = store.table<Upload>('s3.uploads');
  const parts = store.table<Part>('s3.parts');
  const partKey = (uploadId: string, number: number) =>
    compoundKey(uploadId, String(number).padStart(5, '0'));
  const partsOf = (uploadId: string) => parts.entries({ prefix: compoundKey(uploadId, '') });
  return {
    create(draft) {
      const upload = { ...draft, uploadId: randomBytes(48).toString('base64url'), initiated: now() };
      uploads.put(upload.uploadId, upload);
      return upload;
    },
    get(bucket, key, uploadId = '') {
      const upload = uploads.get(uploadId);
      if (upload?.bucket !== bucket || upload.key !== key) throw noSuchUpload(uploadId);
      return upload;
    },
    putPart({ uploadId }, part) {
      const previous = parts.get(partKey(uploadId, part.number));
      blobs.refer([part.segment]);
      if (previous) blobs.release([previous.segment]);
      parts.put(partKey(uploadId, part.number), part);
    },
    parts: ({ uploadId }) => [...partsOf(uploadId)].map(([, part]) => part),
    remove({ uploadId }) {
      for (const [name, part] of [...partsOf(uploadId)]) {
        parts.delete(name);
        blobs.release([part.segment]);
      }
      uploads.delete(uploadId);
    },
    list(bucket) {
      const found = [...uploads.entries()]
        .map(([, upload]) => upload)
        .filter((upload) => upload.bucket === bucket);
      return found.sort(
        (a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.initiated - b.initiated,
      );
    },
  };
}

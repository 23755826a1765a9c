import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-s3';
import { AwsError } from '../../errors.js';
import type { HttpRequest, HttpResponse } from '../../http/messages.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { defineService, type Service } from '../../service.js';
import { type S3Roles, s3Access } from './access.js';
import { blobStore } from './blob-store.js';
import { bucketConfiguration } from './bucket-configuration.js';
import { bucketCorsOperations } from './bucket-cors.js';
import { bucketOperations } from './bucket-operations.js';
import { bucketPolicyType } from './bucket-policy-type.js';
import { bucketStore } from './bucket-store.js';
import { bucketType } from './bucket-type.js';
import { bucketCors } from './cors.js';
import { ownError } from './errors.js';
import { multipart } from './multipart.js';
import { multipartListings } from './multipart-listings.js';
import { type ObjectDigest, objectDigest } from './object-digest.js';
import { objectListings } from './object-listings.js';
import { type ObjectReader, objectReader } from './object-reader.js';
import { objectReads } from './object-reads.js';
import { objectStore } from './object-store.js';
import { objectTagging } from './object-tagging.js';
import { type ObjectWriter, objectWriter } from './object-writer.js';
import { objectWrites } from './object-writes.js';
import { type OriginObjects, originObjects } from './origin-objects.js';
import { s3Protocol } from './s3-protocol.js';
import type { S3State } from './state.js';
import { uploadStore } from './upload-store.js';
import { versionListing } from './version-listing.js';

/** Amazon S3: buckets and objects, path style and virtual-hosted style. */
export function s3(
  base: Base,
  capabilities: { roles: S3Roles },
): Plugin & {
  readonly readObject: ObjectReader;
  readonly writeObject: ObjectWriter;
  readonly objectDigest: ObjectDigest;
  readonly originObjects: OriginObjects;
} {
  const { store, clock } = base;
  const now = () => clock.now();
  const blobs = blobStore(join(base.stateDirectory, 's3'), store);
  const buckets = bucketStore(store);
  const state: S3State = {
    base,
    buckets,
    blobs,
    objects: objectStore(store, blobs, now),
    uploads: uploadStore(store, blobs, now),
  };
  const access = s3Access(base, buckets, capabilities.roles);
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 's3',
    scopes: ['s3'],
    model,
    protocol: s3Protocol(model),
    authorize: access.authorize,
    validationError: { code: 'InvalidArgument' },
    operations: {
      ...bucketOperations(state),
      ...bucketConfiguration(state),
      ...bucketCorsOperations(state),
      ...objectReads(state, access),
      ...objectWrites(state, access),
      ...objectTagging(state),
      ...objectListings(state),
      ...versionListing(state),
      ...multipart(state, access),
      ...multipartListings(state),
    },
  });
  const cors = bucketCors(buckets);

  /** Answers what a browser asks before a request; what it is not allowed is an error as any other. */
  function preflight(request: HttpRequest, requestId: string): HttpResponse | undefined {
    try {
      return cors.preflight(request);
    } catch (error) {
      if (error instanceof AwsError) return service.refuse(error, requestId, request);
      throw error;
    }
  }

  const inOwnWords: Service = {
    ...service,
    handle: async (request, call) =>
      preflight(request, call.requestId) ?? cors.shared(request, await service.handle(request, call)),
    // The question before a request that is signed in its URL has that signature too, where it is not right.
    refuse: (error, requestId, request) =>
      preflight(request, requestId) ??
      cors.shared(request, service.refuse(ownError(error), requestId, request)),
  };
  return {
    services: [inOwnWords],
    resourceTypes: [bucketType(state), bucketPolicyType(buckets)],
    close: () => blobs.close(),
    readObject: objectReader(state),
    writeObject: objectWriter(state),
    objectDigest: objectDigest(state, access),
    originObjects: originObjects(state, capabilities.roles),
  };
}

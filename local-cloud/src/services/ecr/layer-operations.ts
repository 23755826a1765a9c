import * as sdk from '@aws-sdk/client-ecr';
import type { Operations } from '../../service.js';
import { layersNotFound, unsatisfied, uploadNotFound } from './errors.js';
import type { Images } from './images.js';
import type { LayerUrls } from './layer-urls.js';
import { DIGEST } from './names.js';
import type { Registry } from './registry.js';
import type { UploadRecord } from './tables.js';

/** Bytes of a part that the registry asks for, and the least that all but the last must have (ECR API reference). */
const PART_SIZE = 10 * 1024 * 1024;
const SMALLEST_PART = 5 * 1024 * 1024;

/** Layers: whether they are there, where to get them, and how they are uploaded in parts. */
export function layerOperations(registry: Registry, images: Images, urls: LayerUrls) {
  const { registryId } = registry;

  function uploadOf(repository: string, uploadId: string): UploadRecord {
    const upload = registry.upload(repository, uploadId);
    if (!upload || registry.isBusy(uploadId)) throw uploadNotFound(uploadId, images.where(repository));
    return upload;
  }

  return {
    BatchCheckLayerAvailability(input: sdk.BatchCheckLayerAvailabilityCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const digests = input.layerDigests ?? [];
      if (digests.length < 1 || digests.length > 100)
        throw unsatisfied('layerDigests', 'has 1 to 100 members');
      const layers: sdk.Layer[] = [];
      const failures: sdk.LayerFailure[] = [];
      for (const layerDigest of digests) {
        if (!DIGEST.test(layerDigest)) {
          failures.push({
            layerDigest,
            failureCode: 'InvalidLayerDigest',
            failureReason: `Invalid layer digest: '${layerDigest}'`,
          });
          continue;
        }
        const layerSize = registry.layerSize(name, layerDigest);
        layers.push(
          layerSize === undefined
            ? { layerDigest, layerAvailability: 'UNAVAILABLE' }
            : { layerDigest, layerAvailability: 'AVAILABLE', layerSize },
        );
      }
      return { layers, failures };
    },

    async GetDownloadUrlForLayer(input: sdk.GetDownloadUrlForLayerCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const { layerDigest = '' } = input;
      if (!DIGEST.test(layerDigest)) throw unsatisfied('layerDigest', 'must be sha256: and 64 hex digits');
      if (registry.layerSize(name, layerDigest) === undefined) {
        throw layersNotFound(
          `The layer with digest '${layerDigest}' does not exist in ${images.where(name)}`,
        );
      }
      return { downloadUrl: await urls.of(name, layerDigest), layerDigest };
    },

    InitiateLayerUpload(input: sdk.InitiateLayerUploadCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      return { uploadId: registry.beginUpload(name), partSize: PART_SIZE };
    },

    async UploadLayerPart(input: sdk.UploadLayerPartCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const { uploadId = '', partFirstByte, partLastByte, layerPartBlob = new Uint8Array() } = input;
      const { size } = uploadOf(name, uploadId);
      if (partFirstByte !== size || partLastByte !== size + layerPartBlob.length - 1) {
        throw new sdk.InvalidLayerPartException({
          message: `The layer part of bytes ${partFirstByte} to ${partLastByte} is not the next one: ${layerPartBlob.length} bytes came, behind byte ${size - 1}`,
          registryId,
          repositoryName: name,
          uploadId,
          lastValidByteReceived: size - 1,
          $metadata: {},
        });
      }
      const parts = (async function* () {
        yield layerPartBlob;
      })();
      const { size: received } = await registry.append(uploadId, parts, SMALLEST_PART);
      return { registryId, repositoryName: name, uploadId, lastByteReceived: received - 1 };
    },

    async CompleteLayerUpload(input: sdk.CompleteLayerUploadCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const { uploadId = '', layerDigests = [] } = input;
      const where = images.where(name);
      const upload = uploadOf(name, uploadId);
      if (upload.size === 0) {
        throw new sdk.EmptyUploadException({
          message: `The upload with id '${uploadId}' in ${where} has no parts`,
          $metadata: {},
        });
      }
      if (upload.tooSmall) {
        throw new sdk.LayerPartTooSmallException({
          message: `All parts but the last of the upload with id '${uploadId}' must have at least ${SMALLEST_PART} bytes`,
          $metadata: {},
        });
      }
      const layerDigest = await registry.digestOfUpload(uploadId);
      if (layerDigests.length === 0 || layerDigests.some((digest) => digest !== layerDigest)) {
        throw new sdk.InvalidLayerException({
          message: `The calculated digest '${layerDigest}' does not match the provided digest '${layerDigests.join(', ')}'`,
          $metadata: {},
        });
      }
      if (registry.layerSize(name, layerDigest) !== undefined) {
        registry.endUpload(uploadId);
        throw new sdk.LayerAlreadyExistsException({
          message: `The layer with digest '${layerDigest}' already exists in ${where}`,
          $metadata: {},
        });
      }
      registry.finishUpload(uploadId, layerDigest);
      return { registryId, repositoryName: name, uploadId, layerDigest };
    },
  } satisfies Operations<typeof sdk>;
}

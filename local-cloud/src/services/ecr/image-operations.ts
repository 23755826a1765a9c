import type * as sdk from '@aws-sdk/client-ecr';
import { behind } from '../../paging.js';
import type { Operations } from '../../service.js';
import { invalidParameter, unsatisfied } from './errors.js';
import { type Images, identifierFailure } from './images.js';
import { pageOf } from './parameters.js';
import type { Registry, TaggedImage } from './registry.js';

/** Images that one request may name (ECR API reference, `imageIds`). */
const MOST_IDS = 100;

/** Images and what is known of them. */
export function imageOperations(registry: Registry, images: Images) {
  const { registryId } = registry;

  function checkCount(imageIds: readonly sdk.ImageIdentifier[] | undefined): sdk.ImageIdentifier[] {
    const count = imageIds?.length ?? 0;
    if (count < 1 || count > MOST_IDS) throw unsatisfied('imageIds', `has 1 to ${MOST_IDS} members`);
    return [...(imageIds ?? [])];
  }

  function detailOf(repositoryName: string, image: TaggedImage): sdk.ImageDetail {
    return {
      registryId,
      repositoryName,
      imageDigest: image.digest,
      ...(image.tags.length > 0 && { imageTags: [...image.tags] }),
      imageSizeInBytes: image.size,
      imagePushedAt: new Date(image.pushed),
      imageManifestMediaType: image.mediaType,
      ...(image.artifactType !== undefined && { artifactMediaType: image.artifactType }),
      ...(image.pulled !== undefined && { lastRecordedPullTime: new Date(image.pulled) }),
      ...(image.subject !== undefined && { subjectManifestDigest: image.subject }),
    };
  }

  function imageOf(repositoryName: string, image: TaggedImage, imageTag: string | undefined): sdk.Image {
    return {
      registryId,
      repositoryName,
      imageId: { imageDigest: image.digest, ...(imageTag !== undefined && { imageTag }) },
      imageManifest: Buffer.from(image.manifest).toString('utf8'),
      imageManifestMediaType: image.mediaType,
    };
  }

  /** Why an image cannot be taken out of a repository, or be handed over. */
  function missing(name: string, imageId: sdk.ImageIdentifier): sdk.ImageFailure {
    const tagged = imageId.imageTag === undefined ? undefined : registry.digestOf(name, imageId.imageTag);
    const bothGiven = imageId.imageDigest !== undefined && tagged !== undefined;
    if (bothGiven && registry.image(name, imageId.imageDigest ?? '')) {
      return {
        imageId,
        failureCode: 'ImageTagDoesNotMatchDigest',
        failureReason: 'Requested image tag does not match the requested image digest',
      };
    }
    return { imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' };
  }

  /** Deletes one image, or a tag of it; the failure says why not. */
  function deleteOne(name: string, imageId: sdk.ImageIdentifier): sdk.ImageIdentifier[] | sdk.ImageFailure {
    const problem = identifierFailure(imageId);
    if (problem) return { imageId, ...problem };
    const image = images.find(name, imageId);
    if (!image) return missing(name, imageId);
    const { imageDigest, imageTag } = imageId;
    if (imageTag !== undefined && image.tags.length > 1) {
      registry.deleteTag(name, imageTag);
      return [{ imageDigest: image.digest, imageTag }];
    }
    const index = images.indexOf(name, image.digest);
    if (index) {
      // The last tag of an image that an index names goes alone.
      if (imageTag !== undefined && imageDigest === undefined) {
        registry.deleteTag(name, imageTag);
        return [{ imageDigest: image.digest, imageTag }];
      }
      return {
        imageId,
        failureCode: 'ImageReferencedByManifestList',
        failureReason: `Requested image referenced by manifest list: [${index.digest}]`,
      };
    }
    registry.deleteImage(name, image);
    if (image.tags.length === 0) return [{ imageDigest: image.digest }];
    return image.tags.map((tag) => ({ imageDigest: image.digest, imageTag: tag }));
  }

  function matchesStatus(status: sdk.TagStatus | undefined, tagged: boolean): boolean {
    return status === undefined || status === 'ANY' || (status === 'TAGGED') === tagged;
  }

  return {
    PutImage(input: sdk.PutImageCommandInput) {
      const { repositoryName = '', imageTag } = input;
      images.repository(repositoryName, input.registryId);
      const image = images.put({
        repository: repositoryName,
        manifest: Buffer.from(input.imageManifest ?? ''),
        mediaType: input.imageManifestMediaType,
        tag: imageTag,
        digest: input.imageDigest,
      });
      return { image: imageOf(repositoryName, image, imageTag) };
    },

    BatchGetImage(input: sdk.BatchGetImageCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const found: sdk.Image[] = [];
      const failures: sdk.ImageFailure[] = [];
      for (const imageId of checkCount(input.imageIds)) {
        const problem = identifierFailure(imageId);
        const image = problem ? undefined : images.find(name, imageId);
        const accepted = input.acceptedMediaTypes ?? [];
        if (problem) failures.push({ imageId, ...problem });
        else if (!image || (accepted.length > 0 && !accepted.includes(image.mediaType))) {
          failures.push(missing(name, imageId));
        } else {
          images.notePull(name, image);
          found.push(imageOf(name, image, imageId.imageTag));
        }
      }
      return { images: found, failures };
    },

    BatchDeleteImage(input: sdk.BatchDeleteImageCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const deleted: sdk.ImageIdentifier[] = [];
      const failures: sdk.ImageFailure[] = [];
      for (const imageId of checkCount(input.imageIds)) {
        const result = deleteOne(name, imageId);
        if (Array.isArray(result)) deleted.push(...result);
        else failures.push(result);
      }
      return { imageIds: deleted, failures };
    },

    ListImages(input: sdk.ListImagesCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      const all = registry
        .images(name)
        .filter(({ tags }) => matchesStatus(input.filter?.tagStatus, tags.length > 0))
        .flatMap(({ digest, tags }): sdk.ImageIdentifier[] =>
          tags.length === 0
            ? [{ imageDigest: digest }]
            : tags.map((imageTag) => ({ imageDigest: digest, imageTag })),
        );
      const keyOf = ({ imageDigest, imageTag = '' }: sdk.ImageIdentifier) => `${imageDigest} ${imageTag}`;
      const { items, ...token } = pageOf(behind(all, keyOf), keyOf, input);
      return { imageIds: items, ...token };
    },

    DescribeImages(input: sdk.DescribeImagesCommandInput) {
      const { name } = images.repository(input.repositoryName ?? '', input.registryId);
      if (input.imageIds) {
        if (input.nextToken !== undefined || input.maxResults !== undefined || input.filter !== undefined) {
          throw unsatisfied('imageIds', 'cannot be given together with nextToken, maxResults or filter');
        }
        const ids = checkCount(input.imageIds);
        const imageDetails = ids.map((imageId) => {
          const problem = identifierFailure(imageId);
          if (problem) throw invalidParameter(problem.failureReason);
          return detailOf(name, images.existing(name, imageId));
        });
        return { imageDetails };
      }
      const all = registry
        .images(name)
        .filter(({ tags }) => matchesStatus(input.filter?.tagStatus, tags.length > 0));
      const keyOf = ({ digest }: TaggedImage) => digest;
      const { items, ...token } = pageOf(behind(all, keyOf), keyOf, input);
      return { imageDetails: items.map((image) => detailOf(name, image)), ...token };
    },
  } satisfies Operations<typeof sdk>;
}

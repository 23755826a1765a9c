import { createHash } from 'node:crypto';
import * as sdk from '@aws-sdk/client-ecr';
import { imageNotFound, inRepository, layersNotFound, repositoryNotFound, unsatisfied } from './errors.js';
import { type Manifest, ManifestError, readManifest } from './manifest.js';
import { DIGEST, TAG } from './names.js';
import type { Registry, TaggedImage } from './registry.js';
import type { RepositoryRecord } from './tables.js';
import { fitsWildcards } from './wildcard.js';

/** How often the time of a pull is noted (API reference, `lastRecordedPullTime`: at least once every 24 hours). */
const PULL_NOTED = 24 * 60 * 60 * 1000;

/** An image that somebody wants to put into a repository. */
export interface NewImage {
  readonly repository: string;
  readonly manifest: Uint8Array;
  readonly mediaType?: string | undefined;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

/** What both APIs of the registry do with images; what cannot be done is an exception of the ECR API. */
export class Images {
  constructor(private readonly registry: Registry) {}

  /** @throws RepositoryNotFoundException */
  repository(name: string, registryId = this.registry.registryId): RepositoryRecord {
    const found = registryId === this.registry.registryId ? this.registry.repository(name) : undefined;
    if (!found) throw repositoryNotFound(name, registryId);
    return found;
  }

  where(repository: string): string {
    return inRepository(repository, this.registry.registryId);
  }

  /**
   * Puts an image into a repository, whose blobs and manifests are there already, and gives it a tag.
   *
   * @throws LayersNotFoundException, ReferencedImagesNotFoundException, ImageTagAlreadyExistsException,
   * ImageAlreadyExistsException, ImageDigestDoesNotMatchException, or InvalidParameterException.
   */
  put({ repository: name, manifest: bytes, mediaType, tag, digest: expected }: NewImage): TaggedImage {
    const { registry } = this;
    const repository = this.repository(name);
    const where = this.where(name);
    if (tag !== undefined && !TAG.test(tag)) {
      throw unsatisfied('imageTag', `must satisfy regular expression '${TAG.source}'`);
    }
    const manifest = parse(bytes, mediaType);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (expected !== undefined && expected !== digest) {
      throw new sdk.ImageDigestDoesNotMatchException({
        message: `The calculated digest '${digest}' does not match the provided digest '${expected}'`,
        $metadata: {},
      });
    }
    const known = registry.image(name, digest);
    if (known && (tag === undefined || known.tags.includes(tag))) {
      const tagged = tag === undefined ? '' : ` and tag '${tag}'`;
      throw new sdk.ImageAlreadyExistsException({
        message: `Image with digest '${digest}'${tagged} already exists in ${where}`,
        $metadata: {},
      });
    }
    if (tag !== undefined && isImmutable(repository, tag) && registry.digestOf(name, tag) !== undefined) {
      throw new sdk.ImageTagAlreadyExistsException({
        message: `The image tag '${tag}' already exists in the '${name}' repository and cannot be overwritten because the tag is immutable.`,
        $metadata: {},
      });
    }
    const size = this.#checkReferences(name, manifest);
    registry.transaction(() => {
      if (!known) {
        registry.putImage(name, {
          digest,
          manifest: bytes,
          mediaType: manifest.mediaType,
          ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
          ...(manifest.annotations && { annotations: manifest.annotations }),
          blobs: manifest.blobs.map((blob) => blob.digest),
          manifests: manifest.manifests.map((child) => child.digest),
          ...(manifest.subject && { subject: manifest.subject.digest }),
          size,
          pushed: registry.now(),
        });
      }
      if (tag !== undefined) registry.putTag(name, tag, digest);
    });
    const image = registry.image(name, digest);
    if (!image) throw new Error(`the image ${digest} was not kept`);
    return image;
  }

  /** The image that a digest, a tag, or both name; undefined when there is none. */
  find(repository: string, { imageDigest, imageTag }: sdk.ImageIdentifier): TaggedImage | undefined {
    const tagged = imageTag === undefined ? undefined : this.registry.digestOf(repository, imageTag);
    if (imageTag !== undefined && tagged === undefined) return undefined;
    if (imageDigest !== undefined && tagged !== undefined && imageDigest !== tagged) return undefined;
    const digest = imageDigest ?? tagged;
    return digest === undefined ? undefined : this.registry.image(repository, digest);
  }

  /** @throws ImageNotFoundException */
  existing(repository: string, id: sdk.ImageIdentifier): TaggedImage {
    const image = this.find(repository, id);
    if (!image) throw imageNotFound(id, this.where(repository));
    return image;
  }

  /** Notes that an image was pulled. */
  notePull(repository: string, { tags: _, ...image }: TaggedImage): void {
    const now = this.registry.now();
    if (image.pulled !== undefined && now - image.pulled < PULL_NOTED) return;
    this.registry.putImage(repository, { ...image, pulled: now });
  }

  /** The first index of a repository that names an image, which then cannot be deleted. */
  indexOf(repository: string, digest: string): TaggedImage | undefined {
    return this.registry.images(repository).find(({ manifests }) => manifests.includes(digest));
  }

  /** Images that are about another one. */
  referrers(repository: string, digest: string): TaggedImage[] {
    return this.registry.images(repository).filter(({ subject }) => subject === digest);
  }

  /** Checks that all is there that a manifest names; returns the size of the image. */
  #checkReferences(name: string, { blobs, manifests, isIndex }: Manifest): number {
    const where = this.where(name);
    const list = (digests: readonly string[]) => `'[${[...new Set(digests)].join(', ')}]'`;
    const sizes = blobs.map(({ digest }) => this.registry.layerSize(name, digest));
    const missing = blobs.filter((_, index) => sizes[index] === undefined).map(({ digest }) => digest);
    if (missing.length > 0) {
      throw layersNotFound(
        `Layers with digests ${list(missing)} required for pushing image into ${where} do not exist`,
      );
    }
    const images = manifests.map(({ digest }) => this.registry.image(name, digest));
    const absent = manifests.filter((_, index) => images[index] === undefined).map(({ digest }) => digest);
    if (absent.length > 0) {
      throw new sdk.ReferencedImagesNotFoundException({
        message: `Images with digests ${list(absent)} required for pushing image into ${where} do not exist`,
        $metadata: {},
      });
    }
    // Of an index it is the size of its largest image (API reference, `imageSizeInBytes`).
    if (isIndex) return Math.max(0, ...images.map((image) => image?.size ?? 0));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }
}

/** Whether a tag that is there can be given to another image (ECR user guide, "Preventing image tags from being overwritten"). */
export function isImmutable({ mutability, exclusions }: RepositoryRecord, tag: string): boolean {
  const isExcluded = exclusions.some(({ filter = '' }) => fitsWildcards(filter, tag));
  switch (mutability) {
    case 'IMMUTABLE':
      return true;
    case 'IMMUTABLE_WITH_EXCLUSION':
      return !isExcluded;
    case 'MUTABLE_WITH_EXCLUSION':
      return isExcluded;
    case 'MUTABLE':
      return false;
  }
}

/** What is wrong with the name of an image, if anything. */
export function identifierFailure({
  imageDigest,
  imageTag,
}: sdk.ImageIdentifier): { failureCode: sdk.ImageFailureCode; failureReason: string } | undefined {
  if (imageDigest === undefined && imageTag === undefined) {
    return {
      failureCode: 'MissingDigestAndTag',
      failureReason: 'Invalid request parameters: both tag and digest cannot be null',
    };
  }
  if (imageDigest !== undefined && !DIGEST.test(imageDigest)) {
    return {
      failureCode: 'InvalidImageDigest',
      failureReason:
        'Invalid request parameters: image digest should satisfy the regex `[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+`',
    };
  }
  if (imageTag !== undefined && !TAG.test(imageTag)) {
    return {
      failureCode: 'InvalidImageTag',
      failureReason: `Invalid request parameters: image tag should satisfy the regex \`${TAG.source}\``,
    };
  }
  return undefined;
}

function parse(bytes: Uint8Array, mediaType: string | undefined): Manifest {
  try {
    return readManifest(bytes, mediaType);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw unsatisfied('ImageManifest', error.message);
  }
}

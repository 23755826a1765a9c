import type { ImageTagMutability, ImageTagMutabilityExclusionFilter } from '@aws-sdk/client-ecr';
import type { Store, Table } from '../../store/store.js';
import type { Tags } from '../../tags.js';

/** What ECR keeps. Times are milliseconds since 1970, sizes bytes, digests `sha256:` and 64 hex digits. */
export interface Tables {
  /** By name. */
  readonly repositories: Table<RepositoryRecord>;
  /** key(repository, digest) */
  readonly images: Table<ImageRecord>;
  /** key(repository, tag): the digest of the image. */
  readonly tags: Table<string>;
  /** key(repository, digest): blobs that were uploaded to a repository or mounted in it. */
  readonly layers: Table<LayerRecord>;
  /** By digest: blobs that have a file, which all repositories share. */
  readonly blobs: Table<BlobRecord>;
  /** By upload id. */
  readonly uploads: Table<UploadRecord>;
  /** Single values by name. */
  readonly settings: Table<string>;
}

export interface RepositoryRecord {
  readonly name: string;
  readonly created: number;
  readonly mutability: ImageTagMutability;
  readonly exclusions: readonly ImageTagMutabilityExclusionFilter[];
  readonly scanOnPush: boolean;
  readonly tags: Tags;
  readonly policy?: string;
  readonly lifecyclePolicy?: string;
  /** When the lifecycle policy was last carried out. */
  readonly evaluated?: number;
  /** Whether CloudFormation deletes the repository with what is in it. */
  readonly emptyOnDelete?: boolean;
}

export interface ImageRecord {
  readonly digest: string;
  readonly manifest: Uint8Array;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Blobs that the manifest names: its configuration and layers. */
  readonly blobs: readonly string[];
  /** Manifests that it names, when it is an index. */
  readonly manifests: readonly string[];
  /** The manifest that it is about. */
  readonly subject?: string;
  readonly size: number;
  readonly pushed: number;
  readonly pulled?: number;
}

export interface LayerRecord {
  readonly added: number;
}

export interface BlobRecord {
  readonly size: number;
  /** Repositories that have it. */
  readonly repositories: number;
}

export interface UploadRecord {
  readonly repository: string;
  /** Bytes that were acknowledged. */
  readonly size: number;
  readonly started: number;
  /** Whether the last part is smaller than any but the last may be. */
  readonly smallPart: boolean;
  /** Whether such a part has another one behind it. */
  readonly tooSmall: boolean;
}

export function openTables(store: Store): Tables {
  return {
    repositories: store.table('ecr.repositories'),
    images: store.table('ecr.images'),
    tags: store.table('ecr.tags'),
    layers: store.table('ecr.layers'),
    blobs: store.table('ecr.blobs'),
    uploads: store.table('ecr.uploads'),
    settings: store.table('ecr.settings'),
  };
}

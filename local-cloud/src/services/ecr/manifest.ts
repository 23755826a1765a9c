import { z } from 'zod';
import { DIGEST } from './names.js';

/** Kinds of manifests, by their media types. */
const IMAGES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);
const INDEXES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

/** Bytes of a manifest (OCI distribution specification: registries take at least 4 MiB). */
export const MANIFEST_BYTES = 4 * 1024 * 1024;

/** Why a manifest cannot be taken, in a sentence. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** What a registry has to know of a manifest (OCI image specification; Docker image manifest V2, schema 2). */
export interface Manifest {
  readonly mediaType: string;
  readonly isIndex: boolean;
  /** Blobs that have to be there: the configuration and all layers that are not elsewhere. */
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly subject: Descriptor | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const descriptor = z.looseObject({
  mediaType: z.string(),
  digest: z.string().regex(DIGEST, 'must be sha256: and 64 hex digits'),
  size: z.int().nonnegative(),
});
const manifest = z.looseObject({
  schemaVersion: z.literal(2, 'must be 2'),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptor.optional(),
  layers: z.array(descriptor).optional(),
  manifests: z.array(descriptor).optional(),
  subject: descriptor.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

/**
 * Reads a manifest.
 *
 * @param declared the media type that came with it.
 * @throws ManifestError when it is none, or is of another kind than it says.
 */
export function readManifest(bytes: Uint8Array, declared: string | undefined): Manifest {
  if (bytes.length > MANIFEST_BYTES) {
    throw new ManifestError(`The manifest has more than ${MANIFEST_BYTES} bytes`);
  }
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ManifestError('The manifest is not JSON');
  }
  const result = manifest.safeParse(data);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ManifestError(`The manifest's ${issue?.path.join('.') || 'content'}: ${issue?.message}`);
  }
  const { mediaType: own, config, layers, manifests, subject, artifactType, annotations } = result.data;
  if (own !== undefined && declared !== undefined && own !== declared) {
    throw new ManifestError(`The manifest is of type ${own}, not ${declared} as it was sent`);
  }
  const mediaType = own ?? declared ?? (manifests ? OCI_INDEX : OCI_MANIFEST);
  const isIndex = INDEXES.has(mediaType);
  if (!isIndex && !IMAGES.has(mediaType)) {
    throw new ManifestError(`Manifests of type ${mediaType} are not supported`);
  }
  if (isIndex ? !manifests || layers || config : !config || !layers || manifests) {
    throw new ManifestError(`The manifest has not the members of its type ${mediaType}`);
  }
  return {
    mediaType,
    isIndex,
    blobs: [...(config ? [config] : []), ...(layers ?? []).filter((layer) => !isElsewhere(layer))],
    manifests: manifests ?? [],
    subject: subject ?? undefined,
    artifactType: artifactType ?? config?.mediaType,
    annotations: annotations ?? undefined,
  };
}

/** Layers that may not be distributed are fetched from where their URLs say. */
function isElsewhere({ mediaType }: Descriptor): boolean {
  return /\.foreign\.|\.nondistributable\./.test(mediaType);
}

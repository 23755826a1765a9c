import { z } from 'zod';
import { DeviceError, messageOf } from '../errors.js';

/** Media types of what a registry serves as manifests: OCI image-spec 1.1 and Docker's schema 2. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is no sha256 digest');

const Descriptor = z.object({
  mediaType: z.string().default(''),
  digest: Digest,
  size: z.number().int().nonnegative(),
});
export type Descriptor = z.infer<typeof Descriptor>;

const PlatformSchema = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
});
/** A platform in the words of OCI images, such as linux/arm64. */
export type ImagePlatform = z.infer<typeof PlatformSchema>;

const Index = z.object({
  manifests: z.array(z.object({ ...Descriptor.shape, platform: PlatformSchema.optional() })),
});
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor).max(500) });
export type Manifest = z.infer<typeof Manifest>;

const Config = z.object({
  os: z.string().default('linux'),
  architecture: z.string().default(''),
  variant: z.string().optional(),
  created: z.string().optional(),
  config: z
    .object({
      Env: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      StopSignal: z.string().nullish(),
    })
    .default({}),
  rootfs: z.object({ diff_ids: z.array(Digest).max(500) }),
});
/** How an image's command is to be run, and what its layers are. */
export type ImageConfig = z.infer<typeof Config>;

export type ManifestOrIndex =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly entries: z.infer<typeof Index>['manifests'] };

/** @throws DeviceError ARTIFACT_INVALID */
export function parseManifest(body: Uint8Array, name: string): ManifestOrIndex {
  const document = parseJson(body, `The manifest of ${name}`);
  const index = Index.safeParse(document);
  if (index.success) return { kind: 'index', entries: index.data.manifests };
  const manifest = Manifest.safeParse(document);
  if (manifest.success) return { kind: 'manifest', manifest: manifest.data };
  throw new DeviceError(
    'ARTIFACT_INVALID',
    `The manifest of ${name} is neither that of an image nor a list of images.`,
  );
}

/** @throws DeviceError ARTIFACT_INVALID */
export function parseImageConfig(body: Uint8Array, name: string): ImageConfig {
  const result = Config.safeParse(parseJson(body, `The configuration of ${name}`));
  if (result.success) return result.data;
  throw new DeviceError('ARTIFACT_INVALID', `The configuration of ${name} is none of an image.`);
}

function parseJson(body: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw new DeviceError('ARTIFACT_INVALID', `${what} is not JSON: ${messageOf(error)}.`);
  }
}

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' };

/** The platform of this machine in the words of OCI images. */
export function machinePlatform(): ImagePlatform {
  return { os: 'linux', architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

/** The entry of a list of images that is for a platform. @throws DeviceError ARTIFACT_INVALID when none is */
export function chooseManifest<Entry extends { platform?: ImagePlatform | undefined }>(
  entries: readonly Entry[],
  wanted: ImagePlatform,
  name: string,
): Entry {
  const fitting = entries.filter(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  );
  const rank = (entry: Entry) => PREFERRED.indexOf(entry.platform?.variant ?? '');
  const [best] = fitting.filter((entry) => rank(entry) >= 0).sort((a, b) => rank(a) - rank(b));
  if (best) return best;
  const there = entries.flatMap(({ platform }) =>
    platform && platform.os !== 'unknown' ? [describePlatform(platform)] : [],
  );
  throw new DeviceError(
    'ARTIFACT_INVALID',
    `${name} has no image for ${describePlatform(wanted)}; it has ${there.join(', ') || 'none at all'}.`,
  );
}

/** Variants of an architecture that run here, best first: the first two are arm64's only one and unnamed. */
const PREFERRED = ['v8', '', 'v7', 'v6', 'v5', 'v1'];

export function describePlatform({ os, architecture, variant }: ImagePlatform): string {
  return [os, architecture, variant].filter(Boolean).join('/');
}

import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { explain, MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';
import type { Base } from './base/base.js';
import { hostBase } from './base/host-base.js';
import { pinnedBase } from './base/pinned-base.js';
import { BuildContext, type ContextFolder } from './build-context.js';
import { buildWithBuildx, buildxAnswers } from './buildx-builder.js';
import { cacheDirectory } from './cache.js';
import { contentHash } from './content.js';
import { FileHashes } from './file-hashes.js';
import { planPlatform } from './image-plan.js';
import { buildWithLayers, type ImagePlan } from './layers-builder.js';
import { isWhole, readLayout } from './oci.js';
import { architectureOf } from './platform.js';
import { bundleProgram, nativePart, type Program, portableName } from './program.js';
import { type ComponentSource, readSources } from './sources.js';
import { readStamp, type Stamp, writeStamp } from './stamp.js';
import { entryOf } from './tree.js';

/** What {@link buildComponents} builds, of what, and where to. */
export interface BuildOptions {
  /**
   * The components' sources; the repository's `components/` unless told otherwise. A copy elsewhere works
   * too: its dependencies still come from the repository.
   */
  readonly source?: string;
  /** Where OCI layouts and artifacts go, and are found again when nothing changed. */
  readonly outDir: string;
  /** The root filesystem below the programs: pinned packages for two platforms, or this machine's own. */
  readonly base: 'pinned' | 'host';
  readonly builder?: 'auto' | 'buildx' | 'layers';
  /** Component names; all unless given. */
  readonly only?: readonly string[];
  readonly onProgress: (line: string) => void;
  /**
   * Told of a component that cannot be built, and why; it is then left out of the result, and the others go
   * on. Without it the first refusal is thrown, after the others were built.
   */
  readonly onRefused?: (refusal: { readonly name: string; readonly error: MooringError }) => void;
  readonly signal?: AbortSignal;
}

/** The image of a component, as an OCI image layout on disk. */
export interface BuiltImage {
  /** The folder of the layout. */
  readonly layout: string;
  /** `sha256:…` of the image index. */
  readonly digest: string;
  /** Such as `linux/arm64`. */
  readonly platforms: readonly string[];
  /** Platform to the bytes of its compressed layers. */
  readonly compressedBytes: Readonly<Record<string, number>>;
}

/** What a component's sources came to. */
export interface BuiltComponent {
  /** Such as `docker_led`. */
  readonly name: string;
  /** YAML text with the placeholders `IMAGE_URI` and `BUCKET_NAME`. */
  readonly recipe: string;
  /** The ComponentVersion that the recipe asks for. */
  readonly recipeVersion: string;
  /** SHA-256 of sources, recipe, dependencies and base: equal content, equal hash, on every machine. */
  readonly contentHash: string;
  readonly image: BuiltImage | undefined;
  readonly artifacts: readonly { readonly name: string; readonly path: string }[];
  /** Whether there was nothing to do, as what was there had been made of the same. */
  readonly unchanged: boolean;
}

/**
 * Builds the components: programs are bundled, images put together, files collected. What was built of the
 * same already is left as it is.
 *
 * @throws MooringError for what the caller can mend
 */
export async function buildComponents(options: BuildOptions): Promise<BuiltComponent[]> {
  const source = resolve(options.source ?? join(repositoryRoot, 'components'));
  const components = await readSources(source, options.only);
  const hashes = new FileHashes(cacheDirectory());
  const job: Job = {
    source,
    outDir: resolve(options.outDir),
    base: components.some(({ image }) => image) ? await baseOf(options, hashes) : undefined,
    hashes,
    epoch: epochOf(process.env.SOURCE_DATE_EPOCH),
    builder: builderOf(options),
    onProgress: options.onProgress,
    signal: options.signal,
  };
  await mkdir(job.outDir, { recursive: true });
  const built: BuiltComponent[] = [];
  let refusal: MooringError | undefined;
  for (const component of components) {
    try {
      built.push(await buildComponent(component, job));
    } catch (error) {
      options.signal?.throwIfAborted();
      const refused = refusalOf(error, component.name);
      if (options.onRefused) options.onRefused({ name: component.name, error: refused });
      refusal ??= refused;
    }
  }
  await hashes.save();
  if (refusal && !options.onRefused) throw refusal;
  return built;
}

type Builder = 'layers' | 'buildx';

interface Job {
  readonly source: string;
  readonly outDir: string;
  readonly base: Base | undefined;
  readonly hashes: FileHashes;
  /** Seconds since 1970. */
  readonly epoch: number;
  /** Found out when there is something to build. */
  readonly builder: { readonly fixed: Builder | undefined; readonly choose: () => Promise<Builder> };
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

function baseOf({ base, onProgress, signal }: BuildOptions, hashes: FileHashes): Promise<Base> {
  return base === 'host' ? hostBase(hashes) : pinnedBase({ onProgress, signal });
}

function builderOf({ builder = 'auto', onProgress }: BuildOptions): Job['builder'] {
  if (builder !== 'auto') return { fixed: builder, choose: async () => builder };
  let chosen: Promise<Builder> | undefined;
  const choose = async () => {
    const answer = await buildxAnswers();
    onProgress(
      answer.usable
        ? 'Images are built by Docker buildx.'
        : `Images are put together without Docker: ${answer.why}.`,
    );
    return answer.usable ? 'buildx' : 'layers';
  };
  return {
    fixed: undefined,
    choose: () => {
      chosen ??= choose();
      return chosen;
    },
  };
}

/** SOURCE_DATE_EPOCH, seconds since 1970 (reproducible-builds.org); 0 unless set. */
function epochOf(text: string | undefined): number {
  if (!text) return 0;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new MooringError('EpochInvalid', `SOURCE_DATE_EPOCH is ${text}; it shall be seconds since 1970`);
}

async function buildComponent(component: ComponentSource, job: Job): Promise<BuiltComponent> {
  const { name, version, recipe, folder, path } = component;
  const { source, outDir, base, hashes } = job;
  const hashOf = (inputs: readonly string[]) => contentHash(component, inputs, source, base, hashes);
  const settings = JSON.stringify({ epoch: job.epoch, compression: component.image && base?.compression });
  const layout = join(outDir, 'images', name);
  const result = (stamp: Stamp, unchanged: boolean): BuiltComponent => ({
    name,
    recipe,
    recipeVersion: version,
    contentHash: stamp.contentHash,
    image: stamp.image && { layout, ...stamp.image },
    artifacts: component.artifacts.map((artifact) => ({
      name: artifact.name,
      path: join(outDir, 'artifacts', name, artifact.name),
    })),
    unchanged,
  });

  const before = await readStamp(outDir, name);
  if (
    before?.settings === settings &&
    [before.builder, undefined].includes(job.builder.fixed) &&
    (!component.image || (before.image && (await isWhole(layout, before.image.digest)))) &&
    before.contentHash === (await hashOf(before.inputs))
  ) {
    await copyArtifacts(component, outDir);
    return result(before, true);
  }

  job.onProgress(`Builds ${name}, of ${folder}/.`);
  let program: Program | undefined;
  if (component.image) program = await bundleProgram(name, path);
  const inputs = (program?.inputs ?? []).map((file) => portableName(file, source));
  const hash = await hashOf(inputs);
  // eslint-disable-next-line security/detect-possible-timing-attacks -- whether there is a hash is no secret
  if (hash === undefined) {
    throw new MooringError(
      'SourceChanged',
      `The sources of ${name} changed while they were built; build again`,
    );
  }
  await copyArtifacts(component, outDir);
  const builder = component.image ? await job.builder.choose() : 'layers';
  const image = program && (await buildImage(component, program, layout, builder, job));
  const stamp: Stamp = { contentHash: hash, settings, builder, inputs, ...(image && { image }) };
  await writeStamp(outDir, name, stamp);
  return result(stamp, false);
}

async function buildImage(
  component: ComponentSource,
  program: Program,
  layout: string,
  builder: Builder,
  { base, epoch, hashes, signal }: Job,
): Promise<NonNullable<Stamp['image']> | undefined> {
  const { image, name } = component;
  if (!image || !base) return undefined;
  const temporary = `${layout}.${process.pid}.tmp`;
  const plan: ImagePlan = {
    name,
    file: image.file,
    platforms: base.platforms.map((platform) => planPlatform(image.instructions, platform, image.file)),
    context: await contextOf(program, base, hashes),
    layout: temporary,
  };
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    const index =
      builder === 'buildx'
        ? await buildWithBuildx(plan, { text: image.text, epoch, signal })
        : await buildWithLayers(plan, {
            compression: base.compression,
            epoch,
            layerCache: join(cacheDirectory(), 'layers'),
            signal,
          });
    const { manifests } = await readLayout(temporary);
    await rm(layout, { recursive: true, force: true });
    await rename(temporary, layout);
    const sizes = manifests.map(({ descriptor, manifest }) => [
      `${descriptor.platform?.os}/${descriptor.platform?.architecture}`,
      manifest.layers.reduce((sum, { size }) => sum + size, 0),
    ]);
    return {
      digest: index.digest,
      platforms: [...base.platforms],
      compressedBytes: Object.fromEntries(sizes),
    };
  } catch (error) {
    if (error instanceof MooringError && error.code === 'CopySourceMissing' && base.kind === 'host') {
      throw new MooringError(
        error.code,
        `${error.message}. Made of this machine (base host), images are of its architecture only, ${base.platforms.join()}; use the base pinned`,
      );
    }
    throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What Dockerfiles copy from; `foreign-base` is for the one that shows what becomes of a wrong image. */
async function contextOf(program: Program, base: Base, hashes: FileHashes): Promise<BuildContext> {
  const folders: ContextFolder[] = [];
  for (const platform of base.platforms) {
    const architecture = architectureOf(platform);
    const identity = `${base.kind} ${await base.identity(platform)}`;
    const entries = () => base.entries(platform);
    folders.push({ at: `base/${architecture}`, identity, entries });
    for (const other of base.platforms.map(architectureOf).filter((each) => each !== architecture)) {
      folders.push({ at: `foreign-base/${other}`, identity, entries });
    }
    const native = nativePart(architecture);
    folders.push({
      at: `native/${architecture}`,
      identity: `native ${native.name} ${await hashes.of(native.path)}`,
      entries: async () => [await entryOf(native.path, native.name)],
    });
  }
  const { code } = program;
  folders.push({
    at: 'program',
    entries: async () => [
      { kind: 'file', path: 'main.cjs', executable: false, source: code, size: code.length },
    ],
  });
  return new BuildContext(folders);
}

async function copyArtifacts({ name, artifacts }: ComponentSource, outDir: string): Promise<void> {
  for (const artifact of artifacts) {
    await mkdir(join(outDir, 'artifacts', name), { recursive: true });
    await copyFile(artifact.path, join(outDir, 'artifacts', name, artifact.name));
  }
}

/** What a person can mend stays as it says; a full disk and the like are told with the component's name. */
function refusalOf(error: unknown, name: string): MooringError {
  if (error instanceof MooringError) return error;
  return new MooringError('BuildFailed', `${name} cannot be built: ${explain(error)}`, { cause: error });
}

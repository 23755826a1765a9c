import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MooringError } from '../errors.js';
import { linkOrCopy } from './build-context.js';
import type { ImagePlan } from './layers-builder.js';
import {
  blobPath,
  type Descriptor,
  finishLayout,
  ImageIndex,
  ImageManifest,
  mediaTypes,
  startLayout,
} from './oci.js';

const run = promisify(execFile);

/**
 * Whether Docker on this machine builds images that it writes as OCI layouts, which takes a daemon that
 * answers, the buildx plugin, and a builder that is either a BuildKit of its own or a Docker with the
 * containerd image store.
 */
export async function buildxAnswers(): Promise<
  { readonly usable: true } | { readonly usable: false; readonly why: string }
> {
  const ask = async (...args: string[]) => (await run('docker', args, { timeout: 10_000 })).stdout;
  try {
    await ask('version', '--format', '{{.Server.Version}}');
  } catch {
    return { usable: false, why: 'no Docker engine answers' };
  }
  try {
    const driver = /^Driver:\s*(\S+)/m.exec(await ask('buildx', 'inspect'))?.[1];
    if (driver !== 'docker') return { usable: true };
    const stores = await ask('info', '--format', '{{json .DriverStatus}}');
    if (stores.includes('io.containerd.snapshotter')) return { usable: true };
    return {
      usable: false,
      why: 'its builder writes no OCI layouts (docker buildx create --use makes one that does)',
    };
  } catch {
    return { usable: false, why: 'Docker has no buildx' };
  }
}

export interface BuildxOptions {
  /** The Dockerfile. */
  readonly text: string;
  /** Time of all that is in the image, in seconds since 1970. */
  readonly epoch: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Builds an image with Docker buildx from the same context and Dockerfile. BuildKit compresses layers in its
 * own way, so its digests are others than those of the layers builder, and the same for each of its runs.
 *
 * @throws MooringError `CopySourceMissing`, `BuildFailed` with what buildx says last
 */
export async function buildWithBuildx(
  plan: ImagePlan,
  { text, epoch, signal }: BuildxOptions,
): Promise<Descriptor> {
  await refuseMissing(plan);
  const folder = await mkdtemp(join(tmpdir(), 'mooring-buildx-'));
  try {
    const context = join(folder, 'context');
    const output = join(folder, 'output');
    const sources = plan.platforms.flatMap(({ copies }) => copies.flatMap((copy) => copy.sources));
    await plan.context.materialize(sources, context);
    await writeFile(join(folder, 'Dockerfile'), text);
    await buildx(
      plan.name,
      [
        'buildx',
        'build',
        ...['--platform', plan.platforms.map(({ platform }) => platform).join(',')],
        ...['--file', join(folder, 'Dockerfile')],
        ...['--output', `type=oci,tar=false,dest=${output},rewrite-timestamp=true`],
        ...['--provenance', 'false', '--sbom', 'false', '--progress', 'plain'],
        context,
      ],
      epoch,
      signal,
    );
    return await takeOver(output, plan);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Says what is missing as the other builder does, before Docker is asked. */
async function refuseMissing({ platforms, context, file }: ImagePlan): Promise<void> {
  for (const { copies } of platforms) {
    for (const { line, sources } of copies) {
      for (const source of sources) {
        if (context.has(source)) continue;
        throw new MooringError(
          'CopySourceMissing',
          `${file}, line ${line}: there is no ${source} to copy; there are ${context.paths.join(', ')}`,
        );
      }
    }
  }
}

async function buildx(
  name: string,
  args: readonly string[],
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const child = spawn('docker', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    ...(signal && { signal }),
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code === 0) return;
  const last = words.trim().split('\n').at(-1) ?? '';
  throw new MooringError(
    'BuildFailed',
    `Docker buildx did not build ${name}: ${last || `exit code ${code}`}`,
  );
}

/** Puts what buildx wrote into the plan's layout, always under an index, also for one platform. */
async function takeOver(output: string, plan: ImagePlan): Promise<Descriptor> {
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
  const [top, ...others] = ImageIndex.parse(await read(join(output, 'index.json'))).manifests;
  if (!top || others.length > 0)
    throw new MooringError('BuildFailed', `Docker buildx did not write one image`);
  const found =
    top.mediaType === mediaTypes.index
      ? ImageIndex.parse(await read(blobPath(output, top.digest))).manifests
      : [top];
  await startLayout(plan.layout);
  const manifests: Descriptor[] = [];
  for (const { platform, os, architecture } of plan.platforms) {
    const manifest = found.find(
      (entry) =>
        found.length === 1 || (entry.platform?.os === os && entry.platform.architecture === architecture),
    );
    if (!manifest) {
      throw new MooringError('BuildFailed', `Docker buildx wrote no image of ${plan.name} for ${platform}`);
    }
    const { config, layers } = ImageManifest.parse(await read(blobPath(output, manifest.digest)));
    for (const { digest } of [manifest, config, ...layers]) {
      await linkOrCopy(blobPath(output, digest), blobPath(plan.layout, digest));
    }
    const { mediaType, digest, size } = manifest;
    manifests.push({ mediaType, digest, size, platform: { architecture, os } });
  }
  return finishLayout(plan.layout, plan.name, manifests);
}

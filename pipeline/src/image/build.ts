import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';
import { fetchImageFiles } from '../start/device.js';
import { accountOf, type Target } from '../target.js';
import { type ImageManifest, type ImageTarget, writeManifest } from './manifest.js';
import { makePayload, type Payload } from './payload.js';
import { buildRaspberryPi } from './raspberry-pi.js';
import { genericRootfs } from './rootfs.js';
import { asRoot, installPrograms, missingPrograms, run } from './tools.js';

export interface BuildImageOptions {
  readonly imageTarget: ImageTarget;
  /** Where the image and its manifest come. */
  readonly outDir: string;
  /** A root file system that is there already, instead of Debian's; needs no root. */
  readonly rootfs?: string;
  readonly fresh: boolean;
  readonly installPrograms: boolean;
  readonly localCloudHost: string;
  readonly now: Date;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** An image that was built. */
export interface BuiltImage extends ImageManifest {
  readonly path: string;
  /** Seconds that each stage took. */
  readonly timings: Readonly<Record<string, number>>;
}

/**
 * Builds the image that devices of a stack boot: claim certificate and configuration from its provisioning bucket, on
 * top of a distribution's packages.
 *
 * @throws MooringError when something is missing, on this machine or in the bucket.
 */
export async function buildImage(target: Target, options: BuildImageOptions): Promise<BuiltImage> {
  const { imageTarget, outDir, onProgress, now, signal } = options;
  const generic = imageTarget === 'generic';
  const timings: Record<string, number> = {};
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const begin = performance.now();
    const result = await work();
    timings[name] = (performance.now() - begin) / 1000;
    return result;
  };
  if (options.installPrograms) await stage('install programs', () => installPrograms(signal));
  if (generic) requirePrograms(options.rootfs === undefined);
  // First what asks the cloud: it says soonest when there is nothing to build for.
  const files = await fetchImageFiles(target, await accountOf(target));
  await mkdir(outDir, { recursive: true });
  const work = join(outDir, 'work');
  const payload = await stage('payload', () =>
    makePayload({
      target: imageTarget,
      stack: target.stack,
      endpointUrl: target.endpoint,
      localCloudHost: options.localCloudHost,
      files,
      built: now,
      out: join(outDir, 'payload'),
    }),
  );
  const image = join(outDir, `mooring-${imageTarget}-arm64.img`);
  try {
    if (generic) await makeGeneric(target, payload, work, image, options, stage);
    else await stage('packer', () => buildRaspberryPi(payload, image, onProgress, signal));
    return await finish(target, payload, image, options, timings, stage);
  } finally {
    // The claim's key is in them.
    await rm(payload.folder, { recursive: true, force: true });
    await rm(image, { force: true });
  }
}

type Stage = <T>(name: string, work: () => Promise<T>) => Promise<T>;

async function makeGeneric(
  target: Target,
  payload: Payload,
  work: string,
  image: string,
  options: BuildImageOptions,
  stage: Stage,
): Promise<void> {
  const { onProgress, signal, now, fresh } = options;
  const rootfs =
    options.rootfs ??
    (await stage('root file system', () =>
      genericRootfs({
        core: target.stack === 'local' ? 'local' : 'aws',
        fresh,
        now,
        onProgress,
        ...(signal && { signal }),
      }),
    ));
  onProgress('Making the disk');
  const script = join(repositoryRoot, 'os-image', 'generic', 'make-disk');
  const command = [script, rootfs, payload.folder, payload.units.join(' '), work, image];
  await stage('disk', () =>
    run(options.rootfs === undefined ? asRoot(command) : command, () => undefined, signal),
  );
}

async function finish(
  target: Target,
  payload: Payload,
  image: string,
  { imageTarget, outDir, now, onProgress, signal }: BuildImageOptions,
  timings: Record<string, number>,
  stage: Stage,
): Promise<BuiltImage> {
  onProgress('Compressing it');
  const file = `mooring-${imageTarget}-arm64.img.zst`;
  const path = join(outDir, file);
  await stage('compress', () =>
    run(['zstd', '--quiet', '--force', '-9', '--threads=0', image, '-o', path], () => undefined, signal),
  );
  const manifest: ImageManifest = {
    version: 1,
    target: imageTarget,
    stack: target.stack,
    file,
    sha256: await sha256OfFile(path),
    bytes: (await stat(path)).size,
    imageBytes: (await stat(image)).size,
    built: now.toISOString(),
    ...(payload.greengrass && { greengrass: payload.greengrass }),
  };
  await writeManifest(outDir, manifest);
  return { ...manifest, path, timings };
}

function requirePrograms(withRootfs: boolean): void {
  const missing = missingPrograms(withRootfs);
  if (missing.length === 0) return;
  throw new MooringError(
    'ProgramsMissing',
    `The image needs ${missing.join(', ')}, which this machine has not: run scripts/install-debian-packages image, or give --install-programs`,
  );
}

/** In hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type Clock, pause } from '../clock.js';
import { DeviceError } from '../errors.js';
import type { Log } from '../log/device-log.js';
import { downloadBlob } from './blob-download.js';
import type { ImageRecord, ImageStore } from './image-store.js';
import type { ContainerImages } from './images.js';
import { applyLayer } from './layer.js';
import {
  chooseManifest,
  describePlatform,
  type ImageConfig,
  type Manifest,
  machinePlatform,
  parseImageConfig,
  parseManifest,
} from './manifest.js';
import { type ImageReference, parseReference } from './reference.js';
import { RegistryClient, type RegistryLogin } from './registry-client.js';

export interface ProcessImagesOptions {
  readonly store: ImageStore;
  /** What to sign in with at a registry. */
  readonly login: (registry: string, signal: AbortSignal) => Promise<RegistryLogin | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often another process's layer is looked for, in milliseconds. */
const POLL = 100;

/** Layers that this process is just making, whichever device asked for them. */
const underWay = new Map<string, Promise<void>>();

/** Images without a container engine: fetched and unpacked by the device itself. */
export class ProcessImages implements ContainerImages {
  readonly engine = 'process';

  constructor(private readonly options: ProcessImagesOptions) {}

  async pull(text: string, signal: AbortSignal): Promise<void> {
    const { store, login, clock, log } = this.options;
    const reference = parseReference(text);
    store.use(reference);
    if (reference.digest !== undefined && store.find(reference)) return;
    const client = new RegistryClient({
      reference,
      login: () => login(reference.registry, signal),
      clock,
      signal,
    });
    const { digest, manifest } = await this.#manifestOf(client, reference);
    const config = parseImageConfig(await client.blob(manifest.config.digest), reference.canonical);
    const image = recordOf(digest, manifest, config, reference.canonical, clock.now());
    this.#warnOfPlatform(config, reference);
    store.record(reference, image);
    // A device that prunes meanwhile may take a layer away that was here a moment ago.
    for (let round = 0; store.find(reference) === undefined; round++) {
      if (round === 3) {
        throw new DeviceError(
          'OFFLINE',
          `The layers of ${reference.canonical} do not stay in ${store.folder}.`,
        );
      }
      for (const [index, chain] of image.chains.entries()) {
        await this.#layer(client, { image, manifest, config, index, chain, name: text, signal });
      }
    }
    log('info', `The image ${reference.canonical} is unpacked; its commands run as processes`, {
      layers: image.chains.length,
      image: image.id,
    });
  }

  isPresent(text: string): Promise<boolean> {
    const reference = parseReference(text);
    return Promise.resolve(
      reference.digest !== undefined && this.options.store.find(reference) !== undefined,
    );
  }

  prune(references: readonly string[]): Promise<void> {
    return this.options.store.prune(references.map(parseReference));
  }

  async #manifestOf(
    client: RegistryClient,
    reference: ImageReference,
  ): Promise<{ digest: string; manifest: Manifest }> {
    const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest');
    const parsed = parseManifest(top.body, reference.canonical);
    if (parsed.kind === 'manifest') return { digest: top.digest, manifest: parsed.manifest };
    const entry = chooseManifest(parsed.entries, machinePlatform(), reference.canonical);
    const { body, digest } = await client.manifest(entry.digest);
    const chosen = parseManifest(body, reference.canonical);
    if (chosen.kind === 'manifest') return { digest, manifest: chosen.manifest };
    throw new DeviceError('ARTIFACT_INVALID', `${reference.canonical} is a list of lists of images.`);
  }

  #warnOfPlatform({ os, architecture, variant }: ImageConfig, reference: ImageReference): void {
    const machine = machinePlatform();
    if (os === machine.os && architecture === machine.architecture) return;
    const platform = describePlatform({ os, architecture, variant });
    this.options.log(
      'warn',
      `The image ${reference.canonical} is for ${platform}, and this machine is ${describePlatform(machine)}`,
    );
  }

  async #layer(client: RegistryClient, layer: LayerToMake): Promise<void> {
    const { store, clock } = this.options;
    const { chain, signal } = layer;
    const blob = layer.manifest.layers[layer.index];
    if (!blob) return;
    const key = `${store.folder}\0${chain}`;
    for (;;) {
      if (store.hasLayer(chain)) return;
      const making = underWay.get(key);
      // Who waits does not fail with whom it waited for: that one may have been stopped.
      if (making) await Promise.race([making.catch(() => {}), aborted(signal)]);
      else if (store.isBeingMade(chain, blob.digest)) await pause(clock, POLL, signal);
      else break;
      signal.throwIfAborted();
    }
    const work = this.#make(client, layer, blob);
    underWay.set(key, work);
    await work.finally(() => underWay.delete(key));
  }

  async #make(client: RegistryClient, layer: LayerToMake, blob: Manifest['layers'][number]): Promise<void> {
    const { store, clock } = this.options;
    const { chain, name, signal, index } = layer;
    const diffId = layer.config.rootfs.diff_ids[index] ?? '';
    const file = await downloadBlob({ client, blob, folder: store.downloads, name, clock, signal });
    try {
      await store.addLayer(chain, layer.image.chains[index - 1], (root) =>
        applyLayer({ file, root, diffId, name, signal }),
      );
    } finally {
      await rm(file, { force: true });
    }
  }
}

interface LayerToMake {
  readonly image: ImageRecord;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly index: number;
  readonly chain: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * What is kept of an image.
 *
 * @throws DeviceError ARTIFACT_INVALID when its manifest and configuration do not fit
 */
export function recordOf(
  digest: string,
  manifest: Pick<Manifest, 'layers' | 'config'>,
  config: ImageConfig,
  name: string,
  now: number,
): ImageRecord {
  const { diff_ids } = config.rootfs;
  if (diff_ids.length !== manifest.layers.length) {
    throw new DeviceError(
      'ARTIFACT_INVALID',
      `The manifest of ${name} has ${manifest.layers.length} layers, its configuration ${diff_ids.length}.`,
    );
  }
  return { digest, id: manifest.config.digest, chains: chainIds(diff_ids), config, pulledAt: now };
}

function chainIds(diffIds: readonly string[]): string[] {
  const chains: string[] = [];
  for (const diffId of diffIds) {
    const below = chains.at(-1);
    const hex = diffId.slice('sha256:'.length);
    chains.push(
      below === undefined ? hex : createHash('sha256').update(`sha256:${below} ${diffId}`).digest('hex'),
    );
  }
  return chains;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

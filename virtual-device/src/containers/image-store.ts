import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../durable-file.js';
import { DeviceError, errnoOf, messageOf } from '../errors.js';
import { makeFolder } from '../folder.js';
import { ownerIsAlive, ownerMark } from './blob-download.js';
import { linkTree } from './link-tree.js';
import type { ImageConfig } from './manifest.js';
import type { ImageReference } from './reference.js';

const ImageRecord = z.object({
  /** Of the image's manifest. */
  digest: z.string(),
  /** Of its configuration: the image id. */
  id: z.string(),
  /** Chain ids of its layers, lowest first (OCI image-spec 1.1, "Layer ChainID"), hexadecimal. */
  chains: z.array(z.string()),
  config: z.custom<ImageConfig>((value) => typeof value === 'object' && value !== null),
  pulledAt: z.number(),
});
/** An image that is, or is just being, unpacked. */
export type ImageRecord = z.infer<typeof ImageRecord>;

const ReferenceRecord = z.object({
  /** The image's name, see {@link keyOf}. */
  name: z.string(),
  /** Of the image's manifest. */
  image: z.string(),
});

const UserRecord = z.object({ root: z.string(), names: z.array(z.string()) });

/** The name that an image is filed under: its digest when it is named by one, else its tag. */
export function keyOf({ registry, repository, tag, digest }: ImageReference): string {
  return digest === undefined ? `${registry}/${repository}:${tag}` : `${registry}/${repository}@${digest}`;
}

/**
 * Unpacked images in one folder, which several devices of the machine may share. Each chain of layers is one
 * whole file system, unpacked once and sharing files with the chain below it by hard links. Everything takes
 * its place by a rename, so that neither a kill nor another device ever leaves or sees half of something.
 */
export class ImageStore {
  constructor(
    readonly folder: string,
    /** The device's root: who needs images here. */
    private readonly user: string,
    /** Whether images are needed as artifacts, which deployments prune, or by the docker command, which keeps its own. */
    private readonly purpose: 'artifacts' | 'command' = 'artifacts',
  ) {
    try {
      for (const name of ['images', 'references', 'users', 'layers', 'downloads', 'making', 'containers']) {
        makeFolder(join(folder, name));
      }
      // Containers are made by whichever user a component runs as.
      if (process.getuid?.() === 0) chmodSync(this.containers, 0o1777);
    } catch (error) {
      throw new DeviceError(
        'ROOT_UNUSABLE',
        `The image store ${folder} cannot be used: ${messageOf(error)}. Name a folder that may be written.`,
        { cause: error },
      );
    }
  }

  get downloads(): string {
    return join(this.folder, 'downloads');
  }

  /** Where containers have their own file systems. */
  get containers(): string {
    return join(this.folder, 'containers');
  }

  /** Removes what processes that are gone left half made. */
  async tidy(): Promise<void> {
    const making = join(this.folder, 'making');
    for (const file of readdirSync(making)) {
      if (!ownerIsAlive(file)) await rm(join(making, file), { recursive: true, force: true });
    }
  }

  /** Notes that this device needs an image, before anything of it is there. */
  use(reference: ImageReference): void {
    const names = this.#namesOf(this.#userFile);
    const name = keyOf(reference);
    if (!names.includes(name)) this.#writeUser([...names, name]);
  }

  /** Files an image under a name; its layers may come later. */
  record(reference: ImageReference, image: ImageRecord): void {
    writeFileDurably(this.#imageFile(image.digest), JSON.stringify(image));
    this.tag(keyOf(reference), image.digest);
  }

  tag(name: string, digest: string): void {
    writeFileDurably(this.#referenceFile(name), JSON.stringify({ name, image: digest }));
  }

  /** An image whose layers are all there. */
  find(reference: ImageReference): ImageRecord | undefined {
    return this.#complete(this.#recordOf(keyOf(reference)));
  }

  /** An image by the beginning of its id. */
  findById(id: string): ImageRecord | undefined {
    const start = id.replace(/^sha256:/, '');
    if (!/^[0-9a-f]{4,64}$/.test(start)) return undefined;
    return this.list().find((image) => image.id.startsWith(`sha256:${start}`));
  }

  /** All images whose layers are all there. */
  list(): ImageRecord[] {
    return readdirSync(join(this.folder, 'images')).flatMap((file) => {
      if (!file.endsWith('.json')) return [];
      return this.#complete(readRecord(ImageRecord, join(this.folder, 'images', file))) ?? [];
    });
  }

  /** The names of an image. */
  namesOf(image: ImageRecord): string[] {
    return this.#references().flatMap((entry) => (entry.image === image.digest ? [entry.name] : []));
  }

  hasLayer(chain: string): boolean {
    return existsSync(this.#layer(chain));
  }

  /** The unpacked file system of an image. */
  rootOf(image: ImageRecord): string {
    const top = image.chains.at(-1);
    return top === undefined ? this.#layer('empty') : this.#layer(top);
  }

  /**
   * Makes the file system of a chain: a copy of the chain below it, to which `fill` adds a layer.
   *
   * @param parent undefined for the lowest layer
   */
  async addLayer(
    chain: string,
    parent: string | undefined,
    fill: (root: string) => Promise<void>,
  ): Promise<void> {
    const making = join(this.folder, 'making', `${chain}.${ownerMark()}`);
    try {
      if (parent === undefined) await mkdir(making);
      else await linkTree(this.#layer(parent), making);
      await fill(making);
      await rename(making, this.#layer(chain));
    } catch (error) {
      await rm(making, { recursive: true, force: true });
      // Another device made the same layer meanwhile.
      const code = errnoOf(error);
      if ((code === 'ENOTEMPTY' || code === 'EEXIST') && this.hasLayer(chain)) return;
      throw error;
    }
  }

  /** Whether another process is just making a chain's layer. */
  isBeingMade(chain: string, blob: string): boolean {
    const others = (folder: string, stem: string) =>
      readdirSync(join(this.folder, folder)).some(
        (file) =>
          file.startsWith(`${stem}.`) && !file.startsWith(`${stem}.${process.pid}-`) && ownerIsAlive(file),
      );
    return others('making', chain) || others('downloads', blob.replace('sha256:', ''));
  }

  /** Removes a name, which this device needs no more. */
  untag(name: string): void {
    rmSync(this.#referenceFile(name), { force: true });
    const names = this.#namesOf(this.#userFile);
    if (names.includes(name)) this.#writeUser(names.filter((other) => other !== name));
  }

  /** Keeps for this device only the named images, and of all others only what other devices need. */
  async prune(references: readonly ImageReference[]): Promise<void> {
    this.#writeUser(references.map(keyOf));
    const needed = new Set<string>();
    const users = join(this.folder, 'users');
    for (const file of readdirSync(users)) {
      const user = readRecord(UserRecord, join(users, file));
      if (user && existsSync(user.root)) for (const name of user.names) needed.add(name);
      else if (user) rmSync(join(users, file), { force: true });
    }
    const images = new Set<string>();
    for (const { name, image } of this.#references()) {
      if (needed.has(name)) images.add(image);
      else this.untag(name);
    }
    const chains = new Set<string>();
    for (const file of readdirSync(join(this.folder, 'images'))) {
      const path = join(this.folder, 'images', file);
      const image = readRecord(ImageRecord, path);
      if (image && images.has(image.digest)) for (const chain of image.chains) chains.add(chain);
      else if (image) rmSync(path, { force: true });
    }
    for (const chain of readdirSync(join(this.folder, 'layers'))) {
      if (chains.has(chain) || chain === 'empty') continue;
      const doomed = join(this.folder, 'making', `${chain}-pruned.${ownerMark()}`);
      await rename(this.#layer(chain), doomed).catch(() => {});
      await rm(doomed, { recursive: true, force: true });
    }
    await this.tidy();
  }

  #references(): z.infer<typeof ReferenceRecord>[] {
    const folder = join(this.folder, 'references');
    return readdirSync(folder).flatMap((file) =>
      file.endsWith('.json') ? (readRecord(ReferenceRecord, join(folder, file)) ?? []) : [],
    );
  }

  #recordOf(name: string): ImageRecord | undefined {
    const reference = readRecord(ReferenceRecord, this.#referenceFile(name));
    return reference && readRecord(ImageRecord, this.#imageFile(reference.image));
  }

  #complete(image: ImageRecord | undefined): ImageRecord | undefined {
    if (image?.chains.length === 0) makeFolder(this.#layer('empty'));
    return image?.chains.every((chain) => this.hasLayer(chain)) ? image : undefined;
  }

  #namesOf(path: string): string[] {
    return readRecord(UserRecord, path)?.names ?? [];
  }

  #writeUser(names: readonly string[]): void {
    writeFileDurably(this.#userFile, JSON.stringify({ root: this.user, names }));
  }

  get #userFile(): string {
    return join(this.folder, 'users', `${hexOf(`${this.user} ${this.purpose}`)}.json`);
  }

  #layer(chain: string): string {
    return join(this.folder, 'layers', chain);
  }

  #imageFile(digest: string): string {
    return join(this.folder, 'images', `${digest.replace('sha256:', '')}.json`);
  }

  #referenceFile(name: string): string {
    return join(this.folder, 'references', `${hexOf(name)}.json`);
  }
}

function hexOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A record that is there and readable; what is not counts as absent, and is fetched again. */
function readRecord<Schema extends z.ZodType>(schema: Schema, path: string): z.output<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

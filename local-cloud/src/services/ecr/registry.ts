import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Base } from '../../plugin.js';
import { key, secondParts } from '../../store/store.js';
import { BlobFiles } from './blob-files.js';
import { uploadNotFound } from './errors.js';
import { type ImageRecord, openTables, type RepositoryRecord, type UploadRecord } from './tables.js';

/** How long a blob that no image names, and an upload that nobody ends, are kept, in milliseconds. */
const UNUSED_KEPT = 24 * 60 * 60 * 1000;

/** An image that is in a repository, with its tags in their order. */
export interface TaggedImage extends ImageRecord {
  readonly tags: readonly string[];
}

/**
 * The registry of one account: repositories, their images and blobs, and uploads under way. Files are complete
 * before a record names them, and go after the last record that does; what a process that was killed left over is
 * removed by the next one.
 */
export class Registry {
  readonly tables: ReturnType<typeof openTables>;
  readonly registryId: string;
  readonly #files: BlobFiles;
  /** Uploads that something is written to right now. */
  readonly #busy = new Set<string>();

  constructor(private readonly base: Base) {
    this.tables = openTables(base.store);
    this.registryId = base.accountId;
    this.#files = new BlobFiles(join(base.stateDirectory, 'ecr'));
    this.#files.recover(
      (digest) => this.tables.blobs.get(digest) !== undefined,
      (uploadId) => this.tables.uploads.get(uploadId)?.size,
    );
    for (const [uploadId] of [...this.tables.uploads.entries()]) {
      if (!this.#files.hasUpload(uploadId)) this.tables.uploads.delete(uploadId);
    }
  }

  now(): number {
    return this.base.clock.now();
  }

  transaction<T>(work: () => T): T {
    return this.base.store.transaction(work);
  }

  arnOf(repository: string): string {
    return `arn:aws:ecr:${this.base.region}:${this.base.accountId}:repository/${repository}`;
  }

  repository(name: string): RepositoryRecord | undefined {
    return this.tables.repositories.get(name);
  }

  /** In order of their names, behind `after`. */
  *repositories(after?: string): Generator<RepositoryRecord> {
    const range = after === undefined ? {} : { after };
    for (const [, repository] of this.tables.repositories.entries(range)) yield repository;
  }

  putRepository(repository: RepositoryRecord): void {
    this.tables.repositories.put(repository.name, repository);
  }

  /** Deletes a repository and all that is in it. */
  deleteRepository(name: string): void {
    const removed = this.transaction(() => {
      for (const [tag] of [...secondParts(this.tables.tags, name)]) this.tables.tags.delete(key(name, tag));
      for (const [digest] of [...secondParts(this.tables.images, name)]) {
        this.tables.images.delete(key(name, digest));
      }
      this.tables.repositories.delete(name);
      const layers = [...secondParts(this.tables.layers, name)];
      return layers.filter(([digest]) => this.#unlink(name, digest)).map(([digest]) => digest);
    });
    for (const digest of removed) this.#files.remove(digest);
    for (const [uploadId, { repository }] of [...this.tables.uploads.entries()]) {
      if (repository === name) this.endUpload(uploadId);
    }
  }

  image(repository: string, digest: string): TaggedImage | undefined {
    const image = this.tables.images.get(key(repository, digest));
    if (!image) return undefined;
    const tags = [...secondParts(this.tables.tags, repository)];
    return { ...image, tags: tags.filter(([, of]) => of === digest).map(([tag]) => tag) };
  }

  /** All images of a repository, in order of their digests. */
  images(repository: string): TaggedImage[] {
    const tags = new Map<string, string[]>();
    for (const [tag, digest] of secondParts(this.tables.tags, repository)) {
      const of = tags.get(digest);
      if (of) of.push(tag);
      else tags.set(digest, [tag]);
    }
    return [...secondParts(this.tables.images, repository)].map(([digest, image]) => ({
      ...image,
      tags: tags.get(digest) ?? [],
    }));
  }

  hasImages(repository: string): boolean {
    return !secondParts(this.tables.images, repository).next().done;
  }

  digestOf(repository: string, tag: string): string | undefined {
    return this.tables.tags.get(key(repository, tag));
  }

  /** Tags in their order, behind `after`. */
  *tagsOf(repository: string, after?: string): Generator<string> {
    for (const [tag] of secondParts(this.tables.tags, repository)) {
      if (after === undefined || tag > after) yield tag;
    }
  }

  putImage(repository: string, image: ImageRecord): void {
    this.tables.images.put(key(repository, image.digest), image);
  }

  /** Makes a tag name an image, whatever it named before. */
  putTag(repository: string, tag: string, digest: string): void {
    this.tables.tags.put(key(repository, tag), digest);
  }

  deleteTag(repository: string, tag: string): void {
    this.tables.tags.delete(key(repository, tag));
  }

  /** Deletes an image, its tags, and those of its blobs that no other image of the repository names. */
  deleteImage(repository: string, image: TaggedImage): void {
    const removed = this.transaction(() => {
      for (const tag of image.tags) this.deleteTag(repository, tag);
      this.tables.images.delete(key(repository, image.digest));
      const used = this.#usedBlobs(repository);
      return [...new Set(image.blobs)].filter((blob) => !used.has(blob) && this.#unlink(repository, blob));
    });
    for (const digest of removed) this.#files.remove(digest);
  }

  /** Bytes of a blob that the repository has. */
  layerSize(repository: string, digest: string): number | undefined {
    if (!this.tables.layers.get(key(repository, digest))) return undefined;
    return this.tables.blobs.get(digest)?.size;
  }

  /** Gives a repository a blob that another one has. */
  mount(repository: string, digest: string): void {
    this.transaction(() => {
      const blob = this.tables.blobs.get(digest);
      if (blob) this.#link(repository, digest, blob.size);
    });
  }

  /** Bytes of a blob from `start` up to, not including, `end`, as a stream. */
  read(digest: string, start: number, end: number): Promise<Readable> {
    return this.#files.read(digest, start, end);
  }

  /** Begins an upload; returns its id. */
  beginUpload(repository: string): string {
    const uploadId = randomUUID();
    this.#files.begin(uploadId);
    const started = this.now();
    this.tables.uploads.put(uploadId, { repository, size: 0, started, smallPart: false, tooSmall: false });
    return uploadId;
  }

  upload(repository: string, uploadId: string): UploadRecord | undefined {
    const upload = this.tables.uploads.get(uploadId);
    return upload?.repository === repository ? upload : undefined;
  }

  /** Whether something else is writing to an upload. */
  isBusy(uploadId: string): boolean {
    return this.#busy.has(uploadId);
  }

  /**
   * Appends to an upload; all or nothing. Nothing else may be writing to it.
   *
   * @throws UploadNotFoundException when it has been ended, if only while this was under way.
   * @param smallest bytes that it has at least unless it is the last part.
   */
  async append(uploadId: string, parts: AsyncIterable<Uint8Array>, smallest = 0): Promise<UploadRecord> {
    const upload = this.tables.uploads.get(uploadId);
    if (!upload || this.#busy.has(uploadId)) throw this.#ended(uploadId);
    this.#busy.add(uploadId);
    try {
      const size = await this.#files.append(uploadId, upload.size, parts);
      // The repository may have been deleted meanwhile, and its uploads with it.
      if (!this.tables.uploads.get(uploadId)) throw this.#ended(uploadId);
      const next = {
        ...upload,
        size,
        smallPart: size - upload.size < smallest,
        tooSmall: upload.tooSmall || upload.smallPart,
      };
      this.tables.uploads.put(uploadId, next);
      return next;
    } finally {
      this.#busy.delete(uploadId);
    }
  }

  /** The digest of what an upload has. @throws UploadNotFoundException when it is ended meanwhile. */
  async digestOfUpload(uploadId: string): Promise<string> {
    this.#busy.add(uploadId);
    try {
      return await this.#files.digestOf(uploadId);
    } catch (error) {
      throw this.tables.uploads.get(uploadId) ? error : this.#ended(uploadId);
    } finally {
      this.#busy.delete(uploadId);
    }
  }

  /** Makes an upload of `size` bytes a blob of its repository. */
  finishUpload(uploadId: string, digest: string): void {
    const upload = this.tables.uploads.get(uploadId);
    if (!upload) return;
    this.#files.keep(uploadId, digest);
    this.transaction(() => {
      this.#link(upload.repository, digest, upload.size);
      this.tables.uploads.delete(uploadId);
    });
  }

  /** Ends an upload without a blob. */
  endUpload(uploadId: string): void {
    this.tables.uploads.delete(uploadId);
    this.#files.discard(uploadId);
  }

  /** Removes blobs that no image has named for a day, and uploads that nobody has ended in one. */
  removeUnused(): void {
    const before = this.now() - UNUSED_KEPT;
    for (const { name } of [...this.repositories()]) {
      const removed = this.transaction(() => {
        const used = this.#usedBlobs(name);
        const unused = [...secondParts(this.tables.layers, name)].filter(
          ([digest, { added }]) => added < before && !used.has(digest),
        );
        return unused.filter(([digest]) => this.#unlink(name, digest)).map(([digest]) => digest);
      });
      for (const digest of removed) this.#files.remove(digest);
    }
    for (const [uploadId, { started }] of [...this.tables.uploads.entries()]) {
      if (started < before && !this.#busy.has(uploadId)) this.endUpload(uploadId);
    }
  }

  #ended(uploadId: string): Error {
    return uploadNotFound(uploadId, `the registry with id '${this.registryId}'`);
  }

  #usedBlobs(repository: string): ReadonlySet<string> {
    const used = new Set<string>();
    for (const [, { blobs }] of secondParts(this.tables.images, repository)) {
      for (const blob of blobs) used.add(blob);
    }
    return used;
  }

  #link(repository: string, digest: string, size: number): void {
    const layer = key(repository, digest);
    const blob = this.tables.blobs.get(digest);
    const isNew = this.tables.layers.get(layer) === undefined;
    this.tables.layers.put(layer, { added: this.now() });
    if (isNew) this.tables.blobs.put(digest, { size, repositories: (blob?.repositories ?? 0) + 1 });
  }

  /** Takes a blob from a repository; returns whether no other one has it, so that its file can go. */
  #unlink(repository: string, digest: string): boolean {
    if (!this.tables.layers.delete(key(repository, digest))) return false;
    const blob = this.tables.blobs.get(digest);
    if (blob && blob.repositories > 1) {
      this.tables.blobs.put(digest, { ...blob, repositories: blob.repositories - 1 });
      return false;
    }
    this.tables.blobs.delete(digest);
    return true;
  }
}

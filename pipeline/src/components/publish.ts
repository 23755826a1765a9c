import { setTimeout as delay } from 'node:timers/promises';
import { ECRClient } from '@aws-sdk/client-ecr';
import {
  ConflictException,
  CreateComponentVersionCommand,
  GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { S3Client } from '@aws-sdk/client-s3';
import { bucketNames, componentTags } from '@mooring/contracts';
import { rcompare } from 'semver';
import { MooringError } from '../errors.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { ArtifactStore } from './artifact-store.js';
import type { BuiltComponent } from './build.js';
import { Catalogue, type ComponentVersion } from './catalogue.js';
import { ImageRegistry } from './image-registry.js';
import { nextVersion } from './next-version.js';
import { fillRecipe } from './recipe.js';

/** What became of a built component. */
export interface PublishedComponent {
  readonly name: string;
  readonly version: string;
  /** False when the newest version was made of the same. */
  readonly published: boolean;
  /** `sha256:…` of the image index; undefined for components without an image. */
  readonly digest: string | undefined;
  readonly contentHash: string;
}

export interface PublishOptions {
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Milliseconds between two looks at a component version that is being made. */
const INTERVAL = 200;
/** Seconds that Greengrass may take to make a component version deployable. */
const DEPLOYABLE_TIMEOUT = 120;
/** How often the number is counted on because somebody else took it. */
const ATTEMPTS = 5;

/**
 * Publishes what was built: artifacts to the artifact bucket, images to ECR, and a component version that names
 * both. A component whose newest version was made of the same content is not published again; what is missing
 * of it in the bucket or the registry is brought back. Everything that is sent twice is sent to the same place,
 * so a run that was interrupted is gone on with by the next.
 *
 * @throws MooringError naming the component that could not be published.
 */
export async function publishComponents(
  target: Target,
  built: readonly BuiltComponent[],
  options: PublishOptions,
): Promise<PublishedComponent[]> {
  const config = clientConfig(target);
  const clients = {
    greengrass: new GreengrassV2Client(config),
    ecr: new ECRClient(config),
    s3: new S3Client(config),
  };
  try {
    const account = await accountOf(target);
    const publisher = new Publisher(
      clients.greengrass,
      new Catalogue(clients.greengrass, target, account),
      new ImageRegistry(clients.ecr, target.endpoint?.startsWith('http:') === true),
      new ArtifactStore(clients.s3, bucketNames(account, target.region).artifacts),
      options,
    );
    return await Promise.all(built.map((component) => publisher.publish(component)));
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

class Publisher {
  constructor(
    private readonly greengrass: GreengrassV2Client,
    private readonly catalogue: Catalogue,
    private readonly images: ImageRegistry,
    private readonly artifacts: ArtifactStore,
    private readonly options: PublishOptions,
  ) {}

  async publish(component: BuiltComponent): Promise<PublishedComponent> {
    const { name, contentHash, image } = component;
    const registry = image && (await this.images.repositoryUri(name));
    const result = (version: string, published: boolean): PublishedComponent => ({
      name,
      version,
      published,
      digest: image?.digest,
      contentHash,
    });
    const taken: string[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      this.options.signal?.throwIfAborted();
      const newest = await this.#newest(name);
      // An image's address is part of its recipe, so another address makes another version.
      if (newest?.state === 'DEPLOYABLE' && newest.content === contentHash && newest.registry === registry) {
        await this.#restore(component, newest.version, registry);
        return result(newest.version, false);
      }
      const versions = await this.catalogue.ownVersions(name);
      const version = nextVersion(component.recipeVersion, [...taken, ...versions].sort(rcompare));
      if (await this.#create(component, version, registry)) return result(version, true);
      taken.push(version);
    }
    throw new MooringError(
      'PublishConflict',
      `${name} was not published: others published it ${ATTEMPTS} times meanwhile; try again`,
    );
  }

  /** The newest version, once it is clear what becomes of it. */
  async #newest(name: string): Promise<ComponentVersion | undefined> {
    for await (const version of this.catalogue.newestFirst(name)) return this.#settled(version);
    return undefined;
  }

  /** Brings back what is missing of a version that exists. */
  async #restore(component: BuiltComponent, version: string, registry: string | undefined): Promise<void> {
    if (!(await this.artifacts.has(component, version))) await this.artifacts.upload(component, version);
    await this.#pushImage(component, registry);
  }

  async #pushImage({ name, image }: BuiltComponent, registry: string | undefined): Promise<void> {
    if (image === undefined || registry === undefined) return;
    const { onProgress, signal } = this.options;
    await this.images.ensure(name, image, registry, onProgress, signal);
  }

  /** @returns false when somebody else has taken the number, or is about to. */
  async #create(component: BuiltComponent, version: string, registry: string | undefined): Promise<boolean> {
    const { name, image, contentHash } = component;
    if (!(await this.artifacts.upload(component, version))) return false;
    await this.#pushImage(component, registry);
    const recipe = fillRecipe(component.recipe, {
      name,
      version,
      image: image && `${registry}@${image.digest}`,
      bucket: this.artifacts.bucket,
    });
    try {
      await this.greengrass.send(
        new CreateComponentVersionCommand({
          inlineRecipe: Buffer.from(recipe, 'utf8'),
          tags: {
            [componentTags.content]: contentHash,
            ...(registry !== undefined && { [componentTags.registry]: registry }),
          },
        }),
      );
    } catch (error) {
      if (error instanceof ConflictException) return false;
      throw new MooringError(
        'PublishFailed',
        `Greengrass did not take ${name} ${version}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    const made = await this.#settled({ name, version });
    if (made?.state !== 'DEPLOYABLE') {
      throw new MooringError(
        'PublishFailed',
        `${name} ${version} became ${made?.state ?? 'deleted'} instead of DEPLOYABLE${made?.message ? `: ${made.message}` : ''}`,
      );
    }
    return true;
  }

  /** Waits until a version is no longer being made. */
  async #settled({ name, version }: Pick<ComponentVersion, 'name' | 'version'>) {
    const end = performance.now() + DEPLOYABLE_TIMEOUT * 1000;
    for (;;) {
      const described = await this.catalogue.describe(name, version);
      if (described?.state !== 'REQUESTED' && described?.state !== 'INITIATED') return described;
      if (performance.now() > end) {
        throw new MooringError(
          'PublishFailed',
          `${name} ${version} is still ${described.state} after ${DEPLOYABLE_TIMEOUT} s; try again later`,
        );
      }
      await delay(INTERVAL, undefined, this.options.signal && { signal: this.options.signal });
    }
  }
}

import {
  BatchGetImageCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  GetAuthorizationTokenCommand,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { MooringError } from '../errors.js';
import type { BuiltImage } from './build.js';
import { pushImage } from './registry.js';

/** What an image's digest may name; an index is not among those that Amazon ECR takes by default. */
const MEDIA_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
] as const;

/** The account's ECR registry, as far as publishing needs it. */
export class ImageRegistry {
  #authorization: Promise<string> | undefined;
  /** One push at a time: most of an image's bytes are in those before it, from where they are mounted. */
  #pushes: Promise<unknown> = Promise.resolve();
  #pushedTo: string | undefined;

  /** @param insecure whether it speaks plain HTTP. */
  constructor(
    private readonly ecr: ECRClient,
    private readonly insecure: boolean,
  ) {}

  /**
   * `host[:port]/repository` of a component's images.
   *
   * @throws MooringError `NotDeployed` when the infrastructure has not made the repository.
   */
  async repositoryUri(component: string): Promise<string> {
    try {
      const { repositories } = await this.ecr.send(
        new DescribeRepositoriesCommand({ repositoryNames: [component] }),
      );
      const uri = repositories?.[0]?.repositoryUri;
      if (uri !== undefined) return uri;
    } catch (error) {
      if (!(error instanceof RepositoryNotFoundException)) throw error;
    }
    throw new MooringError(
      'NotDeployed',
      `There is no ECR repository ${component}: run \`mooring deploy\` first`,
    );
  }

  /**
   * Brings an image to a component's repository unless it is there. Its tag is made of its digest, so that it
   * has one, and no two images ever want the same.
   */
  async ensure(
    component: string,
    image: BuiltImage,
    repositoryUri: string,
    onProgress: (line: string) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (await this.#has(component, image.digest)) return;
    const push = this.#pushes.then(async () => {
      signal?.throwIfAborted();
      await pushImage({
        layout: image.layout,
        repositoryUri,
        authorization: await this.#token(),
        insecure: this.insecure,
        tag: `sha256-${image.digest.slice('sha256:'.length)}`,
        ...(this.#pushedTo !== undefined && { mountFrom: this.#pushedTo }),
        onProgress,
        ...(signal && { signal }),
      });
      this.#pushedTo = component;
    });
    this.#pushes = push.catch(() => undefined);
    await push;
  }

  async #has(repositoryName: string, imageDigest: string): Promise<boolean> {
    const { images = [] } = await this.ecr.send(
      new BatchGetImageCommand({
        repositoryName,
        imageIds: [{ imageDigest }],
        acceptedMediaTypes: [...MEDIA_TYPES],
      }),
    );
    return images.length > 0;
  }

  #token(): Promise<string> {
    this.#authorization ??= this.ecr.send(new GetAuthorizationTokenCommand({})).then((answer) => {
      const token = answer.authorizationData?.[0]?.authorizationToken;
      // eslint-disable-next-line security/detect-possible-timing-attacks -- whether there is a token is no secret
      if (token !== undefined) return token;
      throw new MooringError('NoRegistryToken', 'Amazon ECR gave no authorization token; try again');
    });
    return this.#authorization;
  }
}

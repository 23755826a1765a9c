import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { explain, MooringError } from '../errors.js';
import { blobPath, blobsOf, type Descriptor, readLayout } from './oci.js';

/** An image to bring to a registry, and the registry's repository. */
export interface PushOptions {
  /** Folder of an OCI image layout with one image index. */
  readonly layout: string;
  /** `host[:port]/repository`, as ECR's `repositoryUri`. */
  readonly repositoryUri: string;
  /** `authorizationToken` of ecr:GetAuthorizationToken: base64 of `AWS:<password>`. */
  readonly authorization: string;
  /** Plain HTTP instead of HTTPS. */
  readonly insecure: boolean;
  readonly tag?: string;
  /** A repository of the same registry whose blobs may be the image's too: they are mounted, not sent again. */
  readonly mountFrom?: string;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Pushes an image over the OCI distribution API ("Pushing blobs", "Pushing manifests"): first the blobs that
 * the registry has not, then the manifests, the index last, by digest and by tag. A request that fails for
 * reasons that pass is tried again.
 *
 * @throws MooringError `PushFailed`
 */
export async function pushImage(options: PushOptions): Promise<void> {
  const { layout, repositoryUri, onProgress } = options;
  const registry = new Registry(options);
  try {
    const image = await readLayout(layout);
    const manifests = image.manifests.map(({ descriptor }) => descriptor);
    const isManifest = (blob: Descriptor) =>
      [...manifests, image.index].some((each) => each.digest === blob.digest);
    let sent = 0;
    let mounted = 0;
    for (const blob of blobsOf(image).filter((each) => !isManifest(each))) {
      if (await registry.has('blobs', blob)) continue;
      if ((await registry.pushBlob(blob)) === 'sent') sent += blob.size;
      else mounted += blob.size;
    }
    for (const manifest of manifests) await registry.pushManifest(manifest, manifest.digest);
    await registry.pushManifest(image.index, image.index.digest);
    if (options.tag) await registry.pushManifest(image.index, options.tag);
    onProgress(
      sent + mounted === 0
        ? `${repositoryUri} has all of ${image.index.digest} already.`
        : `Pushed ${image.index.digest} to ${repositoryUri}: ${megabytes(sent)}${mounted > 0 ? `, and ${megabytes(mounted)} that ${options.mountFrom} had` : ''}.`,
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof MooringError) throw error;
    throw new MooringError(
      'PushFailed',
      `The image cannot be pushed to ${repositoryUri}: ${explain(error)}`,
      {
        cause: error,
      },
    );
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The error body of the distribution specification ("Error Codes"). */
const ErrorBody = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().optional() })).min(1),
});

/** A repository of a registry, as a client pushes to it. */
class Registry {
  readonly #base: string;

  constructor(private readonly options: PushOptions) {
    const { repositoryUri, insecure } = options;
    const slash = repositoryUri.indexOf('/');
    if (slash < 1 || slash === repositoryUri.length - 1) {
      throw new MooringError('PushFailed', `${repositoryUri} is no repository; it shall be host/name`);
    }
    const host = repositoryUri.slice(0, slash);
    this.#base = `${insecure ? 'http' : 'https'}://${host}/v2/${repositoryUri.slice(slash + 1)}/`;
  }

  /** Whether it has a blob or manifest. */
  async has(kind: 'blobs' | 'manifests', { digest, mediaType }: Descriptor): Promise<boolean> {
    const headers = kind === 'manifests' ? { accept: mediaType } : undefined;
    const { status } = await this.#request('HEAD', `${kind}/${digest}`, {
      ...(headers && { headers }),
      accepted: [200, 404],
    });
    return status === 200;
  }

  /**
   * Mounts a blob from the other repository ("Mounting a blob from another repository"), or uploads it in one
   * piece ("POST then PUT"); the upload begins anew when it has to be tried again.
   */
  async pushBlob({ digest }: Descriptor): Promise<'mounted' | 'sent'> {
    const { mountFrom } = this.options;
    const mount =
      mountFrom === undefined ? '' : `?${new URLSearchParams({ mount: digest, from: mountFrom })}`;
    const body = await openAsBlob(blobPath(this.options.layout, digest));
    return this.#trying(async () => {
      // A registry that cannot mount it begins an upload instead.
      const begun = await this.#once('POST', `blobs/uploads/${mount}`, { accepted: [201, 202] });
      if (begun.status === 201) return 'mounted';
      const location = begun.headers.get('location');
      if (!location) throw new Refusal('the registry says no place for the upload', false);
      const url = new URL(location, new URL('blobs/uploads/', this.#base));
      url.searchParams.set('digest', digest);
      await this.#once('PUT', url.href, {
        headers: { 'content-type': 'application/octet-stream' },
        body,
        accepted: [201, 204],
      });
      return 'sent';
    });
  }

  /** Puts a manifest under its digest, or a tag. */
  async pushManifest(manifest: Descriptor, reference: string): Promise<void> {
    if (reference === manifest.digest && (await this.has('manifests', manifest))) return;
    const body = await readFile(blobPath(this.options.layout, manifest.digest));
    await this.#request('PUT', `manifests/${reference}`, {
      headers: { 'content-type': manifest.mediaType },
      body,
      accepted: [201],
      // ECR's way to say that the tag points there already, where tags are immutable.
      harmless: 'ImageAlreadyExistsException',
    });
  }

  #request(method: string, path: string, request: RegistryRequest): Promise<Response> {
    return this.#trying(() => this.#once(method, path, request));
  }

  async #trying<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        this.options.signal?.throwIfAborted();
        const passes = !(error instanceof Refusal) || error.passes;
        if (!passes || tries === MAX_TRIES) throw this.#explained(error);
        await delay(FIRST_WAIT_MS * 2 ** (tries - 1), undefined, { signal: this.options.signal });
      }
    }
  }

  async #once(method: string, path: string, request: RegistryRequest): Promise<Response> {
    const { authorization, signal } = this.options;
    const { accepted, harmless, ...init } = request;
    const url = new URL(path, this.#base);
    const response = await fetch(url, {
      method,
      ...init,
      // A place for an upload may be on another host, which is not ours to tell the token.
      headers: {
        ...init.headers,
        ...(url.host === new URL(this.#base).host && { authorization: `Basic ${authorization}` }),
      },
      ...(signal && { signal }),
    });
    if (accepted.includes(response.status)) {
      if (method !== 'POST') await response.arrayBuffer();
      return response;
    }
    const text = await response.text();
    const { data } = ErrorBody.safeParse(jsonOf(text));
    const [first] = data?.errors ?? [];
    if (harmless && text.includes(harmless)) return response;
    const said = first ? ` (${[first.code, first.message].filter(Boolean).join(': ')})` : '';
    const passes = response.status >= 500 || response.status === 429 || response.status === 408;
    throw new Refusal(`${REASONS[response.status] ?? `it answers ${response.status}`}${said}`, passes);
  }

  #explained(error: unknown): MooringError {
    const { repositoryUri } = this.options;
    if (error instanceof Refusal) {
      return new MooringError(
        'PushFailed',
        `The registry refuses the push to ${repositoryUri}: ${error.message}`,
      );
    }
    // What fetch says of itself ("fetch failed") is nothing; its cause is the reason.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return new MooringError(
      'PushFailed',
      `The registry of ${repositoryUri} is not reached: ${explain(cause)}`,
      {
        cause: error,
      },
    );
  }
}

interface RegistryRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Blob | Uint8Array<ArrayBuffer>;
  readonly accepted: readonly number[];
  /** A word in a refusal that makes it none. */
  readonly harmless?: string;
}

const MAX_TRIES = 4;
const FIRST_WAIT_MS = 250;

/** What statuses mean here. */
const REASONS: Partial<Record<number, string>> = {
  401: 'it does not accept the token; get a new one',
  403: 'the token does not allow it',
  404: 'there is no such repository; deploy the infrastructure first',
  413: 'it takes no blob of this size',
  429: 'it was asked too often',
};

/** An answer of the registry that is none of the accepted ones. */
class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    message: string,
    /** Whether it is worth trying again. */
    readonly passes: boolean,
  ) {
    super(message);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

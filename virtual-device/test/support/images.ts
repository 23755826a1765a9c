import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';

/** A member of a layer: a name and what it is. */
export type Member =
  | { readonly name: string; readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly name: string; readonly folder: true; readonly mode?: number }
  | { readonly name: string; readonly link: string }
  | { readonly name: string; readonly hardLink: string };

/** A layer as an uncompressed archive. */
export async function makeLayer(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  const whole = buffer(tar as unknown as NodeJS.ReadableStream);
  for (const member of members) {
    const { name } = member;
    if ('content' in member) tar.entry({ name, mode: member.mode ?? 0o644 }, Buffer.from(member.content));
    else if ('folder' in member) tar.entry({ name, type: 'directory', mode: member.mode ?? 0o755 });
    else if ('link' in member) tar.entry({ name, type: 'symlink', linkname: member.link });
    else tar.entry({ name, type: 'link', linkname: member.hardLink });
  }
  tar.finalize();
  return whole;
}

export const digestOf = (content: Uint8Array | string) =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

export interface ImageSource {
  readonly layers: readonly (readonly Member[])[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly compress?: (archive: Buffer) => Buffer;
}

export const HERE = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };

/** A registry that plays the OCI distribution API; it ends with the test. */
export class TestRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  readonly requests: { path: string; range: string | undefined; authorization: string | undefined }[] = [];
  /** Called for each request of a blob; what it returns is sent instead, and then the connection is cut. */
  interfere: (digest: string, from: number) => Buffer | undefined = () => undefined;
  /** Called when an interfered answer is sent; until it resolves, the connection stays. */
  hold: () => Promise<void> = () => Promise.resolve();
  auth: { scheme: 'none' | 'basic' | 'bearer'; username: string; password: string } = {
    scheme: 'none',
    username: 'AWS',
    password: 'secret',
  };
  host = '';

  static async start(): Promise<TestRegistry> {
    const registry = new TestRegistry();
    const server = createServer((request, response) => registry.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return registry;
  }

  /** Adds an image. @returns its reference by digest */
  async add(name: string, source: ImageSource): Promise<string> {
    const { digest } = await this.#image(source);
    this.manifests.set('latest', this.manifests.get(digest) ?? Buffer.alloc(0));
    return `${this.host}/${name}@${digest}`;
  }

  /** Adds an index of images. @returns its reference by digest */
  async addIndex(name: string, sources: readonly ImageSource[]): Promise<string> {
    const manifests = [];
    for (const source of sources) {
      const { digest, size } = await this.#image(source);
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      manifests.push({ mediaType, digest, size, platform: source.platform ?? HERE });
    }
    const body = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests,
      }),
    );
    this.manifests.set(digestOf(body), body);
    return `${this.host}/${name}@${digestOf(body)}`;
  }

  async #image({ layers, config, platform, compress = gzipSync }: ImageSource) {
    const archives = await Promise.all(layers.map(makeLayer));
    const descriptors = archives.map((archive) => {
      const blob = compress(archive);
      this.blobs.set(digestOf(blob), blob);
      return {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest: digestOf(blob),
        size: blob.length,
      };
    });
    const configuration = Buffer.from(
      JSON.stringify({
        ...(platform ?? HERE),
        config: config ?? {},
        rootfs: { type: 'layers', diff_ids: archives.map(digestOf) },
      }),
    );
    this.blobs.set(digestOf(configuration), configuration);
    const body = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: {
          mediaType: 'application/vnd.oci.image.config.v1+json',
          digest: digestOf(configuration),
          size: configuration.length,
        },
        layers: descriptors,
      }),
    );
    this.manifests.set(digestOf(body), body);
    return { digest: digestOf(body), size: body.length, layers: descriptors };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path } = new URL(request.url ?? '', 'http://registry');
    const { authorization, range } = request.headers;
    this.requests.push({ path, range, authorization });
    const basic = `Basic ${Buffer.from(`${this.auth.username}:${this.auth.password}`).toString('base64')}`;
    if (path === '/token') {
      response.writeHead(authorization === basic ? 200 : 401).end(JSON.stringify({ token: 'granted' }));
      return;
    }
    const wanted = { none: undefined, basic, bearer: 'Bearer granted' }[this.auth.scheme];
    if (wanted !== undefined && authorization !== wanted) {
      const challenge =
        this.auth.scheme === 'basic'
          ? 'Basic realm="registry"'
          : `Bearer realm="http://${this.host}/token",service="registry",scope="repository:app:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return;
    }
    const [, kind = '', reference = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    const body = (kind === 'manifests' ? this.manifests : this.blobs).get(reference);
    if (!body) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const part = kind === 'blobs' ? this.interfere(reference, from) : undefined;
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length - from });
    if (part === undefined) response.end(body.subarray(from));
    else response.write(part, () => void this.hold().then(() => response.socket?.end()));
  }
}

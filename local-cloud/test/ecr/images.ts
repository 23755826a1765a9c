import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

export function sha256(bytes: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string };
}

export interface TestImage {
  /** JSON text. */
  readonly manifest: string;
  readonly digest: string;
  /** By digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** A tar archive of one file (POSIX.1-2017, "ustar Interchange Format"). */
function tar(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([
    header,
    content,
    Buffer.alloc((512 - (content.length % 512)) % 512),
    Buffer.alloc(1024),
  ]);
}

/** An OCI image of one layer with one file. */
export function testImage(content: string | Uint8Array, architecture = 'amd64'): TestImage {
  const archive = tar('hello', Buffer.from(content));
  const layer = gzipSync(archive, { level: 1 });
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      config: { Cmd: ['/hello'] },
      rootfs: { type: 'layers', diff_ids: [sha256(archive)] },
      history: [{ created_by: 'test' }],
    }),
  );
  const blobs = new Map([config, layer].map((bytes) => [sha256(bytes), bytes]));
  const descriptor = (mediaType: string, bytes: Uint8Array): Descriptor => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
  });
  return { manifest, digest: sha256(manifest), blobs };
}

/** An index of images by their architectures. */
export function testIndex(images: Readonly<Record<string, TestImage>>): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: Object.entries(images).map(([architecture, { manifest, digest }]) => ({
      mediaType: OCI_MANIFEST,
      digest,
      size: Buffer.byteLength(manifest),
      platform: { os: 'linux', architecture },
    })),
  });
}

/** Writes an OCI image layout; `root` is the manifest or index that it is about. */
export function writeLayout(
  directory: string,
  images: readonly TestImage[],
  root: { mediaType: string; text: string },
): void {
  const folder = join(directory, 'blobs', 'sha256');
  mkdirSync(folder, { recursive: true });
  const write = (bytes: string | Uint8Array) =>
    writeFileSync(join(folder, sha256(bytes).slice('sha256:'.length)), bytes);
  for (const { manifest, blobs } of images) {
    write(manifest);
    for (const bytes of blobs.values()) write(bytes);
  }
  write(root.text);
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const manifests = [
    { mediaType: root.mediaType, digest: sha256(root.text), size: Buffer.byteLength(root.text) },
  ];
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

/** What Basic authentication of the distribution API takes. */
export async function basicToken(client: ECRClient): Promise<string> {
  const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
  return authorizationData?.[0]?.authorizationToken ?? '';
}

/** The distribution API with a token. */
export class RegistryApi {
  constructor(
    private readonly endpointUrl: string,
    private readonly token: string | undefined,
  ) {}

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== undefined) headers.set('authorization', `Basic ${this.token}`);
    return fetch(new URL(path, this.endpointUrl), { ...init, headers });
  }

  /** The code of the error that the answer has. */
  async code(path: string, init: RequestInit = {}): Promise<[status: number, code: string]> {
    const response = await this.fetch(path, init);
    const { errors } = (await response.json()) as { errors: { code: string }[] };
    return [response.status, errors[0]?.code ?? ''];
  }

  /** Uploads a blob in one request. */
  async putBlob(repository: string, bytes: Uint8Array): Promise<Response> {
    return this.fetch(`/v2/${repository}/blobs/uploads/?digest=${sha256(bytes)}`, {
      method: 'POST',
      body: Buffer.from(bytes),
      headers: { 'content-type': 'application/octet-stream' },
    });
  }

  putManifest(
    repository: string,
    reference: string,
    text: string,
    mediaType = OCI_MANIFEST,
  ): Promise<Response> {
    return this.fetch(`/v2/${repository}/manifests/${reference}`, {
      method: 'PUT',
      body: text,
      headers: { 'content-type': mediaType },
    });
  }

  /** Puts an image with its blobs. */
  async push(repository: string, reference: string, image: TestImage): Promise<Response> {
    for (const bytes of image.blobs.values()) await this.putBlob(repository, bytes);
    return this.putManifest(repository, reference, image.manifest);
  }
}

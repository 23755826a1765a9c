import type { S3Client } from '@aws-sdk/client-s3';
import { DeviceError, messageOf } from '../../errors.js';
import { DeploymentError, type DeploymentErrorCode } from '../failure.js';
import { type ArtifactContent, type ArtifactSource, OfflineError } from './source.js';

export interface S3Access {
  readonly region: string;
  /** The device's credentials. @throws DeviceError OFFLINE for what may be tried again */
  credentials(signal?: AbortSignal): Promise<{
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken: string;
    expiration: Date;
  }>;
}

/** Reads `s3://` artifacts with the credentials of the device's role alias. */
export class S3Artifacts {
  #client: Promise<S3Client> | undefined;

  constructor(private readonly access: S3Access) {}

  /** @throws DeploymentError when the URI is not `s3://<bucket>/<key>` */
  source(uri: string): ArtifactSource {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    if (bucket === undefined || key === undefined) {
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'S3_ARTIFACT_URI_NOT_VALID'],
        `${uri} is not s3://<bucket>/<key>.`,
      );
    }
    return { open: (offset, signal) => this.#open(uri, bucket, key, offset, signal) };
  }

  close(): void {
    void this.#client?.then((client) => client.destroy());
  }

  async #open(
    uri: string,
    bucket: string,
    key: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<ArtifactContent> {
    // Asked first by itself, so that its failures are told from those of S3.
    await this.#credentials(signal);
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    this.#client ??= this.#makeClient();
    const client = await this.#client;
    try {
      const { Body, ContentRange, ContentLength } = await client.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(offset > 0 && { Range: `bytes=${offset}-` }),
        }),
        { abortSignal: signal },
      );
      const body = (Body ?? []) as AsyncIterable<Uint8Array>;
      const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? [];
      if (start === undefined || Number(start) !== offset) return { body, start: 0, size: ContentLength };
      return { body, start: offset, size: Number(total) };
    } catch (error) {
      signal.throwIfAborted();
      const status = statusOf(error);
      if (status === 416) return { body: nothing(), start: offset, size: undefined };
      if (status === undefined || status >= 500 || status === 429 || status === 408) {
        throw new OfflineError(messageOf(error), { cause: error });
      }
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'S3_ERROR', ...codesOf(status)],
        `${uri} cannot be downloaded: S3 answered ${status} (${messageOf(error)}).`,
        [],
        { cause: error },
      );
    }
  }

  async #credentials(signal: AbortSignal): Promise<void> {
    try {
      await this.access.credentials(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DeviceError) || error.code === 'OFFLINE') {
        throw new OfflineError(messageOf(error), { cause: error });
      }
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'DEVICE_CONFIG_NOT_VALID_FOR_ARTIFACT_DOWNLOAD'],
        messageOf(error),
      );
    }
  }

  async #makeClient(): Promise<S3Client> {
    // It takes a while to load, and many devices never need it.
    const { S3Client } = await import('@aws-sdk/client-s3');
    const hasOwnEndpoint = Boolean(process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL);
    return new S3Client({
      region: this.access.region,
      credentials: () => this.access.credentials(),
      followRegionRedirects: true,
      forcePathStyle: hasOwnEndpoint,
      maxAttempts: 1,
      // A part of an object has no checksum of its own.
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function codesOf(status: number): DeploymentErrorCode[] {
  if (status === 403) return ['S3_GET_OBJECT_ACCESS_DENIED'];
  return status === 404 ? ['S3_GET_OBJECT_RESOURCE_NOT_FOUND'] : [];
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

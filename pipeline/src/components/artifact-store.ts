import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HeadObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { objectKeys } from '@mooring/contracts';
import type { BuiltComponent } from './build.js';

/** The artifact bucket, as far as publishing needs it. */
export class ArtifactStore {
  constructor(
    private readonly s3: S3Client,
    readonly bucket: string,
  ) {}

  /**
   * Uploads the artifacts of a component's version.
   *
   * @returns the base64 SHA-256 of each file by its `s3://` address, as Greengrass digests artifacts.
   */
  async upload(component: BuiltComponent, version: string): Promise<ReadonlyMap<string, string>> {
    const digests = new Map<string, string>();
    for (const { name, path } of component.artifacts) {
      const body = await readFile(path);
      const key = objectKeys.componentArtifact(component.name, version, name);
      await this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }));
      digests.set(`s3://${this.bucket}/${key}`, createHash('sha256').update(body).digest('base64'));
    }
    return digests;
  }

  /** Whether all artifacts of a component's version are there. */
  async has(component: BuiltComponent, version: string): Promise<boolean> {
    for (const { name } of component.artifacts) {
      const key = objectKeys.componentArtifact(component.name, version, name);
      try {
        await this.s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
        throw error;
      }
    }
    return true;
  }
}

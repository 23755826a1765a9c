import { readFile } from 'node:fs/promises';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { objectKeys } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import type { BuiltComponent } from './build.js';

/** The artifact bucket, as far as publishing needs it. */
export class ArtifactStore {
  constructor(
    private readonly s3: S3Client,
    readonly bucket: string,
  ) {}

  /**
   * Uploads the artifacts of a component's version. What is there is never overwritten: a version may have been
   * made of it a moment ago.
   *
   * @returns false when a file of other content has one of the names.
   */
  async upload(component: BuiltComponent, version: string): Promise<boolean> {
    for (const { name, path } of component.artifacts) {
      const object = {
        Bucket: this.bucket,
        Key: objectKeys.componentArtifact(component.name, version, name),
      };
      const body = await readFile(path);
      try {
        await this.s3.send(new PutObjectCommand({ ...object, Body: body, IfNoneMatch: '*' }));
      } catch (error) {
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        if (error instanceof S3ServiceException && error.name === 'NoSuchBucket') {
          throw new MooringError(
            'NotDeployed',
            `There is no bucket ${this.bucket}: run \`mooring deploy\` first`,
          );
        }
        // Amazon S3 answers 409 to one of two that write the same at the same time.
        if (status !== 412 && status !== 409) throw error;
        const { Body } = await this.s3.send(new GetObjectCommand(object));
        if (!body.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))) return false;
      }
    }
    return true;
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

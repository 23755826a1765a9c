import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchBucket,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { MooringError } from '../errors.js';

/** A bucket that holds texts, read and written whole. */
export interface TextBucket {
  /** The object's text, or undefined when there is no such object. */
  get(key: string): Promise<string | undefined>;
  /** Writes the object unless it holds that text already; returns whether it was written. */
  put(key: string, text: string): Promise<boolean>;
  /** Deletes the object; that there is none is no failure. */
  delete(key: string): Promise<void>;
}

export function textBucket(s3: S3Client, bucket: string): TextBucket {
  const get = async (key: string) => {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return await Body?.transformToString('utf-8');
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      if (error instanceof NoSuchBucket) {
        throw new MooringError('NotDeployed', `There is no bucket ${bucket}: run \`mooring deploy\` first`);
      }
      throw error;
    }
  };
  return {
    get,
    async put(key, text) {
      if ((await get(key)) === text) return false;
      await s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: text,
          ContentType: 'text/plain; charset=utf-8',
        }),
      );
      return true;
    },
    async delete(key) {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  };
}

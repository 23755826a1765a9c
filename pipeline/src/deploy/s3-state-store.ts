import {
  GetObjectCommand,
  NoSuchBucket,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { parseState, type StackState } from './state.js';
import type { StateStore } from './state-keeper.js';

/** The state of a stack as one JSON object, `state/<stack>.json`, of the bootstrap bucket. */
export class S3StateStore implements StateStore {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #stack: string;

  constructor(s3: S3Client, bucket: string, stack: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#stack = stack;
  }

  async load(): Promise<StackState | undefined> {
    try {
      const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: this.#key }));
      return parseState(this.#stack, (await Body?.transformToString('utf-8')) ?? '');
    } catch (error) {
      if (error instanceof NoSuchKey || error instanceof NoSuchBucket) return undefined;
      throw error;
    }
  }

  async save(state: StackState): Promise<void> {
    await this.#s3.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: this.#key,
        Body: JSON.stringify(state, undefined, 2),
        ContentType: 'application/json',
      }),
    );
  }

  get #key(): string {
    return `state/${this.#stack}.json`;
  }
}

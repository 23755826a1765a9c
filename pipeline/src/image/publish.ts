import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { NoSuchBucket, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, objectKeys } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { textBucket } from '../provisioning/bucket.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { sha256OfFile } from './build.js';
import { type ImageManifest, parseManifest, readManifest } from './manifest.js';

/** What `mooring image publish` did. */
export interface PublishedImage extends ImageManifest {
  readonly bucket: string;
  readonly key: string;
  /** False when the bucket's newest image is this one already. */
  readonly published: boolean;
}

/**
 * Uploads an image that was built, and then the manifest that names it as the newest of its target. Amazon S3 checks the
 * content by its SHA-256.
 *
 * @throws MooringError `NotBuilt`, `OtherStack`, `ImageChanged`, `NotDeployed`
 */
export async function publishImage(target: Target, outDir: string): Promise<PublishedImage> {
  const manifest = await readManifest(outDir);
  if (!manifest) {
    throw new MooringError('NotBuilt', `There is no image in ${outDir}: run \`mooring image build\` first`);
  }
  if (manifest.stack !== target.stack) {
    throw new MooringError(
      'OtherStack',
      `The image in ${outDir} is for the stack ${manifest.stack}, whose claim it holds: build one for ${target.stack}`,
    );
  }
  const path = join(outDir, manifest.file);
  if ((await sha256OfFile(path)) !== manifest.sha256) {
    throw new MooringError('ImageChanged', `${path} is not what was built: build the image again`);
  }
  const s3 = new S3Client(clientConfig(target));
  try {
    const { images: bucket } = bucketNames(await accountOf(target), target.region);
    const texts = textBucket(s3, bucket);
    const manifestKey = objectKeys.osImageManifest(manifest.target);
    const key = objectKeys.osImage(manifest.target, manifest.sha256, manifest.file);
    const before = await texts.get(manifestKey);
    if (before !== undefined && parseManifest(before, manifestKey).sha256 === manifest.sha256) {
      return { ...manifest, bucket, key, published: false };
    }
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: createReadStream(path),
        ContentLength: manifest.bytes,
        ContentType: 'application/zstd',
        ChecksumSHA256: Buffer.from(manifest.sha256, 'hex').toString('base64'),
      }),
    );
    await texts.put(`${key}.sha256`, `${manifest.sha256}  ${manifest.file}\n`);
    await texts.put(manifestKey, `${JSON.stringify(manifest, null, 2)}\n`);
    return { ...manifest, bucket, key, published: true };
  } catch (error) {
    if (!(error instanceof NoSuchBucket)) throw error;
    throw new MooringError('NotDeployed', 'There is no bucket for images: run `mooring deploy` first');
  } finally {
    s3.destroy();
  }
}

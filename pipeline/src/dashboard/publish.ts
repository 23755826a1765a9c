import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import {
  DeleteObjectsCommand,
  NoSuchBucket,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketNames } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';
import { accountOf, clientConfig, type Target } from '../target.js';
import { dashboardConfig, dashboardUrl } from './cloud.js';

/** What publishing the page did. */
export interface PublishedDashboard {
  readonly url: string;
  /** Keys of the files that were written; none when nothing changed. */
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  readonly unchanged: number;
}

/** The page as `npm run build` makes it. */
const PAGE = join(repositoryRoot, 'dashboard', 'dist', 'page');
const CONFIG = 'config.json';
/** Names of built assets carry a hash of their content, so a browser may keep them for a year. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/**
 * Puts the page's files, and `config.json` that tells it where its cloud is, into the bucket behind the dashboard. Only
 * what changed is written; what the page refers to is there before the page, and old files go last, so that a visitor
 * at any moment finds a page whose files are all there.
 *
 * @throws MooringError `NotBuilt`, or `NotDeployed`.
 */
export async function publishDashboard(target: Target): Promise<PublishedDashboard> {
  const account = await accountOf(target);
  const [files, config, url] = await Promise.all([
    builtFiles(PAGE),
    dashboardConfig(target),
    dashboardUrl(target, account),
  ]);
  files.set(CONFIG, Buffer.from(`${JSON.stringify(config, null, 2)}\n`));
  const bucket = bucketNames(account, target.region).dashboard;
  const s3 = new S3Client(clientConfig(target));
  try {
    const there = await objectsOf(s3, bucket);
    const changed = [...files].filter(([key, bytes]) => there.get(key) !== md5(bytes));
    const last = (key: string) => (extname(key) === '.html' ? 1 : 0);
    changed.sort(([a], [b]) => last(a) - last(b));
    for (const [key, bytes] of changed) await put(s3, bucket, key, bytes);
    const deleted = [...there.keys()].filter((key) => !files.has(key));
    if (deleted.length > 0) {
      await s3.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: deleted.map((Key) => ({ Key })) } }),
      );
    }
    return { url, written: changed.map(([key]) => key), deleted, unchanged: files.size - changed.length };
  } finally {
    s3.destroy();
  }
}

async function put(s3: S3Client, bucket: string, key: string, bytes: Uint8Array): Promise<void> {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: bytes,
      ContentType: CONTENT_TYPES[extname(key)] ?? 'application/octet-stream',
      CacheControl: key.startsWith('assets/') ? IMMUTABLE : 'no-cache',
    }),
  );
}

/** The files below a folder, by their paths with slashes. */
async function builtFiles(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path).split(sep).join('/'), await readFile(path));
  }
  if (files.has('index.html')) return files;
  throw new MooringError('NotBuilt', `The dashboard is not built (${folder}): run \`npm run build\` first`);
}

/** Of each object the MD5 of its content, which is the ETag of what is encrypted with keys of Amazon S3. */
async function objectsOf(client: S3Client, bucket: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  try {
    for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      for (const { Key, ETag } of Contents ?? []) if (Key) found.set(Key, (ETag ?? '').replaceAll('"', ''));
    }
  } catch (error) {
    if (!(error instanceof NoSuchBucket)) throw error;
    throw new MooringError('NotDeployed', `There is no bucket ${bucket}: run \`mooring deploy\` first`);
  }
  return found;
}

function md5(bytes: Uint8Array): string {
  // eslint-disable-next-line no-restricted-syntax -- the ETag of Amazon S3 is an MD5; it only tells what changed
  return createHash('md5').update(bytes).digest('hex');
}

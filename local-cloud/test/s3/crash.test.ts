import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, expect, test } from 'vitest';

const script = fileURLToPath(new URL('crash-cloud.mjs', import.meta.url));
const stateDirectory = mkdtempSync(join(tmpdir(), 's3-crash-'));
const running = new Set<() => Promise<void>>();
afterAll(async () => {
  for (const kill of running) await kill();
  rmSync(stateDirectory, { recursive: true, force: true });
});

async function run() {
  const child = fork(script, [stateDirectory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
    running.delete(kill);
  };
  running.add(kill);
  const [message] = await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error('The local cloud did not start; is it built (npm run build)?');
    }),
  ]);
  const s3 = new S3Client({
    endpoint: (message as { endpoint: string }).endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return { s3, kill };
}

test('killed at any time, each object is wholly the last one acknowledged, or the one after it', async () => {
  const Bucket = 'crash';
  const keys = ['a', 'b', 'c'];
  /** Number of the last acknowledged and of the last begun write of each key. */
  const acknowledged = new Map<string, number>();
  const begun = new Map<string, number>();
  // More than a megabyte is written piece by piece, less at once.
  const bodyOf = (key: string, number: number) =>
    Buffer.alloc(key === 'a' ? 3_000_000 : 20_000, `${key}${String(number).padStart(7, '0')}`);

  let { s3, kill } = await run();
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
  for (const acknowledgements of [3, 8, 14]) {
    let count = 0;
    let enough: () => void = () => {};
    const counted = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const writers = keys.map(async (Key) => {
      for (let number = (begun.get(Key) ?? 0) + 1; ; number += 1) {
        begun.set(Key, number);
        try {
          await s3.send(new PutObjectCommand({ Bucket, Key, Body: bodyOf(Key, number) }));
        } catch {
          return;
        }
        acknowledged.set(Key, number);
        count += 1;
        if (count === acknowledgements) enough();
      }
    });
    await counted;
    await kill();
    await Promise.all(writers);
    ({ s3, kill } = await run());
    for (const Key of keys) {
      const last = acknowledged.get(Key);
      if (last === undefined) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      const found = Buffer.from((await Body?.transformToByteArray()) ?? []);
      const number = Number(found.subarray(1, 8).toString());
      expect([last, begun.get(Key)]).toContain(number);
      expect(found.equals(bodyOf(Key, number))).toBe(true);
    }
  }
  await kill();
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test, vi } from 'vitest';
import { atEnd } from './support/at-end.js';
import { clientConfig } from './support/cloud.js';
import { runCommand, startCommand } from './support/command.js';

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'command-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test.each([
  ['no region', ['--region', 'nowhere'], 'A region has a name like eu-central-1.'],
  ['an address of another machine', ['--host', '192.0.2.1'], 'is no address of this machine'],
  ['a state directory that is a file', [], 'cannot be written'],
])('%s is refused in a sentence', async (_what, words, sentence) => {
  const directory = temporaryDirectory();
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const state = words.length > 0 ? directory : file;
  const ports = ['--http-port', '0', '--mqtt-port', '0', '--https-port', '0'];
  const { code, errors } = await runCommand('--state-directory', state, ...ports, ...words);
  expect(code).toBe(1);
  expect(errors).toContain(sentence);
  expect(errors).not.toMatch(/^\s+at /m);
});

test('a port that is taken is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  atEnd(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const { code, errors } = await runCommand(
    '--state-directory',
    temporaryDirectory(),
    '--http-port',
    `${port}`,
  );
  expect(code).toBe(1);
  expect(errors).toContain(`Port ${port} on 127.0.0.1, for HTTP, is taken by another program`);
});

test('asked to end in the middle of an upload it ends, and keeps what was acknowledged', async () => {
  const directory = temporaryDirectory();
  const first = await startCommand(directory);
  const s3 = new S3Client({ ...clientConfig(first), forcePathStyle: true, maxAttempts: 1 });
  await s3.send(
    new CreateBucketCommand({
      Bucket: 'kept',
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'whole', Body: 'x' }));
  let read: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    read = resolve;
  });
  const endless = Readable.from(
    (async function* () {
      for (let part = 0; part < 40; part += 1) yield Buffer.alloc(65_536);
      read();
      await new Promise<void>((resolve) => atEnd(resolve));
    })(),
    { objectMode: false },
  );
  const upload = s3.send(
    new PutObjectCommand({ Bucket: 'kept', Key: 'cut', Body: endless, ContentLength: 2 ** 30 }),
  );
  upload.catch(() => {});
  await begun;
  expect(await first.end('SIGTERM')).toBe(0);
  await expect(upload).rejects.toThrow();

  const second = await startCommand(directory);
  const after = new S3Client({ ...clientConfig(second), forcePathStyle: true, maxAttempts: 1 });
  const { Body } = await after.send(new GetObjectCommand({ Bucket: 'kept', Key: 'whole' }));
  expect(await Body?.transformToString()).toBe('x');
  await expect(after.send(new GetObjectCommand({ Bucket: 'kept', Key: 'cut' }))).rejects.toThrow();
  expect(await second.end('SIGINT')).toBe(0);
});

test('a promise that fails unseen is said and ends nothing; an exception that nothing caught ends the process', async () => {
  const cloud = await startCommand(
    temporaryDirectory(),
    `process.on('SIGUSR2', () => { Promise.reject(new Error('unseen')) });
     process.on('SIGHUP', () => { throw new Error('uncaught') });`,
  );
  cloud.signal('SIGUSR2');
  await vi.waitFor(() => expect(cloud.errors()).toContain('unseen'), 30_000);
  expect((await fetch(`${cloud.endpointUrl}/_local/health`)).status).toBe(200);
  expect(await cloud.end('SIGHUP')).toBe(1);
  expect(cloud.errors()).toContain('uncaught');
});

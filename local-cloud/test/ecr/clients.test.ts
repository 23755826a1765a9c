import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateRepositoryCommand, DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { atEnd } from '../support/at-end.js';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { basicToken, OCI_INDEX, OCI_MANIFEST, sha256, testImage, testIndex, writeLayout } from './images.js';

const run = promisify(execFile);
const isInstalled = (program: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

const said = (program: string) =>
  isInstalled(program)
    ? program
    : `${program} (skipped: not installed; scripts/install-debian-packages has it)`;

const folder = mkdtempSync(join(tmpdir(), 'ecr-clients-'));
atEnd(() => rmSync(folder, { recursive: true, force: true }));
let cloud: LocalCloud;
let ecr: ECRClient;
/** User name and password, as the clients take them. */
let credentials: string;
let registry: string;

const image = testImage('one');
const [amd64, arm64] = [testImage('many', 'amd64'), testImage('many', 'arm64')];
const index = testIndex({ amd64, arm64 });
const [one, many] = [join(folder, 'one'), join(folder, 'many')];

beforeAll(async () => {
  cloud = await startCloud();
  ecr = new ECRClient(clientConfig(cloud));
  credentials = Buffer.from(await basicToken(ecr), 'base64').toString();
  registry = `127.0.0.1:${cloud.ports.http}`;
  writeLayout(one, [image], { mediaType: OCI_MANIFEST, text: image.manifest });
  writeLayout(many, [amd64, arm64], { mediaType: OCI_INDEX, text: index });
  for (const repositoryName of ['team/skopeo', 'team/buildah', 'cli']) {
    await ecr.send(new CreateRepositoryCommand({ repositoryName }));
  }
});

describe.runIf(isInstalled('skopeo'))(said('skopeo'), () => {
  const skopeo = async (...words: string[]) =>
    (await run('skopeo', ['--insecure-policy', ...words], { maxBuffer: 2 ** 26 })).stdout;
  const up = ['--dest-tls-verify=false', '--dest-creds'];
  const down = ['--src-tls-verify=false', '--src-creds'];

  test('pushes an image, inspects it, and pulls it back', { timeout: 60_000 }, async () => {
    const at = `docker://${registry}/team/skopeo:v1`;
    await skopeo('copy', ...up, credentials, `oci:${one}`, at);
    // What is there already is not sent again.
    await skopeo('copy', ...up, credentials, `oci:${one}`, at);
    const inspected = JSON.parse(await skopeo('inspect', '--tls-verify=false', '--creds', credentials, at));
    expect(inspected).toMatchObject({
      Name: `${registry}/team/skopeo`,
      Digest: image.digest,
      RepoTags: ['v1'],
      Architecture: 'amd64',
    });
    const back = join(folder, 'back');
    const byDigest = `docker://${registry}/team/skopeo@${image.digest}`;
    await skopeo('copy', ...down, credentials, byDigest, `oci:${back}`);
    for (const [digest, bytes] of image.blobs) {
      const path = join(back, 'blobs', 'sha256', digest.slice('sha256:'.length));
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
    await expect(
      skopeo('copy', ...down, 'AWS:wrong', byDigest, `oci:${join(folder, 'none')}`),
    ).rejects.toThrow();
  });

  test('pushes all images of an index, and pulls that of one platform', { timeout: 60_000 }, async () => {
    const at = `docker://${registry}/team/skopeo:many`;
    await skopeo('copy', '--all', ...up, credentials, `oci:${many}`, at);
    const { imageDetails } = await ecr.send(
      new DescribeImagesCommand({ repositoryName: 'team/skopeo', imageIds: [{ imageTag: 'many' }] }),
    );
    expect(imageDetails?.[0]).toMatchObject({
      imageDigest: sha256(index),
      imageManifestMediaType: OCI_INDEX,
    });
    const back = join(folder, 'arm');
    await skopeo('--override-arch', 'arm64', 'copy', ...down, credentials, at, `oci:${back}`);
    const { manifests } = JSON.parse(readFileSync(join(back, 'index.json'), 'utf8'));
    expect(manifests[0].digest).toBe(arm64.digest);
    const whole = join(folder, 'whole');
    await skopeo('copy', '--all', ...down, credentials, at, `oci:${whole}`);
    const blobs = readdirSync(join(whole, 'blobs', 'sha256')).map((hex) => `sha256:${hex}`);
    expect(blobs).toEqual(
      expect.arrayContaining([sha256(index), amd64.digest, arm64.digest, ...amd64.blobs.keys()]),
    );
  });

  test('pushes an image in Docker’s formats', { timeout: 60_000 }, async () => {
    const at = `docker://${registry}/team/skopeo:docker`;
    await skopeo('copy', '--format', 'v2s2', ...up, credentials, `oci:${one}`, at);
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', '--creds', credentials, at);
    expect(JSON.parse(raw).mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
    await skopeo('delete', '--tls-verify=false', '--creds', credentials, at);
    await expect(
      skopeo('inspect', '--raw', '--tls-verify=false', '--creds', credentials, at),
    ).rejects.toThrow('not found');
  });
});

describe.runIf(isInstalled('buildah'))(said('buildah'), () => {
  test('pushes, pulls and builds on an image', { timeout: 60_000 }, async () => {
    const policy = join(folder, 'policy.json');
    writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
    const storage = [
      '--root',
      join(folder, 'root'),
      '--runroot',
      join(folder, 'run'),
      '--storage-driver',
      'vfs',
    ];
    mkdirSync(join(folder, 'tmp'));
    const env = { ...process.env, HOME: folder, TMPDIR: join(folder, 'tmp') };
    const buildah = async (...words: string[]) =>
      (await run('buildah', [...storage, ...words], { cwd: folder, env, maxBuffer: 2 ** 26 })).stdout.trim();
    const secured = ['--signature-policy', policy];
    const remote = [...secured, '--tls-verify=false', '--creds', credentials];
    // By a relative path, as it names the image after the path, in which capitals may not be.
    const local = await buildah('pull', ...secured, 'oci:one');
    const at = `docker://${registry}/team/buildah:v1`;
    await buildah('push', ...remote, local, at);
    await buildah('rmi', '--all', '--force');
    const pulled = await buildah('pull', ...remote, at);
    expect(pulled).toMatch(/[0-9a-f]{64}/);
    const container = await buildah('from', ...remote, `${registry}/team/buildah:v1`);
    const [{ Config }] = [JSON.parse(await buildah('inspect', container))];
    expect(Config).toContain('/hello');
    await buildah('rm', container);
  });
});

test.runIf(hasAwsCli)(
  'the AWS CLI shows repositories and the password of the registry',
  { timeout: 120_000 },
  async () => {
    const aws = awsCli(cloud);
    const [described, password] = await Promise.all([
      aws('ecr', 'describe-repositories', '--repository-names', 'cli', '--output', 'json'),
      aws('ecr', 'get-login-password'),
    ]);
    expect(JSON.parse(described).repositories).toMatchObject([
      { repositoryName: 'cli', repositoryUri: `${registry}/cli` },
    ]);
    const authorization = `Basic ${Buffer.from(`AWS:${password.trim()}`).toString('base64')}`;
    expect((await fetch(`${cloud.endpointUrl}/v2/`, { headers: { authorization } })).status).toBe(200);
    await expect(aws('ecr', 'describe-images', '--repository-name', 'none')).rejects.toMatchObject({
      stderr: expect.stringContaining('RepositoryNotFoundException'),
    });
  },
);

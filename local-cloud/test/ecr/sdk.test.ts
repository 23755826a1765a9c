import { randomBytes } from 'node:crypto';
import {
  BatchCheckLayerAvailabilityCommand,
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CompleteLayerUploadCommand,
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DeleteRepositoryCommand,
  DeleteRepositoryPolicyCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  GetDownloadUrlForLayerCommand,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  InitiateLayerUploadCommand,
  ListImagesCommand,
  ListTagsForResourceCommand,
  PutImageCommand,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  SetRepositoryPolicyCommand,
  StartImageScanCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UploadLayerPartCommand,
} from '@aws-sdk/client-ecr';
import { beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { OCI_INDEX, OCI_MANIFEST, sha256, type TestImage, testImage, testIndex } from './images.js';

const clock = new ManualClock(Date.now());
let cloud: LocalCloud;
let ecr: ECRClient;

beforeAll(async () => {
  cloud = await startCloud({ clock });
  ecr = new ECRClient({ ...clientConfig(cloud), maxAttempts: 1 });
});

async function repository(repositoryName: string): Promise<string> {
  await ecr.send(new CreateRepositoryCommand({ repositoryName }));
  return repositoryName;
}

/** Uploads a layer in parts, as the ECR API has it. */
async function upload(repositoryName: string, bytes: Uint8Array, partSize = 5 * 1024 * 1024): Promise<void> {
  const { uploadId } = await ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
  for (let at = 0; at < bytes.length; at += partSize) {
    const layerPartBlob = bytes.subarray(at, at + partSize);
    const part = { partFirstByte: at, partLastByte: at + layerPartBlob.length - 1, layerPartBlob };
    await ecr.send(new UploadLayerPartCommand({ repositoryName, uploadId, ...part }));
  }
  await ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [sha256(bytes)] }));
}

async function push(repositoryName: string, image: TestImage, imageTag?: string): Promise<void> {
  for (const [digest, bytes] of image.blobs) {
    const { layers } = await ecr.send(
      new BatchCheckLayerAvailabilityCommand({ repositoryName, layerDigests: [digest] }),
    );
    if (layers?.[0]?.layerAvailability !== 'AVAILABLE') await upload(repositoryName, bytes);
  }
  await ecr.send(new PutImageCommand({ repositoryName, imageManifest: image.manifest, imageTag }));
}

describe('repositories', () => {
  test('are made, described in pages, and deleted', async () => {
    const { repository: made } = await ecr.send(
      new CreateRepositoryCommand({ repositoryName: 'one/app', tags: [{ Key: 'a', Value: '1' }] }),
    );
    expect(made).toEqual({
      repositoryArn: `arn:aws:ecr:${cloud.region}:${cloud.accountId}:repository/one/app`,
      registryId: cloud.accountId,
      repositoryName: 'one/app',
      repositoryUri: `127.0.0.1:${cloud.ports.http}/one/app`,
      createdAt: expect.any(Date),
      imageTagMutability: 'MUTABLE',
      imageScanningConfiguration: { scanOnPush: false },
      encryptionConfiguration: { encryptionType: 'AES256' },
    });
    await expect(repository('one/app')).rejects.toMatchObject({
      name: 'RepositoryAlreadyExistsException',
      message: `The repository with name 'one/app' already exists in the registry with id '${cloud.accountId}'`,
    });
    await repository('one/b');
    await repository('one/c');
    const first = await ecr.send(new DescribeRepositoriesCommand({ maxResults: 2 }));
    expect(first.repositories?.map(({ repositoryName }) => repositoryName)).toEqual(['one/app', 'one/b']);
    const second = await ecr.send(new DescribeRepositoriesCommand({ nextToken: first.nextToken }));
    expect(second.repositories?.map(({ repositoryName }) => repositoryName)).toEqual(['one/c']);
    expect(second.nextToken).toBeUndefined();
    await expect(
      ecr.send(new DescribeRepositoriesCommand({ repositoryNames: ['none'] })),
    ).rejects.toMatchObject({
      name: 'RepositoryNotFoundException',
      message: `The repository with name 'none' does not exist in the registry with id '${cloud.accountId}'`,
    });
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: 'one/c' }));
    await expect(ecr.send(new DeleteRepositoryCommand({ repositoryName: 'one/c' }))).rejects.toMatchObject({
      name: 'RepositoryNotFoundException',
    });
    await push('one/b', testImage('x'), 'v1');
    await expect(ecr.send(new DeleteRepositoryCommand({ repositoryName: 'one/b' }))).rejects.toMatchObject({
      name: 'RepositoryNotEmptyException',
    });
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: 'one/b', force: true }));
  });

  test.each(['A', 'a', '-a', 'a//b', 'a/', 'a..b', 'x'.repeat(257)])('have no name like %s', async (name) => {
    await expect(repository(name)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  test('have settings, tags and policies', async () => {
    const repositoryName = await repository('settings');
    const resourceArn = `arn:aws:ecr:${cloud.region}:${cloud.accountId}:repository/settings`;
    await ecr.send(new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }));
    await ecr.send(
      new PutImageScanningConfigurationCommand({
        repositoryName,
        imageScanningConfiguration: { scanOnPush: true },
      }),
    );
    const { repositories } = await ecr.send(
      new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }),
    );
    expect(repositories?.[0]).toMatchObject({
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
    });
    await ecr.send(new TagResourceCommand({ resourceArn, tags: [{ Key: 'a', Value: '1' }] }));
    await ecr.send(new TagResourceCommand({ resourceArn, tags: [{ Key: 'b', Value: '2' }] }));
    await ecr.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a'] }));
    const { tags } = await ecr.send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual([{ Key: 'b', Value: '2' }]);
    const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: '' }));
    await expect(ecr.send(new TagResourceCommand({ resourceArn, tags: many }))).rejects.toMatchObject({
      name: 'TooManyTagsException',
    });
    await expect(
      ecr.send(new TagResourceCommand({ resourceArn, tags: [{ Key: 'aws:x', Value: '' }] })),
    ).rejects.toMatchObject({ name: 'InvalidTagParameterException' });

    await expect(ecr.send(new GetRepositoryPolicyCommand({ repositoryName }))).rejects.toMatchObject({
      name: 'RepositoryPolicyNotFoundException',
    });
    const statement = { Effect: 'Allow', Principal: '*', Action: 'ecr:BatchGetImage' };
    const policyText = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await ecr.send(new SetRepositoryPolicyCommand({ repositoryName, policyText }));
    expect(await ecr.send(new GetRepositoryPolicyCommand({ repositoryName }))).toMatchObject({ policyText });
    expect(await ecr.send(new DeleteRepositoryPolicyCommand({ repositoryName }))).toMatchObject({
      policyText,
    });
    await expect(
      ecr.send(new SetRepositoryPolicyCommand({ repositoryName, policyText: '{}' })),
    ).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(
      ecr.send(new StartImageScanCommand({ repositoryName, imageId: { imageTag: 'x' } })),
    ).rejects.toMatchObject({ name: 'NotImplementedException' });
  });

  test('expire images by their lifecycle policies', async () => {
    const repositoryName = await repository('lifecycle');
    const images = Array.from({ length: 4 }, (_, index) => testImage(`lifecycle ${index}`));
    for (const [index, image] of images.entries()) {
      await push(repositoryName, image, `v${index}`);
      clock.advance(60_000);
    }
    await expect(ecr.send(new GetLifecyclePolicyCommand({ repositoryName }))).rejects.toMatchObject({
      name: 'LifecyclePolicyNotFoundException',
    });
    const rule = {
      rulePriority: 1,
      description: 'keep the two newest images of all that were pushed',
      selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 2 },
      action: { type: 'expire' },
    };
    const lifecyclePolicyText = JSON.stringify({ rules: [rule] });
    await ecr.send(new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText }));
    clock.advance(60 * 60 * 1000);
    const { imageIds } = await ecr.send(new ListImagesCommand({ repositoryName }));
    expect(imageIds?.map(({ imageTag }) => imageTag).sort()).toEqual(['v2', 'v3']);
    expect(await ecr.send(new GetLifecyclePolicyCommand({ repositoryName }))).toMatchObject({
      lifecyclePolicyText,
      lastEvaluatedAt: expect.any(Date),
    });
    const bad = JSON.stringify({ rules: [{ ...rule, action: { type: 'keep' } }] });
    await expect(
      ecr.send(new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText: bad })),
    ).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await ecr.send(new DeleteLifecyclePolicyCommand({ repositoryName }));
  });
});

describe('layers', () => {
  test('are uploaded in parts, and got with a plain GET', async () => {
    const repositoryName = await repository('parts');
    const bytes = randomBytes(11 * 1024 * 1024);
    await upload(repositoryName, bytes);
    const layerDigest = sha256(bytes);
    const { layers, failures } = await ecr.send(
      new BatchCheckLayerAvailabilityCommand({
        repositoryName,
        layerDigests: [layerDigest, sha256('none'), 'nonsense'],
      }),
    );
    expect(layers).toEqual([
      { layerDigest, layerAvailability: 'AVAILABLE', layerSize: bytes.length },
      { layerDigest: sha256('none'), layerAvailability: 'UNAVAILABLE' },
    ]);
    expect(failures).toMatchObject([{ failureCode: 'InvalidLayerDigest' }]);
    const { downloadUrl = '' } = await ecr.send(
      new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest }),
    );
    const got = await fetch(downloadUrl);
    expect(sha256(new Uint8Array(await got.arrayBuffer()))).toBe(layerDigest);
    const part = await fetch(downloadUrl, { headers: { range: 'bytes=0-9' } });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
    expect((await fetch(`${downloadUrl}x`)).status).toBe(403);
    clock.advance(60 * 60 * 1000 + 1);
    expect((await fetch(downloadUrl)).status).toBe(403);
    await expect(
      ecr.send(new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest: sha256('none') })),
    ).rejects.toMatchObject({ name: 'LayersNotFoundException' });
    await expect(upload(repositoryName, bytes)).rejects.toMatchObject({
      name: 'LayerAlreadyExistsException',
    });
  });

  test('whose parts are out of order, too small, or not what was said are refused', async () => {
    const repositoryName = await repository('bad-parts');
    const { uploadId } = await ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
    const send = (partFirstByte: number, text: string) =>
      ecr.send(
        new UploadLayerPartCommand({
          ...{ repositoryName, uploadId, partFirstByte },
          partLastByte: partFirstByte + text.length - 1,
          layerPartBlob: Buffer.from(text),
        }),
      );
    const complete = (...layerDigests: string[]) =>
      ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests }));
    await expect(complete(sha256(''))).rejects.toMatchObject({ name: 'EmptyUploadException' });
    expect(await send(0, 'abc')).toMatchObject({ lastByteReceived: 2 });
    await expect(send(4, 'x')).rejects.toMatchObject({
      name: 'InvalidLayerPartException',
      lastValidByteReceived: 2,
    });
    await expect(complete(sha256('abd'))).rejects.toMatchObject({ name: 'InvalidLayerException' });
    await send(3, 'def');
    await expect(complete(sha256('abcdef'))).rejects.toMatchObject({ name: 'LayerPartTooSmallException' });
    await expect(
      ecr.send(
        new CompleteLayerUploadCommand({ repositoryName, uploadId: 'none', layerDigests: [sha256('')] }),
      ),
    ).rejects.toMatchObject({ name: 'UploadNotFoundException' });
  });
});

describe('images', () => {
  test('are put, got, described, listed in pages and deleted', async () => {
    const repositoryName = await repository('images');
    const [image, other] = [testImage('image'), testImage('other')];
    const put = (input: object) => ecr.send(new PutImageCommand({ repositoryName, ...image_, ...input }));
    const image_ = { imageManifest: image.manifest };
    await expect(put({ imageTag: 'v1' })).rejects.toMatchObject({ name: 'LayersNotFoundException' });
    await push(repositoryName, image, 'v1');
    await expect(put({ imageTag: 'v1' })).rejects.toMatchObject({
      name: 'ImageAlreadyExistsException',
      message: `Image with digest '${image.digest}' and tag 'v1' already exists in the repository with name 'images' in the registry with id '${cloud.accountId}'`,
    });
    await put({ imageTag: 'v2' });
    await expect(put({ imageTag: 'v3', imageDigest: other.digest })).rejects.toMatchObject({
      name: 'ImageDigestDoesNotMatchException',
    });
    await expect(put({ imageManifest: '{"schemaVersion":1}' })).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
    await push(repositoryName, other);
    const got = await ecr.send(
      new BatchGetImageCommand({
        repositoryName,
        imageIds: [
          { imageTag: 'v1' },
          { imageTag: 'none' },
          {},
          { imageDigest: other.digest, imageTag: 'v1' },
          { imageDigest: 'x' },
        ],
      }),
    );
    expect(got.images).toEqual([
      {
        registryId: cloud.accountId,
        repositoryName,
        imageId: { imageDigest: image.digest, imageTag: 'v1' },
        imageManifest: image.manifest,
        imageManifestMediaType: OCI_MANIFEST,
      },
    ]);
    expect(got.failures?.map(({ failureCode }) => failureCode)).toEqual([
      'ImageNotFound',
      'MissingDigestAndTag',
      'ImageTagDoesNotMatchDigest',
      'InvalidImageDigest',
    ]);
    const { imageDetails } = await ecr.send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'v2' }] }),
    );
    const size = [...image.blobs.values()].reduce((sum, { length }) => sum + length, 0);
    expect(imageDetails).toEqual([
      {
        registryId: cloud.accountId,
        repositoryName,
        imageDigest: image.digest,
        imageTags: ['v1', 'v2'],
        imageSizeInBytes: size,
        imagePushedAt: expect.any(Date),
        imageManifestMediaType: OCI_MANIFEST,
        artifactMediaType: 'application/vnd.oci.image.config.v1+json',
        lastRecordedPullTime: expect.any(Date),
      },
    ]);
    await expect(
      ecr.send(new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'v9' }] })),
    ).rejects.toMatchObject({
      name: 'ImageNotFoundException',
      message: `The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the repository with name 'images' in the registry with id '${cloud.accountId}'`,
    });
    const listed = [];
    let nextToken: string | undefined;
    do {
      const page = await ecr.send(new ListImagesCommand({ repositoryName, maxResults: 1, nextToken }));
      listed.push(...(page.imageIds ?? []));
      ({ nextToken } = page);
    } while (nextToken !== undefined);
    expect(listed).toHaveLength(3);
    const untagged = await ecr.send(
      new ListImagesCommand({ repositoryName, filter: { tagStatus: 'UNTAGGED' } }),
    );
    expect(untagged.imageIds).toEqual([{ imageDigest: other.digest }]);

    const remove = (...imageIds: object[]) =>
      ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
    expect((await remove({ imageTag: 'v1' })).imageIds).toEqual([
      { imageDigest: image.digest, imageTag: 'v1' },
    ]);
    // With its last tag an image goes.
    await remove({ imageTag: 'v2' }, { imageDigest: other.digest });
    const left = await ecr.send(new DescribeImagesCommand({ repositoryName }));
    expect(left.imageDetails).toEqual([]);
    expect((await remove({ imageTag: 'v2' })).failures).toMatchObject([{ failureCode: 'ImageNotFound' }]);
  });

  test('that an index names stay as long as it does', async () => {
    const repositoryName = await repository('index');
    const [amd64, arm64] = [testImage('amd64', 'amd64'), testImage('arm64', 'arm64')];
    const imageManifest = testIndex({ amd64, arm64 });
    await push(repositoryName, amd64);
    const putIndex = () => ecr.send(new PutImageCommand({ repositoryName, imageManifest, imageTag: 'v1' }));
    await expect(putIndex()).rejects.toMatchObject({ name: 'ReferencedImagesNotFoundException' });
    await push(repositoryName, arm64);
    const { image } = await putIndex();
    expect(image).toMatchObject({ imageManifestMediaType: OCI_INDEX, imageId: { imageTag: 'v1' } });
    const remove = (imageDigest: string | undefined) =>
      ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageDigest }] }));
    expect((await remove(amd64.digest)).failures).toMatchObject([
      { failureCode: 'ImageReferencedByManifestList' },
    ]);
    await remove(image?.imageId?.imageDigest);
    expect((await remove(amd64.digest)).failures).toEqual([]);
  });
});

test('a token names the registry and when it expires', async () => {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const [data] = authorizationData ?? [];
  expect(data?.proxyEndpoint).toBe(cloud.endpointUrl);
  expect(Math.round(((data?.expiresAt?.getTime() ?? 0) - clock.now()) / 1000)).toBe(12 * 60 * 60);
  expect(Buffer.from(data?.authorizationToken ?? '', 'base64').toString()).toMatch(/^AWS:[\w-]+\.[\w-]+$/);
});

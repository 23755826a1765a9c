import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';

const BUCKET = 'AWS::S3::Bucket';
const POLICY = 'AWS::S3::BucketPolicy';
let s3: S3Client;
let control: ReturnType<typeof resources>;

beforeAll(async () => {
  const cloud = await startCloud();
  s3 = new S3Client({ ...clientConfig(cloud), maxAttempts: 1 });
  control = resources(cloud);
});

const properties = {
  BucketName: 'made-by-control',
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
  },
  OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  },
  VersioningConfiguration: { Status: 'Enabled' },
  LifecycleConfiguration: {
    Rules: [
      {
        Id: 'old',
        Status: 'Enabled',
        Prefix: 'logs/',
        ObjectSizeGreaterThan: '1000',
        ExpirationInDays: 30,
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        NoncurrentVersionExpiration: { NoncurrentDays: 7 },
      },
    ],
  },
  Tags: [{ Key: 'a', Value: '1' }],
};

test('a bucket is made with its configuration, read, changed and deleted', async () => {
  const Bucket = await control.create(BUCKET, properties);
  expect(Bucket).toBe('made-by-control');
  await expect(s3.send(new GetBucketVersioningCommand({ Bucket }))).resolves.toMatchObject({
    Status: 'Enabled',
  });
  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
  expect(ServerSideEncryptionConfiguration?.Rules).toMatchObject([
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
  ]);
  const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
  expect(PublicAccessBlockConfiguration).toEqual(properties.PublicAccessBlockConfiguration);
  const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  expect(Rules).toMatchObject([
    {
      ID: 'old',
      Filter: { And: { Prefix: 'logs/', ObjectSizeGreaterThan: 1000 } },
      Expiration: { Days: 30 },
      NoncurrentVersionExpiration: { NoncurrentDays: 7 },
    },
  ]);
  await expect(control.read(BUCKET, Bucket)).resolves.toMatchObject({
    ...properties,
    Arn: 'arn:aws:s3:::made-by-control',
    RegionalDomainName: 'made-by-control.s3.eu-central-1.amazonaws.com',
  });

  await control.update(BUCKET, Bucket, [
    { op: 'remove', path: '/VersioningConfiguration' },
    { op: 'remove', path: '/LifecycleConfiguration' },
    { op: 'replace', path: '/Tags', value: [{ Key: 'b', Value: '2' }] },
  ]);
  await expect(s3.send(new GetBucketVersioningCommand({ Bucket }))).resolves.toMatchObject({
    Status: 'Suspended',
  });
  await expect(s3.send(new GetBucketTaggingCommand({ Bucket }))).resolves.toMatchObject({
    TagSet: [{ Key: 'b', Value: '2' }],
  });
  await expect(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).rejects.toMatchObject({
    name: 'NoSuchLifecycleConfiguration',
  });

  await s3.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }));
  await expect(control.delete(BUCKET, Bucket)).rejects.toThrow('The bucket you tried to delete is not empty');
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x', VersionId: 'null' }));
  await control.delete(BUCKET, Bucket);
  await expect(control.read(BUCKET, Bucket)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a bucket without a name gets one; one that is there or asks for what is not built is refused', async () => {
  const name = await control.create(BUCKET, {});
  expect(name).toMatch(/^[a-z0-9-]{3,63}$/);
  await expect(control.create(BUCKET, { BucketName: name })).rejects.toMatchObject({ name: 'AlreadyExists' });
  await expect(
    control.create(BUCKET, { BucketName: 'website', WebsiteConfiguration: { IndexDocument: 'index.html' } }),
  ).rejects.toThrow('WebsiteConfiguration of AWS::S3::Bucket is not built in the local cloud');
  await expect(control.read(BUCKET, 'website')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a bucket policy is set once, changed and taken away', async () => {
  const Bucket = await control.create(BUCKET, { BucketName: 'with-policy' });
  const statement = (Action: string) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Principal: '*', Action, Resource: 'arn:aws:s3:::with-policy/*' }],
  });
  const desired = { Bucket, PolicyDocument: statement('s3:PutObject') };
  await control.create(POLICY, desired);
  await expect(control.create(POLICY, desired)).rejects.toMatchObject({ name: 'AlreadyExists' });
  await expect(control.read(POLICY, Bucket)).resolves.toEqual(desired);
  await control.update(POLICY, Bucket, [
    { op: 'replace', path: '/PolicyDocument', value: statement('s3:DeleteObject') },
  ]);
  const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
  expect(JSON.parse(Policy ?? '')).toEqual(statement('s3:DeleteObject'));
  await control.delete(POLICY, Bucket);
  await expect(control.delete(POLICY, Bucket)).rejects.toMatchObject({ name: 'NotFound' });
  await expect(control.create(POLICY, { Bucket, PolicyDocument: { Statement: [] } })).rejects.toMatchObject({
    name: 'InvalidRequest',
  });
});

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sdkName, toCloudFormation, toOutputs } from '../../src/deploy/property-case.js';
import { publishedSchema, publishedTypes } from './published-schemas.js';

describe('sdkName', () => {
  it.each([
    ['PolicyName', 'policyName'],
    ['Arn', 'arn'],
    ['S3Bucket', 's3Bucket'],
    ['SSEAlgorithm', 'sseAlgorithm'],
    ['KMSMasterKeyID', 'kmsMasterKeyId'],
    ['PrincipalOrgID', 'principalOrgId'],
    ['WebsiteURL', 'websiteUrl'],
    ['SourceKMSKeyArn', 'sourceKmsKeyArn'],
    ['ExecutionEnvironmentMemoryGiBPerVCpu', 'executionEnvironmentMemoryGiBPerVCpu'],
  ])('calls %s %s', (property, name) => {
    expect(sdkName(property)).toBe(name);
  });

  it.each(publishedTypes)('names every property of %s as aws-native does', (type) => {
    const [, service = '', name = ''] = type.split('::');
    const file = `@pulumi/aws-native/${service.toLowerCase()}/${name.charAt(0).toLowerCase()}${name.slice(1)}.d.ts`;
    const declarations = readFileSync(createRequire(import.meta.url).resolve(file), 'utf8');
    for (const property of publishedSchema(type).root.properties?.keys() ?? []) {
      const output = sdkName(property) === 'id' ? 'awsId' : sdkName(property);
      expect(declarations, `${type} ${property}`).toContain(` ${output}: pulumi.Output<`);
    }
  });
});

describe('toCloudFormation', () => {
  it('follows the schema into objects and arrays', () => {
    expect(
      toCloudFormation(
        {
          bucketName: 'b',
          bucketEncryption: {
            serverSideEncryptionConfiguration: [
              { serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } },
            ],
          },
          tags: [{ key: 'k', value: 'v' }],
        },
        publishedSchema('AWS::S3::Bucket'),
      ),
    ).toEqual({
      BucketName: 'b',
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      Tags: [{ Key: 'k', Value: 'v' }],
    });
  });

  it('leaves policy documents and the keys of maps as they are', () => {
    const policyDocument = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', lowerCase: { inner: 1 } }],
    };
    expect(toCloudFormation({ policyDocument }, publishedSchema('AWS::IoT::Policy'))).toEqual({
      PolicyDocument: policyDocument,
    });
    expect(
      toCloudFormation(
        {
          environment: { variables: { ALLOWLIST_KEY: 'a', camelCase: 'b' } },
          code: { s3Bucket: 'b', s3Key: 'k' },
        },
        publishedSchema('AWS::Lambda::Function'),
      ),
    ).toEqual({
      Environment: { Variables: { ALLOWLIST_KEY: 'a', camelCase: 'b' } },
      Code: { S3Bucket: 'b', S3Key: 'k' },
    });
    expect(
      toCloudFormation(
        { policies: [{ policyName: 'p', policyDocument: { anyThing: 1 } }] },
        publishedSchema('AWS::IAM::Role'),
      ),
    ).toEqual({ Policies: [{ PolicyName: 'p', PolicyDocument: { anyThing: 1 } }] });
  });

  it('names an argument that the type does not have', () => {
    expect(() => toCloudFormation({ nonsense: 1 }, publishedSchema('AWS::IoT::Policy'))).toThrow(
      /AWS::IoT::Policy has no property for "nonsense"/,
    );
  });

  it('is undone by toOutputs, for any values', () => {
    for (const type of publishedTypes) {
      const schema = publishedSchema(type);
      const names = [...(schema.root.properties?.keys() ?? [])].filter((name) => name !== 'Id');
      fc.assert(
        fc.property(
          fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.integer())),
          (properties) => {
            expect(toCloudFormation(toOutputs(properties, schema), schema)).toEqual(properties);
          },
        ),
        { numRuns: 20 },
      );
    }
  });
});

describe('toOutputs', () => {
  it('keeps Pulumi’s own id apart from a property Id', () => {
    expect(toOutputs({ Id: 'x', Arn: 'a' }, publishedSchema('AWS::IoT::Policy'))).toEqual({
      awsId: 'x',
      arn: 'a',
    });
  });
});

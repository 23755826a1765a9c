import { z } from 'zod';
import { AwsError } from '../../errors.js';
import { documentText, parseProperties, policyDocumentSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { checkBucketPolicy } from './bucket-configuration.js';
import type { BucketStore } from './bucket-store.js';

const schema = z.strictObject({ Bucket: z.string(), PolicyDocument: policyDocumentSchema });

/** `AWS::S3::BucketPolicy`; a bucket has one at most. */
export function bucketPolicyType(buckets: BucketStore): ResourceType {
  const typeName = 'AWS::S3::BucketPolicy';
  const put = (desired: ResourceProperties) => {
    const { Bucket: name, PolicyDocument } = parseProperties(typeName, schema, desired);
    const policy = documentText(PolicyDocument);
    checkBucketPolicy(buckets.get(name), policy);
    buckets.change(name, { policy });
    return name;
  };
  const existing = (name: string) => {
    const { policy } = buckets.get(name);
    if (policy === undefined) {
      throw new AwsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404, { BucketName: name });
    }
    return policy;
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { Bucket: name } = parseProperties(typeName, schema, desired);
      if (buckets.get(name).policy !== undefined) {
        throw new AwsError('AlreadyExists', `The bucket policy already exists on bucket ${name}.`, 409);
      }
      return put(desired);
    },
    read(name) {
      const policy = buckets.find(name)?.policy;
      return policy === undefined ? undefined : { Bucket: name, PolicyDocument: JSON.parse(policy) };
    },
    update(name, desired) {
      existing(name);
      put(desired);
    },
    delete(name) {
      existing(name);
      buckets.change(name, { policy: undefined });
    },
    list: () => buckets.all().flatMap(({ name, policy }) => (policy === undefined ? [] : [name])),
  };
}

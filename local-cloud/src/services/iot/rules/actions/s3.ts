import { z } from 'zod';
import { type ActionContext, type PreparedAction, parameters, template } from './action.js';

const schema = z.strictObject({
  roleArn: z.string(),
  bucketName: z.string().min(1),
  key: z.string().min(1),
  cannedAcl: z
    .enum([
      'private',
      'public-read',
      'public-read-write',
      'aws-exec-read',
      'authenticated-read',
      'bucket-owner-read',
      'bucket-owner-full-control',
      'log-delivery-write',
    ])
    .optional(),
});

/** Writes an object for each message. */
export function s3Action(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { writeObject } = context.targets;
  if (!writeObject) return undefined;
  const { roleArn, bucketName, key, cannedAcl } = parameters('s3', schema, given);
  const fillBucket = template(bucketName, context);
  const fillKey = template(key, context);
  return {
    name: 'S3Action',
    member: 's3',
    failure: 'Failed to put S3 object',
    service: 'Amazon S3',
    target: bucketName,
    async plan({ message, output }) {
      const bucket = await fillBucket(message);
      const name = await fillKey(message);
      return {
        resource: bucket,
        details: `Bucket: ${bucket}, Key: "${name}"`,
        async perform() {
          context.roles.require(roleArn, 's3:PutObject', `arn:aws:s3:::${bucket}/${name}`);
          await writeObject(bucket, name, output.payload, { cannedAcl });
        },
      };
    },
  };
}

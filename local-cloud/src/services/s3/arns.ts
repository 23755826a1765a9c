/** The ARN of a bucket, or of an object in it. */
export function bucketArn(bucket: string, key?: string): string {
  return `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
}

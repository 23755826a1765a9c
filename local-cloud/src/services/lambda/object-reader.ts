/**
 * Reads an object of Amazon S3 on behalf of another service, such as Lambda for a deployment package.
 *
 * @param version of the object; the current one when it is not given.
 * @throws NoSuchBucket, NoSuchKey, NoSuchVersion of the S3 API.
 */
export type ObjectReader = (bucket: string, key: string, version?: string) => Promise<Uint8Array>;

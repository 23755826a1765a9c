/**
 * An error that a caller of an AWS API sees: its code, HTTP status and message in the service's own shape.
 * Operations may throw the SDK's modelled exceptions as well; this one is for codes that no model names.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';

  constructor(
    readonly code: string,
    message: string,
    /** HTTP status; 400 to 499 is the caller's fault, 500 and above the local cloud's. */
    readonly status = 400,
    /** Further members of the error's body, for example `BucketName` of S3. */
    readonly details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** What the person who starts the local cloud can put right: a port, a directory, an option. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError';

  constructor(
    readonly code:
      | 'PortInUse'
      | 'StateDirectoryNotWritable'
      | 'StateDirectoryInUse'
      | 'StateDirectoryNewer'
      | 'StateDirectoryUnreadable'
      | 'InvalidOption',
    message: string,
  ) {
    super(message);
  }
}

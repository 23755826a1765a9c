/** What a user can put right: one sentence on what happened to which thing, and what to do about it. */
export class MooringError extends Error {
  override readonly name = 'MooringError';

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Turns any error into the sentence that a person reads. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error instanceof MooringError) return error.message;
  if ('code' in error && error.code === 'ECONNREFUSED') {
    const where = 'address' in error && 'port' in error ? ` at ${error.address}:${error.port}` : '';
    return `Nothing answers${where}: start the local cloud with \`npm start\`, or check the endpoint`;
  }
  switch (error.name) {
    case 'CredentialsProviderError':
      return 'No AWS credentials were found: sign in (for example `aws sso login`) or set AWS_PROFILE';
    case 'ExpiredToken':
    case 'ExpiredTokenException':
      return 'The AWS credentials have expired: sign in again';
    case 'AccessDenied':
    case 'AccessDeniedException':
      return `AWS refused the call: ${error.message}`;
    default:
      return error.message || error.name;
  }
}

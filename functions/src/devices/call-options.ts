/** What each call of an AWS SDK client takes besides its command. */
export interface CallOptions {
  readonly abortSignal?: AbortSignal;
}

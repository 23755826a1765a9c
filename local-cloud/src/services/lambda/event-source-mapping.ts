/** A queue whose messages a function handles, as it is kept. */
export interface EventSourceMapping {
  readonly uuid: string;
  readonly functionName: string;
  readonly sourceArn: string;
  readonly isEnabled: boolean;
  readonly batchSize: number;
  /** Seconds. */
  readonly window: number;
  /** Whether the function says which messages of a batch it did not handle. */
  readonly reportsFailures: boolean;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

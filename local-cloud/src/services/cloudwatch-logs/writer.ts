/** Writes log events on behalf of another service, such as the output of a Lambda function. */
export interface LogWriter {
  /**
   * Appends events to a log stream; makes the log group and the log stream when they do not exist, as Lambda
   * does. Events of later calls come behind those of earlier ones where their times are the same.
   *
   * @param events `timestamp` in milliseconds since 1970.
   */
  write(logGroupName: string, logStreamName: string, events: readonly LogEvent[]): void;
}

/** Tells which log groups there are, to services that do not make them. */
export interface LogGroups {
  hasGroup(logGroupName: string): boolean;
}

export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

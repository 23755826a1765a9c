/** Why a component cannot run; each is told in the log as one sentence and ends the process. */
export type ComponentErrorCode = 'CONFIGURATION' | 'ENVIRONMENT' | 'HARDWARE' | 'IPC';

export class ComponentError extends Error {
  override readonly name = 'ComponentError';

  /** @param message what happened, on which thing, what to do */
  constructor(
    readonly code: ComponentErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The reason of anything thrown, for a log line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `errno` name of a failed system call, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

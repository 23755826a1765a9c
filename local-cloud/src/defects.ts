/** Says on standard error that something failed which no caller is to blame for; callers get no stack. */
export function reportDefect(error: unknown): void {
  process.emitWarning(
    error instanceof Error ? (error.stack ?? error.message) : String(error),
    'LocalCloudDefect',
  );
}

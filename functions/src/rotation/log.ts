/** Takes what happened, in words that machines find, and its circumstances. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Longer texts are cut: some of them were chosen by devices. */
const LONGEST_TEXT = 300;

/** Writes each event as one line of JSON. */
export function jsonLog(write: (line: string) => void): Log {
  return (event, fields = {}) =>
    write(
      JSON.stringify({ event, ...fields }, (_, value: unknown) =>
        typeof value === 'string' && value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value,
      ),
    );
}

/** An error in one sentence. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'Error' || error.message.startsWith(error.name)
    ? error.message
    : `${error.name}: ${error.message}`;
}

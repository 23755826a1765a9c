/** The component's log, which Greengrass keeps: one line, for people, each. */
export interface Log {
  info(line: string): void;
  /** Something that somebody should look at. */
  problem(line: string): void;
}

export const processLog: Log = {
  info: (line) => void process.stdout.write(`${oneLine(line)}\n`),
  problem: (line) => void process.stderr.write(`${oneLine(line)}\n`),
};

/** Shows what arrived from outside: quoted, on one line, cut when it is long. */
export function shown(payload: Uint8Array | string): string {
  const text = typeof payload === 'string' ? payload : new TextDecoder().decode(payload);
  const quoted = JSON.stringify(text.slice(0, MAX_SHOWN));
  return text.length > MAX_SHOWN ? `${quoted} … (${text.length} characters)` : quoted;
}

const MAX_SHOWN = 200;

/** Keeps a log entry on its line, whatever is in it. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}

import type { Readable } from 'node:stream';
import { z } from 'zod';

const failure = z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.array(z.string()) });

/** What the program in a function's process says. */
const bootstrapMessage = z.discriminatedUnion('type', [
  /** The handler is loaded. */
  z.object({ type: z.literal('ready'), duration: z.number() }),
  z.object({ type: z.literal('initError'), error: failure }),
  /** One log event. */
  z.object({ type: z.literal('log'), text: z.string() }),
  /** Written to standard output or error: a log event for each line. */
  z.object({ type: z.literal('output'), text: z.string() }),
  z.object({ type: z.literal('result'), requestId: z.string(), payload: z.string(), memory: z.number() }),
  z.object({
    type: z.literal('error'),
    requestId: z.string().optional(),
    error: failure,
    memory: z.number(),
    /** Whether the process ends by this error. */
    fatal: z.boolean().optional(),
  }),
]);

export type BootstrapMessage = z.infer<typeof bootstrapMessage>;

/** An error of a function as Lambda answers it. */
export type FunctionFailure = Pick<z.infer<typeof failure>, 'errorType' | 'errorMessage'> & {
  trace?: string[];
};

/** Longest message in characters: a response of 6 MB, escaped. */
const MESSAGE_LIMIT = 32 * 1024 * 1024;

/** Reads messages, one a line; `violated` is called when a line is none, as the function's code may write there. */
export function messageReader(
  stream: Readable,
  receive: (message: BootstrapMessage) => void,
  violated: () => void,
): void {
  let parts: string[] = [];
  let length = 0;
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    let rest = chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = parts.join('') + rest.slice(0, end);
      rest = rest.slice(end + 1);
      parts = [];
      length = 0;
      const message = parse(line);
      if (message) receive(message);
      else violated();
    }
    parts.push(rest);
    length += rest.length;
    if (length > MESSAGE_LIMIT) {
      parts = [];
      length = 0;
      violated();
    }
  });
}

function parse(line: string): BootstrapMessage | undefined {
  try {
    return bootstrapMessage.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

import { createContext, Script } from 'node:vm';

/**
 * Regular expressions of V8 backtrack: a hostile text can make them run for years. Those that cannot take long are
 * run as they are; the others where they can be interrupted, and are ended after a while, which costs some
 * hundredths of a millisecond each time.
 */

/** Milliseconds. */
const LONGEST = 50;
/** Steps that a regular expression may take unguarded: some milliseconds. */
const FEW_STEPS = 1_000_000;

const script = new Script('run()');
let context: { run: (() => void) | undefined } | undefined;

/**
 * What `use` gives, or undefined when it took too long.
 *
 * @param length of the text that the expression is applied to.
 */
export function guarded<T>(pattern: string, length: number, use: () => T): T | undefined {
  if (mostSteps(pattern, length) <= FEW_STEPS) return use();
  let result: T | undefined;
  context ??= createContext({ run: undefined }) as { run: (() => void) | undefined };
  context.run = () => {
    result = use();
  };
  try {
    script.runInContext(context, { timeout: LONGEST });
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  } finally {
    context.run = undefined;
  }
}

const shapes = new Map<string, number>();

/**
 * An upper bound of the ways in which the expression can be tried: each quantifier may stop anywhere, and so may
 * the start. Without bound where a group that repeats holds a choice, or for references to groups.
 */
function mostSteps(pattern: string, length: number): number {
  let choices = shapes.get(pattern);
  if (choices === undefined) {
    choices = countChoices(pattern);
    if (shapes.size >= 200) shapes.clear();
    shapes.set(pattern, choices);
  }
  return (length + 2) ** (choices + 1);
}

function countChoices(pattern: string): number {
  let choices = 0;
  const groups: number[] = [];
  let closed = 0;
  for (const [token] of pattern.matchAll(
    /\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\((?:\?<?[:=!])?|\)|[*+?|]|\{\d+(?:,\d*)?\}|[\s\S]/g,
  )) {
    if (/^\\[1-9k]/.test(token)) return Number.POSITIVE_INFINITY;
    if (token.startsWith('(')) {
      groups.push(choices);
    } else if (token === ')') {
      closed = choices - (groups.pop() ?? 0);
      continue;
    } else if (token === '|') {
      choices += 1;
    } else if (/^(?:[*+?]|\{\d+(?:,\d*)?\})$/.test(token)) {
      // A choice that is made again in each round.
      if (closed > 0) return Number.POSITIVE_INFINITY;
      choices += 1;
    }
    closed = 0;
  }
  return choices;
}

import { createContext, Script } from 'node:vm';
import { isQuantifier, regexpTokens } from './regexp-tokens.js';

/**
 * Regular expressions of V8 backtrack: a hostile text can make them run for years. Those that cannot take long are
 * run as they are. The others are run where they can be interrupted, which costs some hundredths of a millisecond,
 * and are ended after a while. What one message can cost is bounded too, however many texts are in it.
 */

/** Milliseconds of a regular expression that is guarded. */
const LONGEST = 50;
/** Steps that a regular expression may take unguarded: some milliseconds at most. */
const FEW_STEPS = 1_000_000;

/** What is left to the regular expressions of one message. */
interface Budget {
  unguardedSteps: number;
  guardedMilliseconds: number;
}

const budgets = new WeakMap<object, Budget>();
const script = new Script('run()');
let context: { run: (() => void) | undefined } | undefined;

/**
 * What `use` gives, or undefined when it took too long.
 *
 * @param message whose budget this is counted against.
 * @param length of the text that the expression is applied to.
 */
export function guarded<T>(message: object, pattern: string, length: number, use: () => T): T | undefined {
  let budget = budgets.get(message);
  if (!budget) {
    budget = { unguardedSteps: 20 * FEW_STEPS, guardedMilliseconds: 4 * LONGEST };
    budgets.set(message, budget);
  }
  const steps = mostSteps(pattern, length);
  if (steps <= FEW_STEPS && steps <= budget.unguardedSteps) {
    budget.unguardedSteps -= steps;
    return use();
  }
  if (budget.guardedMilliseconds <= 0) return undefined;
  const start = performance.now();
  try {
    return interrupted(use);
  } finally {
    budget.guardedMilliseconds -= performance.now() - start;
  }
}

function interrupted<T>(use: () => T): T | undefined {
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
  for (const token of regexpTokens(pattern)) {
    if (/^\\[1-9k]/.test(token)) return Number.POSITIVE_INFINITY;
    if (token.startsWith('(')) {
      groups.push(choices);
    } else if (token === ')') {
      closed = choices - (groups.pop() ?? 0);
      continue;
    } else if (token === '|') {
      choices += 1;
    } else if (isQuantifier(token)) {
      // A choice that is made again in each round.
      if (closed > 0) return Number.POSITIVE_INFINITY;
      choices += 1;
    }
    closed = 0;
  }
  return choices;
}

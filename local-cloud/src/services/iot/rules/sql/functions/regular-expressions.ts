import type { Scope } from '../scope.js';
import { LONGEST_TEXT, toText, type Value } from '../values.js';
import { type Functions, literalText, type SqlFunction, UNDEFINED } from './function.js';
import { guarded } from './regexp-guard.js';
import { onlyInJava } from './regexp-tokens.js';

/** Patterns come from statements, and rarely from payloads. */
const CACHED = 200;
const cache = new Map<string, RegExp | undefined>();

/** Undefined when the pattern is not valid, or only in Java. Java's flags may stand before it: `(?i)`. */
function compiled(pattern: string): RegExp | undefined {
  if (cache.has(pattern)) return cache.get(pattern);
  const [, flags = '', body = ''] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(pattern) ?? [];
  const expression = onlyInJava(body) === undefined ? parsed(body, `g${flags}`) : undefined;
  if (cache.size >= CACHED) cache.clear();
  cache.set(pattern, expression);
  return expression;
}

function parsed(body: string, flags: string): RegExp | undefined {
  try {
    // Classes such as \p{Lu} are only read in Unicode's mode, which refuses needless escapes.
    return new RegExp(body, [...new Set(/\\p/i.test(body) ? `u${flags}` : flags)].join(''));
  } catch {
    return undefined;
  }
}

function apply<T>(
  { message }: Scope,
  text: Value,
  pattern: Value,
  use: (text: string, expression: RegExp) => T,
): T | undefined {
  const [subject, source] = [toText(text), toText(pattern)];
  const expression = source === undefined ? undefined : compiled(source);
  if (subject === undefined || source === undefined || !expression) return undefined;
  try {
    return guarded(message, source, subject.length, () => {
      expression.lastIndex = 0;
      return use(subject, expression);
    });
  } catch (error) {
    // What only turns out when it is run: the expression is too large, or needs too much of the stack.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function replace(scope: Scope, text: Value, pattern: Value, replacement: Value): Value {
  const template = toText(replacement);
  if (template === undefined) return undefined;
  const parts = parseReplacement(template);
  if (!parts) return undefined;
  return apply(scope, text, pattern, (subject, expression) => {
    let valid = true;
    let length = 0;
    const result = subject.replace(expression, (...match: unknown[]) => {
      // Behind the groups come the offset and the text.
      const groups = match.slice(
        0,
        match.findIndex((item) => typeof item === 'number'),
      );
      let inserted = '';
      for (const part of parts) {
        if (typeof part === 'string') inserted += part;
        else if (part < groups.length) inserted += String(groups[part] ?? '');
        else valid = false;
      }
      length += inserted.length;
      valid &&= length <= LONGEST_TEXT;
      return valid ? inserted : '';
    });
    return valid ? result : undefined;
  });
}

/** Java's replacement text: `$1` is a group, a backslash takes the next character as it is. Undefined if not valid. */
function parseReplacement(template: string): (string | number)[] | undefined {
  const parts: (string | number)[] = [];
  for (const [token] of template.matchAll(/\\[\s\S]?|\$\d|\$|[^\\$]+/g)) {
    if (token === '$' || token === '\\') return undefined;
    if (token.startsWith('$')) parts.push(Number(token.slice(1)));
    else parts.push(token.startsWith('\\') ? token.slice(1) : token);
  }
  return parts;
}

/** A pattern that is written in the statement is looked at before there is a message. @throws SqlError */
function regexp(
  count: 2 | 3,
  compute: (scope: Scope, text: Value, pattern: Value, replacement: Value) => Value,
): SqlFunction {
  return {
    arity: [count, count],
    compile: ({ args: [text = UNDEFINED, pattern = UNDEFINED, replacement = UNDEFINED], syntax, refuse }) => {
      const part = onlyInJava(literalText(syntax[1]) ?? '');
      if (part !== undefined) refuse(`${part} in a regular expression is not supported`);
      return (scope) => compute(scope, text(scope), pattern(scope), replacement(scope));
    },
  };
}

/** Regular expressions: AWS IoT developer guide, "Functions". */
export const regexpFunctions: Functions = {
  regexp_matches: regexp(2, (scope, text, pattern) =>
    apply(scope, text, pattern, (subject, expression) => expression.test(subject)),
  ),
  regexp_replace: regexp(3, replace),
  regexp_substr: regexp(2, (scope, text, pattern) =>
    apply(scope, text, pattern, (subject, expression) => expression.exec(subject)?.[0]),
  ),
};

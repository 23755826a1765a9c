import { LONGEST_TEXT, toText, type Value } from '../values.js';
import { type Functions, pure2, pureN } from './function.js';
import { guarded } from './regexp-guard.js';

/** Patterns come from statements, and rarely from payloads. */
const CACHED = 200;
const cache = new Map<string, RegExp | undefined>();

/** Undefined when the pattern is not valid. Java's flags may stand before it: `(?i)`. */
function compiled(pattern: string): RegExp | undefined {
  if (cache.has(pattern)) return cache.get(pattern);
  let expression: RegExp | undefined;
  try {
    const [, flags = '', body = ''] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(pattern) ?? [];
    expression = new RegExp(body, [...new Set(`g${flags}`)].join(''));
  } catch {
    expression = undefined;
  }
  if (cache.size >= CACHED) cache.clear();
  cache.set(pattern, expression);
  return expression;
}

function apply<T>(text: Value, pattern: Value, use: (text: string, expression: RegExp) => T): T | undefined {
  const [subject, source] = [toText(text), toText(pattern)];
  const expression = source === undefined ? undefined : compiled(source);
  if (subject === undefined || source === undefined || !expression) return undefined;
  return guarded(source, subject.length, () => {
    expression.lastIndex = 0;
    return use(subject, expression);
  });
}

function replace(text: Value, pattern: Value, replacement: Value): Value {
  const template = toText(replacement);
  if (template === undefined) return undefined;
  const parts = parseReplacement(template);
  if (!parts) return undefined;
  return apply(text, pattern, (subject, expression) => {
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

/** Regular expressions: AWS IoT developer guide, "Functions". */
export const regexpFunctions: Functions = {
  regexp_matches: pure2((text, pattern) =>
    apply(text, pattern, (subject, expression) => expression.test(subject)),
  ),
  regexp_replace: pureN([3, 3], (text, pattern, replacement) => replace(text, pattern, replacement)),
  regexp_substr: pure2((text, pattern) =>
    apply(text, pattern, (subject, expression) => expression.exec(subject)?.[0]),
  ),
};

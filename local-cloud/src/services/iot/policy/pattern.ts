import { ANY, addText, matchesWildcards, ONE, type Wildcards } from '../../../policy/index.js';

/**
 * Patterns of AWS IoT policies: `*` matches any characters, also none, `?` matches one character, and policy
 * variables `${name}` stand for values whose characters match only themselves (AWS IoT developer guide, "AWS IoT
 * Core policy variables"). MQTT's `+` and `#` are ordinary characters.
 */
export type PatternPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'variable'; readonly name: string };

/** Values of policy variables; undefined when a variable has none here. */
export type Variables = (name: string) => string | undefined;

/** Tells whether a text matches. */
export type Matcher = (text: string) => boolean;

/** Reads a pattern. Text that only looks like the start of a variable is ordinary text. */
export function parsePattern(source: string): PatternPart[] {
  const parts: PatternPart[] = [];
  for (const [token] of source.matchAll(/\$\{[^{}]*\}|[*?]|\$|[^*?$]+/g)) {
    if (token === '*') parts.push({ kind: 'any' });
    else if (token === '?') parts.push({ kind: 'one' });
    else if (token.startsWith('${')) parts.push(variable(token.slice(2, -1)));
    else parts.push({ kind: 'text', text: token });
  }
  return parts;
}

function variable(name: string): PatternPart {
  // `${*}`, `${?}` and `${$}` stand for the characters themselves.
  return name === '*' || name === '?' || name === '$'
    ? { kind: 'text', text: name }
    : { kind: 'variable', name };
}

/** The text with its variables put in and wildcards taken literally, or undefined when a variable has no value. */
export function substitute(parts: readonly PatternPart[], variables: Variables): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'text') text += part.text;
    else if (part.kind === 'any') text += '*';
    else if (part.kind === 'one') text += '?';
    else {
      const value = variables(part.name);
      if (value === undefined) return undefined;
      text += value;
    }
  }
  return text;
}

/**
 * Makes the matcher of a pattern; undefined when one of its variables has no value, in which case it matches
 * nothing.
 */
export function compilePattern(
  parts: readonly PatternPart[],
  variables: Variables,
  ignoreCase = false,
): Matcher | undefined {
  const pattern: Wildcards = [];
  for (const part of parts) {
    if (part.kind === 'any') pattern.push(ANY);
    else if (part.kind === 'one') pattern.push(ONE);
    else {
      const text = part.kind === 'text' ? part.text : variables(part.name);
      if (text === undefined) return undefined;
      addText(pattern, ignoreCase ? text.toLowerCase() : text);
    }
  }
  if (!pattern.includes(ANY) && !pattern.includes(ONE)) {
    const text = String.fromCodePoint(...pattern);
    return ignoreCase ? (value) => value.toLowerCase() === text : (value) => value === text;
  }
  return ignoreCase
    ? (value) => matchesWildcards(pattern, value.toLowerCase())
    : (value) => matchesWildcards(pattern, value);
}

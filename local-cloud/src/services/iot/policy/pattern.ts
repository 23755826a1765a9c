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

const ANY = -1;
const ONE = -2;

/**
 * Makes the matcher of a pattern; undefined when one of its variables has no value, in which case it matches
 * nothing.
 */
export function compilePattern(
  parts: readonly PatternPart[],
  variables: Variables,
  ignoreCase = false,
): Matcher | undefined {
  const units: number[] = [];
  for (const part of parts) {
    if (part.kind === 'any') {
      if (units.at(-1) !== ANY) units.push(ANY);
    } else if (part.kind === 'one') units.push(ONE);
    else {
      const text = part.kind === 'text' ? part.text : variables(part.name);
      if (text === undefined) return undefined;
      for (const unit of unitsOf(ignoreCase ? text.toLowerCase() : text)) units.push(unit);
    }
  }
  if (!units.includes(ANY) && !units.includes(ONE)) {
    const text = String.fromCharCode(...units);
    return ignoreCase ? (value) => value.toLowerCase() === text : (value) => value === text;
  }
  return ignoreCase ? (value) => glob(units, value.toLowerCase()) : (value) => glob(units, value);
}

function* unitsOf(text: string): Generator<number> {
  for (let index = 0; index < text.length; index += 1) yield text.charCodeAt(index);
}

/** Greedy matching that goes back to the last `*` only, so at worst it takes the product of both lengths. */
function glob(pattern: readonly number[], text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < text.length) {
    const unit = pattern[at];
    if (unit === ANY) {
      star = at;
      resume = index;
      at += 1;
    } else if (unit !== undefined && (unit === ONE || unit === text.charCodeAt(index))) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      resume += 1;
      index = resume;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === ANY) at += 1;
  return at === pattern.length;
}

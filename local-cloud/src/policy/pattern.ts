import { addPattern, addText, matchesWildcards, type Wildcards } from './wildcards.js';

/** Values of condition keys and policy variables; names in lower case, several values for multivalued keys. */
export type ConditionContext = ReadonlyMap<string, string | readonly string[]>;

/**
 * Whether `text` matches a pattern of a policy element: `*` stands for any characters, `?` for one, and
 * `${…}` for a policy variable or, as `${*}`, `${?}`, `${$}`, for the character itself (IAM user guide,
 * "IAM policy elements: Variables and tags"). A pattern with a variable that the request has no value for
 * matches nothing.
 */
export function matchesPattern(pattern: string, text: string, context?: ConditionContext): boolean {
  const compiled = compile(pattern, context);
  return compiled !== undefined && matchesWildcards(compiled, text);
}

/**
 * Whether an ARN matches an ARN pattern. Each of the six parts is matched on its own, so that a wildcard
 * never reaches over a colon; the sixth takes what is left (IAM user guide, "ARN condition operators").
 */
export function matchesArn(pattern: string, arn: string, context?: ConditionContext): boolean {
  if (pattern === '*') return true;
  const patternParts = arnParts(pattern);
  const parts = arnParts(arn);
  if (!patternParts || !parts) return false;
  return patternParts.every((part, index) => matchesPattern(part, parts[index] ?? '', context));
}

/** The six parts of an ARN; undefined when it has fewer. Colons within `${…}` separate nothing. */
function arnParts(arn: string): string[] | undefined {
  const parts: string[] = [''];
  let braces = 0;
  for (let index = 0; index < arn.length; index += 1) {
    const character = arn.charAt(index);
    if (character === '$' && arn[index + 1] === '{') braces += 1;
    else if (character === '}' && braces > 0) braces -= 1;
    if (character === ':' && braces === 0 && parts.length < 6) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.length === 6 ? parts : undefined;
}

/** Replaces policy variables, for operators that compare without wildcards; undefined when one has no value. */
export function expandVariables(text: string, context: ConditionContext): string | undefined {
  let missing = false;
  const expanded = text.replace(/\$\{([^}]*)\}/g, (_whole, name: string) => {
    const value = variable(name, context);
    if (value === undefined) missing = true;
    return value ?? '';
  });
  return missing ? undefined : expanded;
}

function compile(pattern: string, context: ConditionContext | undefined): Wildcards | undefined {
  const compiled: Wildcards = [];
  let from = 0;
  for (const match of pattern.matchAll(/\$\{([^}]*)\}/g)) {
    if (!context) break;
    addPattern(compiled, pattern.slice(from, match.index));
    const value = variable(match[1] ?? '', context);
    if (value === undefined) return undefined;
    addText(compiled, value);
    from = match.index + match[0].length;
  }
  addPattern(compiled, pattern.slice(from));
  return compiled;
}

function variable(expression: string, context: ConditionContext): string | undefined {
  if (expression === '*' || expression === '?' || expression === '$') return expression;
  const [name = '', fallback] = expression.split(',', 2);
  const value = context.get(name.trim().toLowerCase());
  if (typeof value === 'string') return value;
  return fallback === undefined ? undefined : fallback.trim().replace(/^'(.*)'$/, '$1');
}

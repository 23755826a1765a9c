import { invalidParameter } from './errors.js';

/** Whether a message passes a filter. */
export type MessageFilter = (message: string) => boolean;

/**
 * Reads a filter pattern for unstructured messages (CloudWatch Logs user guide, "Filter pattern syntax"): terms
 * that must all be there, `"phrases"`, `-excluded`, `?any` of several, and `%regular expressions%`. Patterns for
 * JSON and for columns are not built and are refused.
 *
 * @throws InvalidParameterException.
 */
export function messageFilter(pattern: string): MessageFilter {
  const text = pattern.trim();
  if (text === '' || text === '""') return () => true;
  if (/^[{[]/.test(text)) {
    throw invalidParameter(
      `Filter patterns for JSON and columns are not built in the local cloud: ${pattern}`,
    );
  }
  const all: MessageFilter[] = [];
  const any: MessageFilter[] = [];
  const none: MessageFilter[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^([-?]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([^\s"%]+))(?:\s+|$)/s.exec(rest);
    if (!match) throw invalidParameter(`Invalid filter pattern: ${pattern}`);
    const [whole, sign, phrase, expression, term] = match;
    rest = rest.slice(whole.length);
    const filter =
      expression === undefined
        ? contains(phrase?.replace(/\\(.)/gs, '$1') ?? term ?? '')
        : matching(expression);
    (sign === '-' ? none : sign === '?' ? any : all).push(filter);
  }
  return (message) =>
    all.every((filter) => filter(message)) &&
    (any.length === 0 || all.length > 0 || any.some((filter) => filter(message))) &&
    !none.some((filter) => filter(message));
}

function contains(text: string): MessageFilter {
  return (message) => message.includes(text);
}

/** Characters that the expressions of filter patterns may have; none of them repeats a group, so that matching is quick. */
const EXPRESSION = /^[\w:_#=@/;,\- {}[\]^$.*+?|\\]+$/;

function matching(expression: string): MessageFilter {
  if (!EXPRESSION.test(expression)) throw invalidParameter(`Invalid regular expression: ${expression}`);
  try {
    const compiled = new RegExp(expression);
    return (message) => compiled.test(message);
  } catch {
    throw invalidParameter(`Invalid regular expression: ${expression}`);
  }
}

import { Compilation } from './compilation.js';
import { compile } from './compile.js';
import type { SqlVersion } from './functions/index.js';
import { prepareMessage, type RuleMessage } from './message.js';
import { parseTemplateExpression } from './parser.js';
import { settle } from './replay.js';
import { type Evaluate, Scope, type SqlCapabilities } from './scope.js';
import { toText } from './values.js';

/** A substitution template, compiled. A promise only when it has functions that wait for other services. */
export type Template = (message: RuleMessage, capabilities: SqlCapabilities) => string | Promise<string>;

/**
 * Compiles a substitution template of a rule's action: text with `${expression}` in it (AWS IoT developer guide,
 * "Substitution templates"). Expressions see the message, nothing of the SELECT clause. Undefined is written as
 * nothing, arrays and objects as JSON. Use `Statement.template` where the rule is known: that sees its variables.
 *
 * @throws SqlError when an expression cannot be parsed, or has no end.
 */
export function compileTemplate(template: string, version: SqlVersion = '2016-03-23'): Template {
  const of = new Compilation(template, version);
  const render = compileParts(template, of);
  return (message, capabilities) => {
    const prepared = prepareMessage(message);
    return settle(of.waits, (replay) => render(new Scope(prepared, capabilities, [], replay)));
  };
}

/** Compiles a template's text and expressions. @throws SqlError */
export function compileParts(template: string, of: Compilation): (scope: Scope) => string {
  const parts: (string | Evaluate)[] = [];
  let end = 0;
  for (let start = template.indexOf('${'); start >= 0; start = template.indexOf('${', end)) {
    if (start > end) parts.push(template.slice(end, start));
    const { value, end: next } = parseTemplateExpression(template, start + 2);
    parts.push(compile(value, of));
    end = next;
  }
  if (end < template.length) parts.push(template.slice(end));
  const [only] = parts;
  if (parts.length === 0) return () => '';
  if (parts.length === 1 && typeof only === 'string') return () => only;
  return (scope) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : written(part, scope);
    return text;
  };
}

function written(part: Evaluate, scope: Scope): string {
  const value = part(scope);
  return value === null ? 'null' : (toText(value) ?? '');
}

import { TemplateError } from './template-body.js';

/** What `Ref` and `Fn::Sub` resolve: template parameters and AWS IoT's pseudo parameters. */
export type Parameters = Readonly<Record<string, string>>;

type Json = Readonly<Record<string, unknown>>;

/**
 * Puts values in the place of `Ref`, `Fn::Join`, `Fn::Select`, `Fn::Split`, `Fn::Sub` and `Fn::FindInMap`.
 *
 * @throws TemplateError when a parameter has no value, or a function has other arguments than it takes.
 */
export function resolve(value: unknown, parameters: Parameters, mappings: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, parameters, mappings));
  if (!isObject(value)) return value;
  const names = Object.keys(value);
  const [name] = names;
  if (names.length === 1 && (name === 'Ref' || name?.startsWith('Fn::'))) {
    const argument = value[name];
    if (name === 'Ref') return parameter(text(argument, name), parameters);
    if (name === 'Fn::Sub') return substitute(argument, parameters, mappings);
    return call(name, resolve(argument, parameters, mappings), mappings);
  }
  return Object.fromEntries(
    Object.entries(value).map(([member, item]) => [member, resolve(item, parameters, mappings)]),
  );
}

function call(name: string, argument: unknown, mappings: unknown): unknown {
  const [first, second, third] = list(argument, name);
  switch (name) {
    case 'Fn::Join':
      return list(second, name)
        .map((item) => text(item, name))
        .join(text(first, name));
    case 'Fn::Select': {
      const index = Number(first);
      const items = list(second, name);
      if (!Number.isInteger(index) || index < 0 || index >= items.length) {
        throw new TemplateError(`Fn::Select has no item ${String(first)} in a list of ${items.length}`);
      }
      return items[index];
    }
    case 'Fn::Split':
      return text(second, name).split(text(first, name));
    case 'Fn::FindInMap': {
      let found: unknown = mappings;
      for (const part of [first, second, third]) {
        const member = text(part, name);
        found = isObject(found) && Object.hasOwn(found, member) ? found[member] : undefined;
      }
      if (found === undefined) {
        throw new TemplateError(`Fn::FindInMap finds nothing at ${[first, second, third].join(', ')}`);
      }
      return found;
    }
    default:
      throw new TemplateError(`${name} is not a function of provisioning templates`);
  }
}

function substitute(argument: unknown, parameters: Parameters, mappings: unknown): string {
  const [template, own] = Array.isArray(argument) ? argument : [argument, undefined];
  const given = own === undefined ? {} : resolve(own, parameters, mappings);
  if (!isObject(given)) throw new TemplateError('Fn::Sub takes a text and a map of values');
  return text(template, 'Fn::Sub').replace(/\$\{(!?)([^}]*)\}/g, (_whole, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    return Object.hasOwn(given, name) ? text(given[name], 'Fn::Sub') : parameter(name, parameters);
  });
}

function parameter(name: string, parameters: Parameters): string {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (value === undefined) throw new TemplateError(`Parameter ${name} has no value`);
  return value;
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TemplateError(`${name} takes text, not ${JSON.stringify(value)}`);
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateError(`${name} takes a list, not ${JSON.stringify(value)}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

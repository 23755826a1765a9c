import { inNetwork } from '../../policy/index.js';

/**
 * Filter policies of subscriptions (SNS developer guide, "Amazon SNS subscription filter policies"): an object
 * whose names are those of message attributes, or of properties of the message's body, and whose values are lists of
 * conditions, of which one has to hold.
 */
export interface FilterPolicy {
  /** Whether the attributes of a message match: texts, numbers and lists of them by name. */
  matches(properties: Properties): boolean;
}

export type Scope = 'MessageAttributes' | 'MessageBody';
export type Properties = { readonly [name: string]: unknown };

/** Says what is wrong with a filter policy, in the words of SNS. */
export class FilterPolicyError extends Error {
  override readonly name = 'FilterPolicyError';
}

type JsonObject = Record<string, unknown>;
/** Whether one value, or the absence of one (undefined), meets a condition. */
type Condition = (value: unknown) => boolean;
type Rule = (properties: readonly unknown[]) => boolean;

/** SNS developer guide, "Filter policy constraints". */
const MOST_KEYS = 5;
const MOST_COMBINATIONS = 150;
const LARGEST_NUMBER = 1_000_000_000;
const LONGEST_POLICY = 262_144;

const isObject = (data: unknown): data is JsonObject =>
  typeof data === 'object' && data !== null && !Array.isArray(data);

/**
 * Reads a filter policy from its JSON text.
 *
 * @throws FilterPolicyError
 */
export function parseFilterPolicy(text: string, scope: Scope): FilterPolicy {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new FilterPolicyError('failed to parse JSON.');
  }
  if (!isObject(data)) throw new FilterPolicyError('Filter policy is not an object');
  if (Buffer.byteLength(text) > LONGEST_POLICY) throw new FilterPolicyError('Filter policy is too long');
  const counts = { keys: 0, combinations: 1 };
  const rule = readObject(data, scope, counts, 1);
  if (counts.keys > MOST_KEYS) throw new FilterPolicyError('Filter policy can not have more than 5 keys');
  if (counts.combinations > MOST_COMBINATIONS) {
    throw new FilterPolicyError('Filter policy is too complex');
  }
  return { matches: (properties) => rule([properties]) };
}

interface Counts {
  keys: number;
  combinations: number;
}

/** All of an object's rules have to hold for the same candidate: an element of a list, where lists nest objects. */
function readObject(data: JsonObject, scope: Scope, counts: Counts, depth: number): Rule {
  const rules = Object.entries(data).map(([name, wanted]): Rule => {
    if (name === '$or' && isAlternatives(wanted)) {
      const alternatives = wanted.map((one) => readObject(one, scope, counts, depth));
      return (candidates) => alternatives.some((alternative) => alternative(candidates));
    }
    const rule = readProperty(name, wanted, scope, counts, depth);
    return (candidates) => rule(candidates.map((candidate) => propertyOf(candidate, name)));
  });
  return (candidates) => {
    const each = candidates.flatMap((candidate) => (Array.isArray(candidate) ? candidate : [candidate]));
    return each.some((candidate) => rules.every((rule) => rule([candidate])));
  };
}

function isAlternatives(data: unknown): data is JsonObject[] {
  return Array.isArray(data) && data.length > 1 && data.every(isObject) && !data.some(isCondition);
}

/** `$or` may also be the name of a property: its list holds conditions then. */
function isCondition(data: JsonObject): boolean {
  return Object.keys(data).some((name) => KEYWORDS.has(name));
}

function propertyOf(candidate: unknown, name: string): unknown {
  return isObject(candidate) && Object.hasOwn(candidate, name) ? candidate[name] : undefined;
}

function readProperty(name: string, wanted: unknown, scope: Scope, counts: Counts, depth: number): Rule {
  if (isObject(wanted)) {
    if (scope === 'MessageAttributes') {
      throw new FilterPolicyError(
        'Filter policy scope MessageAttributes does not support nested filter policy',
      );
    }
    if (Object.keys(wanted).length === 0)
      throw new FilterPolicyError(`"${name}" must not be an empty object`);
    return readObject(wanted, scope, counts, depth + 1);
  }
  if (!Array.isArray(wanted)) {
    throw new FilterPolicyError(`"${name}" must be an object or an array`);
  }
  if (wanted.length === 0) throw new FilterPolicyError(`Empty arrays are not allowed: "${name}"`);
  counts.keys += 1;
  counts.combinations *= wanted.length * depth;
  const conditions = wanted.map(readCondition);
  return (values) => values.some((value) => conditions.some((condition) => meets(condition, value)));
}

interface ReadCondition {
  readonly test: Condition;
  /** Whether the condition is about there being a value at all. */
  readonly isAboutPresence?: boolean;
}

function meets({ test, isAboutPresence }: ReadCondition, value: unknown): boolean {
  if (isAboutPresence) return test(value);
  if (value === undefined) return false;
  return Array.isArray(value) ? value.some((item) => !isObject(item) && test(item)) : test(value);
}

function readCondition(wanted: unknown): ReadCondition {
  if (typeof wanted === 'string' || typeof wanted === 'boolean' || wanted === null) {
    return { test: (value) => value === wanted };
  }
  if (typeof wanted === 'number') {
    const number = inRange(wanted);
    return { test: (value) => value === number };
  }
  if (!isObject(wanted))
    throw new FilterPolicyError('Match value must be String, number, true, false, or null');
  const [entry, ...more] = Object.entries(wanted);
  if (!entry || more.length > 0) throw new FilterPolicyError('Only one key allowed in match expression');
  const [keyword, operand] = entry;
  if (keyword === 'exists') {
    if (typeof operand !== 'boolean') {
      throw new FilterPolicyError('exists match pattern must be either true or false.');
    }
    return { test: (value) => hasValue(value) === operand, isAboutPresence: true };
  }
  const read = KEYWORDS.get(keyword);
  if (!read) throw new FilterPolicyError(`Unrecognized match type ${keyword}`);
  return { test: read(operand) };
}

/** In a body, a property that is an object has no value of its own. */
function hasValue(value: unknown): boolean {
  return value !== undefined && !isObject(value);
}

function inRange(number: number): number {
  if (Math.abs(number) > LARGEST_NUMBER) {
    throw new FilterPolicyError('Value of numeric match must be between -1.0E9 and 1.0E9');
  }
  return number;
}

const texts =
  (keyword: string, build: (operand: string) => (value: string) => boolean) =>
  (operand: unknown): Condition => {
    if (typeof operand !== 'string' || operand === '') {
      throw new FilterPolicyError(`${keyword} match pattern must be a string`);
    }
    const test = build(operand);
    return (value) => typeof value === 'string' && test(value);
  };

const prefix = texts('prefix', (operand) => (value) => value.startsWith(operand));
const suffix = texts('suffix', (operand) => (value) => value.endsWith(operand));
const wildcard = texts('wildcard', (operand) => {
  if (/\*{2,}/.test(operand)) throw new FilterPolicyError('Consecutive wildcard characters are not allowed');
  if (operand.split('*').length > 4) throw new FilterPolicyError('Wildcard pattern is too complex');
  const parts = operand.split('*');
  return (value) => matchesParts(parts, value);
});

/** Whether a text is made of these parts with anything between them. */
function matchesParts(parts: readonly string[], text: string): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= text.length - last.length;
}

function ignoringCase(operand: unknown): Condition {
  if (typeof operand !== 'string') {
    throw new FilterPolicyError('equals-ignore-case match pattern must be a string');
  }
  return (value) => typeof value === 'string' && value.toLowerCase() === operand.toLowerCase();
}

function network(operand: unknown): Condition {
  if (typeof operand !== 'string' || !/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(operand)) {
    throw new FilterPolicyError("Malformed CIDR, one '/' required");
  }
  return (value) => typeof value === 'string' && inNetwork(value, operand);
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

function numeric(operand: unknown): Condition {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw new FilterPolicyError(
      'Value of numeric must be an array of an operator and a number, or of two of them',
    );
  }
  const [firstOperator, firstBound, secondOperator, secondBound] = operand as unknown[];
  const first = comparison(firstOperator, firstBound);
  if (operand.length === 2) return (value) => typeof value === 'number' && first(value);
  const isLower = firstOperator === '>' || firstOperator === '>=';
  const isUpper = secondOperator === '<' || secondOperator === '<=';
  if (!isLower || !isUpper)
    throw new FilterPolicyError(`Bad numeric range operator: ${String(secondOperator)}`);
  const second = comparison(secondOperator, secondBound);
  if (Number(firstBound) >= Number(secondBound)) throw new FilterPolicyError('Bottom must be less than top');
  return (value) => typeof value === 'number' && first(value) && second(value);
}

function comparison(operator: unknown, bound: unknown): (value: number) => boolean {
  const compare = typeof operator === 'string' ? COMPARISONS[operator] : undefined;
  if (!compare) throw new FilterPolicyError(`Unrecognized numeric range operator: ${String(operator)}`);
  if (typeof bound !== 'number') throw new FilterPolicyError(`Value of ${String(operator)} must be numeric`);
  const limit = inRange(bound);
  return (value) => compare(value, limit);
}

function anythingBut(operand: unknown): Condition {
  if (isObject(operand)) {
    const [entry, ...more] = Object.entries(operand);
    const read = entry && more.length === 0 ? NEGATABLE.get(entry[0]) : undefined;
    if (!entry || !read) throw new FilterPolicyError('Unsupported anything-but pattern');
    const excluded = (Array.isArray(entry[1]) ? entry[1] : [entry[1]]).map(read);
    if (excluded.length === 0) throw new FilterPolicyError('Value of anything-but must not be empty');
    return (value) => !excluded.some((condition) => condition(value));
  }
  const excluded: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const isPlain = excluded.every((value) => typeof value === 'string' || typeof value === 'number');
  if (excluded.length === 0 || !isPlain) {
    throw new FilterPolicyError('Value of anything-but must be a number or string, or a list of them');
  }
  return (value) => !excluded.some((one) => one === value);
}

const NEGATABLE = new Map<string, (operand: unknown) => Condition>([
  ['prefix', prefix],
  ['suffix', suffix],
  ['wildcard', wildcard],
  ['equals-ignore-case', ignoringCase],
]);

const KEYWORDS = new Map<string, (operand: unknown) => Condition>([
  ...NEGATABLE,
  ['anything-but', anythingBut],
  ['cidr', network],
  ['numeric', numeric],
  ['exists', () => () => false],
]);

import { inNetwork, numberOf, timeOf } from '../../../policy/index.js';
import { compilePattern, parsePattern, substitute, type Variables } from './pattern.js';

/** Values of condition keys; undefined when a key has none. A key may have several, such as `iot:ConnectAttributes`. */
export type ConditionKeys = (name: string) => readonly string[] | undefined;

/** One operator of a condition block with one key, from a policy document. */
export interface Condition {
  readonly operator: ConditionOperator;
  readonly quantifier: 'one' | 'any' | 'all';
  readonly ifExists: boolean;
  readonly key: string;
  readonly values: readonly string[];
}

type Compare = (actual: string, expected: string, variables: Variables) => boolean;

const text =
  (compare: (actual: string, expected: string) => boolean): Compare =>
  (actual, expected, variables) => {
    const value = substitute(parsePattern(expected), variables);
    return value !== undefined && compare(actual, value);
  };
const like: Compare = (actual, expected, variables) =>
  compilePattern(parsePattern(expected), variables)?.(actual) ?? false;
const numeric = (compare: (actual: number, expected: number) => boolean): Compare =>
  text((actual, expected) => compare(numberOf(actual), numberOf(expected)));
const date = (compare: (actual: number, expected: number) => boolean): Compare =>
  text((actual, expected) => compare(timeOf(actual), timeOf(expected)));
const equals = (a: string, b: string) => a === b;
const equalsIgnoringCase = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** The condition operators of IAM's policy language that are positive, and what they compare. */
const POSITIVE = {
  StringEquals: text(equals),
  StringEqualsIgnoreCase: text(equalsIgnoringCase),
  StringLike: like,
  ArnEquals: like,
  ArnLike: like,
  Bool: text(equalsIgnoringCase),
  NumericEquals: numeric((a, b) => a === b),
  NumericLessThan: numeric((a, b) => a < b),
  NumericLessThanEquals: numeric((a, b) => a <= b),
  NumericGreaterThan: numeric((a, b) => a > b),
  NumericGreaterThanEquals: numeric((a, b) => a >= b),
  DateEquals: date((a, b) => a === b),
  DateLessThan: date((a, b) => a < b),
  DateLessThanEquals: date((a, b) => a <= b),
  DateGreaterThan: date((a, b) => a > b),
  DateGreaterThanEquals: date((a, b) => a >= b),
  IpAddress: text(inNetwork),
} as const satisfies Record<string, Compare>;

/** The operators that hold when their positive counterpart holds for none of the values. */
const NEGATIVE = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
} as const satisfies Record<string, keyof typeof POSITIVE>;

export type ConditionOperator = keyof typeof POSITIVE | keyof typeof NEGATIVE | 'Null';

export function isConditionOperator(name: string): name is ConditionOperator {
  return name === 'Null' || Object.hasOwn(POSITIVE, name) || Object.hasOwn(NEGATIVE, name);
}

/** Whether a condition holds (IAM user guide, "Conditions with multiple context keys or values"). */
export function holds(condition: Condition, keys: ConditionKeys, variables: Variables): boolean {
  const { operator, quantifier, values } = condition;
  const actual = keys(condition.key);
  if (operator === 'Null') return values.some((value) => (value.toLowerCase() === 'true') === !actual);
  const negative = operator in NEGATIVE;
  if (actual === undefined)
    return condition.ifExists || quantifier === 'all' || (negative && quantifier === 'one');
  const compare: Compare = POSITIVE[positiveOf(operator)];
  const accepts = (value: string) =>
    values.some((expected) => compare(value, expected, variables)) !== negative;
  return quantifier === 'all' ? actual.every(accepts) : actual.some(accepts);
}

function positiveOf(operator: Exclude<ConditionOperator, 'Null'>): keyof typeof POSITIVE {
  return operator in NEGATIVE
    ? NEGATIVE[operator as keyof typeof NEGATIVE]
    : (operator as keyof typeof POSITIVE);
}

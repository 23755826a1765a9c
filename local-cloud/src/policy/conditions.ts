import { inNetwork, numberOf, timeOf } from './condition-values.js';
import type { ConditionElement } from './document.js';
import { type ConditionContext, expandVariables, matchesArn, matchesPattern } from './pattern.js';

/** Compares one value of the request with one of the policy. */
type Comparison = (actual: string, wanted: string, context: ConditionContext) => boolean;

const exactly =
  (compare: (actual: string, wanted: string) => boolean): Comparison =>
  (actual, wanted, context) => {
    const expanded = expandVariables(wanted, context);
    return expanded !== undefined && compare(actual, expanded);
  };

const numbers =
  (compare: (actual: number, wanted: number) => boolean): Comparison =>
  (actual, wanted) =>
    compare(numberOf(actual), numberOf(wanted));

const dates =
  (compare: (actual: number, wanted: number) => boolean): Comparison =>
  (actual, wanted) =>
    compare(timeOf(actual), timeOf(wanted));

/** Comparison operators without `Not`, `IfExists` and the set qualifiers (IAM user guide, "Condition operators"). */
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: exactly((actual, wanted) => actual === wanted),
  StringEqualsIgnoreCase: exactly((actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()),
  StringLike: (actual, wanted, context) => matchesPattern(wanted, actual, context),
  NumericEquals: numbers((actual, wanted) => actual === wanted),
  NumericLessThan: numbers((actual, wanted) => actual < wanted),
  NumericLessThanEquals: numbers((actual, wanted) => actual <= wanted),
  NumericGreaterThan: numbers((actual, wanted) => actual > wanted),
  NumericGreaterThanEquals: numbers((actual, wanted) => actual >= wanted),
  DateEquals: dates((actual, wanted) => actual === wanted),
  DateLessThan: dates((actual, wanted) => actual < wanted),
  DateLessThanEquals: dates((actual, wanted) => actual <= wanted),
  DateGreaterThan: dates((actual, wanted) => actual > wanted),
  DateGreaterThanEquals: dates((actual, wanted) => actual >= wanted),
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  BinaryEquals: (actual, wanted) => actual === wanted,
  IpAddress: (actual, wanted) => inNetwork(actual, wanted),
  // The two ARN operators behave the same (IAM user guide, "ARN condition operators").
  ArnEquals: (actual, wanted, context) => matchesArn(wanted, actual, context),
  ArnLike: (actual, wanted, context) => matchesArn(wanted, actual, context),
};

/** Whether a request's context meets a condition. */
export function meets(condition: ConditionElement, context: ConditionContext): boolean {
  const actual = context.get(condition.key.toLowerCase());
  const [, set, name = '', ifExists] =
    /^(ForAllValues:|ForAnyValue:)?(.+?)(IfExists)?$/.exec(condition.operator) ?? [];
  if (name === 'Null') return condition.values.some((value) => (value === 'true') === (actual === undefined));
  const negated = name.includes('Not');
  const compare = COMPARISONS[name.replace('Not', '')];
  if (!compare) return false;
  const values = actual === undefined ? [] : typeof actual === 'string' ? [actual] : actual;
  if (values.length === 0 && set === undefined) return ifExists !== undefined || negated;
  const matchesOne = (value: string) =>
    condition.values.some((wanted) => compare(value, wanted, context)) !== negated;
  if (set === 'ForAllValues:') return values.every(matchesOne);
  if (set === 'ForAnyValue:')
    return values.some(matchesOne) || (values.length === 0 && ifExists !== undefined);
  return negated ? values.every(matchesOne) : values.some(matchesOne);
}

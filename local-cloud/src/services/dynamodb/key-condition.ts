import { invalidValues, validation } from './errors.js';
import type { Comparator, Condition, Operand } from './expressions/condition.js';
import { beginsWith, compares } from './expressions/matching.js';
import { hasType } from './keys.js';
import type { KeyNames, TableRecord } from './tables.js';
import { aboveAllWith, sortText } from './values/sort-text.js';
import type { Value } from './values/value.js';

/** One condition of a query on a key attribute. */
export interface KeyPart {
  readonly name: string;
  readonly operator: Comparator | 'BETWEEN' | 'begins_with';
  readonly values: readonly Value[];
}

/** What a query reads: a partition, and of it the items whose sort key meets a condition. */
export interface KeyCondition {
  readonly partition: Value;
  readonly sort?: SortCondition;
}

/** A condition on the sort key. */
export interface SortCondition {
  matches(value: Value): boolean;
  /** Sort texts that no match lies below or above; where there are such. */
  readonly least?: string;
  readonly most?: string;
}

const FLIPPED: Readonly<Record<Comparator, Comparator>> = {
  ...{ '=': '=', '<>': '<>' },
  ...{ '<': '>', '<=': '>=', '>': '<', '>=': '<=' },
};

/** Splits a condition into those on key attributes. @throws AwsError `ValidationException` */
export function keyParts(condition: Condition): KeyPart[] {
  switch (condition.kind) {
    case 'and':
      return condition.parts.flatMap(keyParts);
    case 'compare': {
      const { operator, left, right } = condition;
      if (operator === '<>') throw invalidOperator('<>');
      return left.kind === 'value'
        ? [{ name: keyName(right), operator: FLIPPED[operator], values: [keyValue(left)] }]
        : [{ name: keyName(left), operator, values: [keyValue(right)] }];
    }
    case 'between': {
      const values = [keyValue(condition.low), keyValue(condition.high)];
      return [{ name: keyName(condition.operand), operator: 'BETWEEN', values }];
    }
    case 'begins_with': {
      const values = [keyValue(condition.part)];
      return [{ name: keyName(condition.operand), operator: 'begins_with', values }];
    }
    case 'exists':
      throw invalidOperator('attribute_exists');
    case 'missing':
      throw invalidOperator('attribute_not_exists');
    case 'type':
      throw invalidOperator('attribute_type');
    case 'contains':
      throw invalidOperator('contains');
    default:
      throw invalidOperator(condition.kind.toUpperCase());
  }
}

function invalidOperator(name: string): Error {
  return validation(`Invalid operator used in KeyConditionExpression: ${name}`);
}

function keyName(operand: Operand): string {
  if (operand.kind === 'size') {
    throw validation('KeyConditionExpressions cannot contain nested operations');
  }
  if (operand.kind === 'value') {
    throw validation('Invalid condition in KeyConditionExpression: No key attribute specified');
  }
  if (operand.path.length > 1) {
    throw validation('KeyConditionExpressions cannot have conditions on nested attributes');
  }
  return operand.path[0];
}

function keyValue(operand: Operand): Value {
  if (operand.kind === 'value') return operand.value;
  throw validation(
    operand.kind === 'size'
      ? 'KeyConditionExpressions cannot contain nested operations'
      : 'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
  );
}

/** Puts conditions together for the key of a table or index. @throws AwsError `ValidationException` */
export function keyCondition(table: TableRecord, key: KeyNames, parts: readonly KeyPart[]): KeyCondition {
  if (new Set(parts.map(({ name }) => name)).size < parts.length) {
    throw validation('KeyConditionExpressions must only contain one condition per key');
  }
  const partition = parts.find(({ name }) => name === key.partition);
  if (!partition) throw validation(`Query condition missed key schema element: ${key.partition}`);
  const sort = parts.find(({ name }) => name === key.sort);
  if (parts.length > (sort ? 2 : 1)) {
    throw validation(
      key.sort === undefined || sort
        ? 'Query key condition not supported'
        : `Query condition missed key schema element: ${key.sort}`,
    );
  }
  for (const { name, values } of parts) {
    if (values.some((value) => !hasType(value, table.attributes[name]))) {
      throw invalidValues('Condition parameter type does not match schema type');
    }
  }
  const [value] = partition.values;
  if (partition.operator !== '=' || !value) throw validation('Query key condition not supported');
  return { partition: value, ...(sort && { sort: sortCondition(sort) }) };
}

function sortCondition({ operator, values: [first, second] }: KeyPart): SortCondition {
  if (!first) throw validation('Query key condition not supported');
  switch (operator) {
    case 'BETWEEN':
      if (!second) throw validation('Query key condition not supported');
      return {
        matches: (value) => compares('>=', value, first) && compares('<=', value, second),
        least: sortText(first),
        most: aboveAllWith(second),
      };
    case 'begins_with':
      return {
        matches: (value) => beginsWith(value, first),
        least: sortText(first),
        most: aboveAllWith(first),
      };
    default: {
      const [below, above] = [operator.startsWith('<'), operator.startsWith('>')];
      return {
        matches: (value) => compares(operator, value, first),
        ...(!below && { least: sortText(first) }),
        ...(!above && { most: aboveAllWith(first) }),
      };
    }
  }
}

import type * as sdk from '@aws-sdk/client-dynamodb';
import { invalidValues, validation } from './errors.js';
import type { Condition, Operand } from './expressions/condition.js';
import type { Projection } from './expressions/projection.js';
import type { Assigned, Change } from './expressions/update.js';
import type { KeyPart } from './key-condition.js';
import { checkedValue } from './values/checked.js';
import { typeOf, type Value } from './values/value.js';

// The parameters of before there were expressions (developer guide, "Legacy conditional parameters"), which
// older programs still send; they become the same conditions and changes as expressions.

/** What both kinds of parameters say cannot stand in one request. @throws AwsError `ValidationException` */
export function checkNotMixed(
  input: Readonly<Record<string, unknown>>,
  expressions: readonly string[],
  legacy: readonly string[],
): void {
  const given = (names: readonly string[]) => names.filter((name) => input[name] !== undefined);
  const [old, modern] = [given(legacy), given(expressions)];
  if (old.length === 0 || modern.length === 0) return;
  throw validation(
    `Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {${old.join(', ')}} Expression parameters: {${modern.join(', ')}}`,
  );
}

/** `Expected` as a condition. @throws AwsError `ValidationException` */
export function legacyCondition(input: object): Condition | undefined {
  const { Expected, ConditionalOperator } = input as Pick<
    sdk.PutItemCommandInput,
    'Expected' | 'ConditionalOperator'
  >;
  if (!Expected) return undefined;
  const parts = Object.entries(Expected).map(([name, expected]): Condition => {
    const { Exists, Value: value, ComparisonOperator, AttributeValueList } = expected;
    if (ComparisonOperator !== undefined) return compared(name, ComparisonOperator, AttributeValueList);
    if (Exists === false) {
      if (value) throw invalidValues(`Value cannot be used when Exists is false for Attribute: ${name}`);
      return { kind: 'missing', path: [name] };
    }
    if (!value) {
      throw invalidValues(
        Exists === undefined
          ? `Value or ComparisonOperator must be provided for Attribute: ${name}`
          : `Value must be provided when Exists is true for Attribute: ${name}`,
      );
    }
    return compared(name, 'EQ', [value]);
  });
  return joined(parts, ConditionalOperator);
}

/** `QueryFilter` or `ScanFilter` as a condition. @throws AwsError `ValidationException` */
export function legacyFilter(input: object): Condition | undefined {
  const { QueryFilter, ConditionalOperator } = input as sdk.QueryCommandInput;
  const { ScanFilter } = input as sdk.ScanCommandInput;
  const conditions = QueryFilter ?? ScanFilter;
  if (!conditions) return undefined;
  const parts = Object.entries(conditions).map(([name, { ComparisonOperator, AttributeValueList }]) =>
    compared(name, ComparisonOperator, AttributeValueList),
  );
  return joined(parts, ConditionalOperator);
}

/** `KeyConditions`. @throws AwsError `ValidationException` */
export function legacyKeyParts({ KeyConditions }: Pick<sdk.QueryCommandInput, 'KeyConditions'>): KeyPart[] {
  if (!KeyConditions) {
    throw validation(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  }
  return Object.entries(KeyConditions).map(([name, { ComparisonOperator, AttributeValueList }]) => {
    const values = (AttributeValueList ?? []).map((value) => checkedValue(value));
    const operator = KEY_OPERATORS[ComparisonOperator ?? ''];
    if (operator === undefined) {
      throw validation('Attempted conditional constraint is not an indexable operation');
    }
    checkCount(ComparisonOperator ?? '', values.length, operator === 'BETWEEN' ? 2 : 1);
    return { name, operator, values };
  });
}

/** `AttributesToGet` as a projection. */
export function legacyProjection(input: {
  readonly AttributesToGet?: readonly string[] | undefined;
}): Projection | undefined {
  const names = input.AttributesToGet;
  const twice = names?.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalidValues(`Duplicate value in attribute name: ${twice}`);
  return names?.map((name) => [name] as const);
}

/** `AttributeUpdates` as changes. @throws AwsError `ValidationException` */
export function legacyChanges(input: object): Change[] {
  const { AttributeUpdates = {} } = input as sdk.UpdateItemCommandInput;
  return Object.entries(AttributeUpdates).map(([name, { Action = 'PUT', Value: given }]): Change => {
    const path = [name] as const;
    if (!given) {
      if (Action === 'DELETE') return { kind: 'remove', path };
      throw invalidValues('Only DELETE action is allowed when no attribute value is specified');
    }
    const value = checkedValue(given);
    if (Action === 'PUT') return { kind: 'set', path, assigned: { kind: 'value', value } };
    const isSet = 'SS' in value || 'NS' in value || 'BS' in value;
    if (Action === 'DELETE' && isSet) return { kind: 'delete', path, value };
    if (Action === 'ADD' && (isSet || 'N' in value)) return { kind: 'add', path, value };
    if (Action === 'ADD' && 'L' in value) {
      const left: Assigned = { kind: 'if_not_exists', path, otherwise: { kind: 'value', value: { L: [] } } };
      return { kind: 'set', path, assigned: { kind: 'list_append', left, right: { kind: 'value', value } } };
    }
    throw invalidValues(
      Action === 'ADD'
        ? `ADD action is not supported for the type ${typeOf(value)}`
        : `DELETE action with value is not supported for the type ${typeOf(value)}`,
    );
  });
}

const KEY_OPERATORS: Readonly<Record<string, KeyPart['operator']>> = {
  ...{ EQ: '=', LT: '<', LE: '<=', GT: '>', GE: '>=' },
  ...{ BETWEEN: 'BETWEEN', BEGINS_WITH: 'begins_with' },
};

const COMPARATORS = { EQ: '=', NE: '<>', LT: '<', LE: '<=', GT: '>', GE: '>=' } as const;

function joined(parts: readonly Condition[], operator: string | undefined): Condition {
  return { kind: operator === 'OR' ? 'or' : 'and', parts };
}

function compared(
  name: string,
  operator: string | undefined,
  given: readonly sdk.AttributeValue[] = [],
): Condition {
  const path = [name] as const;
  const operand: Operand = { kind: 'path', path };
  const values = given.map((value): Operand & { value: Value } => ({
    kind: 'value',
    value: checkedValue(value),
  }));
  const [first, second] = values;
  if (operator === 'NULL' || operator === 'NOT_NULL') {
    checkCount(operator, values.length, 0);
    return { kind: operator === 'NULL' ? 'missing' : 'exists', path };
  }
  if (operator === 'IN' && values.length > 0) return { kind: 'in', operand, options: values };
  checkCount(operator ?? '', values.length, operator === 'BETWEEN' ? 2 : 1);
  if (!first) throw invalidValues('Invalid number of argument(s) for the comparison');
  switch (operator) {
    case 'BETWEEN':
      return { kind: 'between', operand, low: first, high: second ?? first };
    case 'BEGINS_WITH':
      return { kind: 'begins_with', operand, part: first };
    case 'CONTAINS':
      return { kind: 'contains', operand, part: first };
    case 'NOT_CONTAINS': {
      const part: Condition = { kind: 'contains', operand, part: first };
      return {
        kind: 'and',
        parts: [
          { kind: 'exists', path },
          { kind: 'not', part },
        ],
      };
    }
    case 'EQ':
    case 'NE':
    case 'LT':
    case 'LE':
    case 'GT':
    case 'GE':
      return { kind: 'compare', operator: COMPARATORS[operator], left: operand, right: first };
    default:
      throw validation(
        `1 validation error detected: Value '${operator}' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]`,
      );
  }
}

function checkCount(operator: string, count: number, expected: number): void {
  if (count !== expected) {
    throw invalidValues(`Invalid number of argument(s) for the ${operator} ComparisonOperator`);
  }
}

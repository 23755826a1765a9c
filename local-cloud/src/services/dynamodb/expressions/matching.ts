import { base64, compare, elementsOf, equal, type Item, typeOf, type Value } from '../values/value.js';
import type { Comparator, Condition, Operand } from './condition.js';
import { valueAt } from './path.js';

/** Whether a condition holds for an item; for one that is not there, an empty one. */
export function matches(condition: Condition, item: Item): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.parts.every((part) => matches(part, item));
    case 'or':
      return condition.parts.some((part) => matches(part, item));
    case 'not':
      return !matches(condition.part, item);
    case 'exists':
      return valueAt(item, condition.path) !== undefined;
    case 'missing':
      return valueAt(item, condition.path) === undefined;
    case 'type': {
      const value = valueAt(item, condition.path);
      return value !== undefined && typeOf(value) === condition.type;
    }
    case 'compare':
      return compares(condition.operator, resolve(condition.left, item), resolve(condition.right, item));
    case 'between': {
      const value = resolve(condition.operand, item);
      return (
        compares('>=', value, resolve(condition.low, item)) &&
        compares('<=', value, resolve(condition.high, item))
      );
    }
    case 'in': {
      const value = resolve(condition.operand, item);
      return condition.options.some((option) => compares('=', value, resolve(option, item)));
    }
    case 'begins_with': {
      const [value, start] = [resolve(condition.operand, item), resolve(condition.part, item)];
      return value !== undefined && start !== undefined && beginsWith(value, start);
    }
    case 'contains': {
      const [value, part] = [resolve(condition.operand, item), resolve(condition.part, item)];
      return value !== undefined && part !== undefined && contains(value, part);
    }
  }
}

function resolve(operand: Operand, item: Item): Value | undefined {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'path':
      return valueAt(item, operand.path);
    case 'size': {
      const value = resolve(operand.of, item);
      const size = value && sizeOf(value);
      return size === undefined ? undefined : { N: String(size) };
    }
  }
}

/** What `size()` says of a value; undefined for numbers, booleans and null. */
function sizeOf(value: Value): number | undefined {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('B' in value) return value.B.length;
  if ('L' in value) return value.L.length;
  if ('M' in value) return Object.keys(value.M).length;
  return elementsOf(value)?.length;
}

/** Whether a comparison holds; with an attribute that is not there only `<>` does. */
export function compares(operator: Comparator, a: Value | undefined, b: Value | undefined): boolean {
  if (operator === '<>') return a === undefined || b === undefined || !equal(a, b);
  if (a === undefined || b === undefined) return false;
  if (operator === '=') return equal(a, b);
  const order = compare(a, b);
  if (order === undefined) return false;
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

export function beginsWith(value: Value, start: Value): boolean {
  if ('S' in value && 'S' in start) return value.S.startsWith(start.S);
  if (!('B' in value && 'B' in start)) return false;
  return Buffer.compare(value.B.subarray(0, start.B.length), start.B) === 0;
}

/** Whether text, bytes, a set or a list has this in it. */
export function contains(value: Value, part: Value): boolean {
  if ('S' in value) return 'S' in part && value.S.includes(part.S);
  if ('B' in value) return 'B' in part && Buffer.from(value.B).includes(Buffer.from(part.B));
  if ('SS' in value) return 'S' in part && value.SS.includes(part.S);
  if ('NS' in value) return 'N' in part && value.NS.includes(part.N);
  if ('BS' in value) return 'B' in part && value.BS.map(base64).includes(base64(part.B));
  return 'L' in value && value.L.some((each) => equal(each, part));
}

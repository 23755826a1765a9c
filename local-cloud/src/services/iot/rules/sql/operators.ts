import { add, divide, multiply, remainder, subtract } from './decimal.js';
import { equal, joined, toBoolean, toDecimal, toText, type Value } from './values.js';

/** Operators as AWS IoT's developer guide has them, "Operators". */

export function plus(left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return add(left, right);
  if (typeof left !== 'string' && typeof right !== 'string') return undefined;
  return joined([toText(left), toText(right)]);
}

export function minus(left: Value, right: Value): Value {
  return numeric(left, right, subtract);
}

export function times(left: Value, right: Value): Value {
  return numeric(left, right, multiply);
}

/**
 * Int by Int is Int, as the guide's table of operators has it (an example in "SET clause" shows a Decimal).
 *
 * @param decimal whether an operand is known to be a Decimal even where it has no fraction, such as `2.0`.
 */
export function dividedBy(left: Value, right: Value, decimal: boolean): Value {
  // Text is converted to a Decimal, never to an Int.
  const decimals = decimal || typeof left === 'string' || typeof right === 'string';
  return numeric(left, right, (a, b) => divide(a, b, decimals));
}

export function modulo(left: Value, right: Value): Value {
  return numeric(left, right, remainder);
}

export function negate(operand: Value): Value {
  const decimal = toDecimal(operand);
  return decimal === undefined ? undefined : 0 - decimal;
}

export function isLess(left: Value, right: Value): boolean | undefined {
  return compared(left, right, (a, b) => a < b);
}

export function isAtMost(left: Value, right: Value): boolean | undefined {
  return compared(left, right, (a, b) => a <= b);
}

export function isDifferent(left: Value, right: Value): boolean | undefined {
  const same = equal(left, right);
  return same === undefined ? undefined : !same;
}

/**
 * Operands are Booleans, or text that says true or false; what else they are is taken for Undefined. The result is
 * Undefined where such an operand could change it: rules have `isUndefined(x) OR x = 1`.
 */
export function both(left: Value, right: Value): boolean | undefined {
  const [a, b] = [toBoolean(left), toBoolean(right)];
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}

export function either(left: Value, right: Value): boolean | undefined {
  const [a, b] = [toBoolean(left), toBoolean(right)];
  if (a === true || b === true) return true;
  return a === undefined || b === undefined ? undefined : false;
}

export function not(operand: Value): boolean | undefined {
  const value = toBoolean(operand);
  return value === undefined ? undefined : !value;
}

function numeric(
  left: Value,
  right: Value,
  compute: (left: number, right: number) => number | undefined,
): Value {
  const [a, b] = [toDecimal(left), toDecimal(right)];
  return a === undefined || b === undefined ? undefined : compute(a, b);
}

function compared(
  left: Value,
  right: Value,
  compare: (left: number, right: number) => boolean,
): boolean | undefined {
  const [a, b] = [toDecimal(left), toDecimal(right)];
  return a === undefined || b === undefined ? undefined : compare(a, b);
}

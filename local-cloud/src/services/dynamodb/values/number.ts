import { validation } from '../errors.js';

/** A number as DynamoDB keeps it: `coefficient` × 10^`exponent`, the coefficient without zeros at its end. */
interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

// Developer guide, "Data types": 38 digits, magnitudes from 1E-130 to 9.99…E+125.
const MOST_DIGITS = 38;
const LEAST_MAGNITUDE = -130;
const MOST_MAGNITUDE = 125;
const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * The text of a number in the one form that DynamoDB answers with: no exponent, no zeros that say nothing.
 *
 * @throws AwsError `ValidationException` for what is no number or outside of DynamoDB's range.
 */
export function canonicalNumber(text: string): string {
  return write(read(text));
}

/** The sum of two numbers in canonical form. @throws AwsError `ValidationException` when it is out of range. */
export function sum(a: string, b: string): string {
  return canonicalNumber(write(add(read(a), read(b))));
}

/** The difference of two numbers in canonical form. @throws as {@link sum}. */
export function difference(a: string, b: string): string {
  const { coefficient, exponent } = read(b);
  return canonicalNumber(write(add(read(a), { coefficient: -coefficient, exponent })));
}

/** Negative, 0 or positive as `a` is less than, equal to or greater than `b`. */
export function compareNumbers(a: string, b: string): number {
  const [x, y] = [numberSortText(a), numberSortText(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** ASCII text that sorts as the number does. */
export function numberSortText(text: string): string {
  const { coefficient, exponent } = read(text);
  if (coefficient === 0n) return '1';
  const negative = coefficient < 0n;
  const digits = String(negative ? -coefficient : coefficient);
  const magnitude = digits.length + exponent - 1 - LEAST_MAGNITUDE;
  if (!negative) return `2${String(magnitude).padStart(3, '0')}${digits}`;
  // The greater its magnitude, the less a negative number is; the end is above every digit.
  const complement = [...digits].map((digit) => 9 - Number(digit)).join('');
  return `0${String(999 - magnitude)}${complement}~`;
}

/** Significant digits of a number in canonical form. */
export function digitsOf(text: string): number {
  return String(read(text).coefficient).replace('-', '').length;
}

function read(text: string): Decimal {
  const match = SYNTAX.exec(text);
  const [, sign = '', whole = '', fraction = '', power = '0'] = match ?? [];
  if (!match || whole + fraction === '') {
    throw validation(
      text === ''
        ? 'The parameter cannot be converted to a numeric value'
        : `The parameter cannot be converted to a numeric value: ${text}`,
    );
  }
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start += 1;
  if (start === all.length) return { coefficient: 0n, exponent: 0 };
  let end = all.length;
  while (all[end - 1] === '0') end -= 1;
  const digits = all.slice(start, end);
  const exponent = Number(power) - fraction.length + (all.length - end);
  const magnitude = digits.length + exponent - 1;
  if (magnitude > MOST_MAGNITUDE) throw outOfRange('overflow', 'larger');
  if (magnitude < LEAST_MAGNITUDE) throw outOfRange('underflow', 'smaller');
  if (digits.length > MOST_DIGITS) {
    throw validation('Attempting to store more than 38 significant digits in a Number');
  }
  const coefficient = BigInt(digits);
  return { coefficient: sign === '-' ? -coefficient : coefficient, exponent };
}

function outOfRange(what: string, how: string) {
  return validation(
    `Number ${what}. Attempting to store a number with magnitude ${how} than supported range`,
  );
}

function add(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  const scaled = (decimal: Decimal) => decimal.coefficient * 10n ** BigInt(decimal.exponent - exponent);
  return { coefficient: scaled(a) + scaled(b), exponent };
}

function write({ coefficient, exponent }: Decimal): string {
  const sign = coefficient < 0n ? '-' : '';
  const digits = String(coefficient < 0n ? -coefficient : coefficient);
  if (coefficient === 0n) return '0';
  if (exponent >= 0) return `${sign}${digits}${'0'.repeat(exponent)}`;
  const padded = digits.padStart(1 - exponent, '0');
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

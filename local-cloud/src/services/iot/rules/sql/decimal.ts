import { finite } from './values.js';

/**
 * Decimal arithmetic: AWS computes with 34 digits to the base of 10, so that 0.1 + 0.2 is 0.3. Operands and results
 * are doubles here, but each operation is done exactly on their decimal digits, and rounded once. Undefined is a
 * result that has no value.
 */

export function add(left: number, right: number): number | undefined {
  if (integers(left, right)) return finite(left + right);
  const [a, b, scale] = aligned(left, right);
  return toNumber(a + b, scale);
}

export function subtract(left: number, right: number): number | undefined {
  return add(left, -right);
}

export function multiply(left: number, right: number): number | undefined {
  if (integers(left, right)) return finite(left * right);
  const [a, b] = [decompose(left), decompose(right)];
  return toNumber(a.digits * b.digits, a.scale + b.scale);
}

/** @param decimal false divides two Ints as Ints, which drops the fraction. */
export function divide(left: number, right: number, decimal: boolean): number | undefined {
  if (right === 0) return undefined;
  if (integers(left, right)) {
    const quotient = left / right;
    return finite(decimal ? quotient : Math.trunc(quotient));
  }
  const [a, b] = aligned(left, right);
  // 40 digits more than the quotient has before its point are more than a double can hold.
  return toNumber((a * 10n ** 40n) / b, 40);
}

/** The sign is that of the dividend. */
export function remainder(left: number, right: number): number | undefined {
  if (right === 0) return undefined;
  if (integers(left, right)) return left % right;
  const [a, b, scale] = aligned(left, right);
  return toNumber(a % b, scale);
}

/** Drops all but so many digits behind the point. */
export function truncate(value: number, places: number): number | undefined {
  const { digits, scale } = decompose(value);
  if (scale <= places) return value;
  return toNumber(digits / 10n ** BigInt(scale - places), places);
}

interface Decomposed {
  readonly digits: bigint;
  /** The value is digits × 10^-scale. */
  readonly scale: number;
}

function integers(left: number, right: number): boolean {
  return Number.isInteger(left) && Number.isInteger(right);
}

function decompose(value: number): Decomposed {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), scale: fraction.length - Number(exponent) };
}

function aligned(left: number, right: number): [left: bigint, right: bigint, scale: number] {
  const [a, b] = [decompose(left), decompose(right)];
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

function toNumber(digits: bigint, scale: number): number | undefined {
  return finite(Number(`${digits}e${-scale}`));
}

import { remainder, truncate } from '../decimal.js';
import { toDecimal, toInt, type Value } from '../values.js';
import { type Functions, numeric1, numeric2, pure1, pure2, type SqlFunction } from './function.js';

function decimal(of: SqlFunction): SqlFunction {
  return { ...of, decimal: true };
}

function bits(compute: (first: bigint, second: bigint) => bigint): SqlFunction {
  return numeric2((first, second) => Number(compute(BigInt(Math.floor(first)), BigInt(Math.floor(second)))));
}

/** Halves are rounded away from zero: `round(-1.5)` is -2. */
function round(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

function trunc(value: Value, places: Value): Value {
  // Only a number says how many places: text is not converted.
  if (typeof places !== 'number') return undefined;
  const number = toDecimal(value);
  const count = toInt(places);
  if (number === undefined || count === undefined) return undefined;
  return truncate(number, Math.min(34, Math.max(0, count)));
}

/** Numbers: AWS IoT developer guide, "Functions". Trigonometry is in radians. */
export const numberFunctions: Functions = {
  abs: numeric1(Math.abs),
  acos: decimal(numeric1(Math.acos)),
  asin: decimal(numeric1(Math.asin)),
  atan: decimal(numeric1(Math.atan)),
  atan2: decimal(numeric2(Math.atan2)),
  bitand: bits((a, b) => a & b),
  bitor: bits((a, b) => a | b),
  bitxor: bits((a, b) => a ^ b),
  bitnot: pure1((value) => {
    const int = toInt(value);
    return int === undefined ? undefined : Number(~BigInt(int));
  }),
  ceil: numeric1(Math.ceil),
  cos: decimal(numeric1(Math.cos)),
  cosh: decimal(numeric1(Math.cosh)),
  exp: decimal(numeric1(Math.exp)),
  floor: numeric1(Math.floor),
  ln: decimal(numeric1(Math.log)),
  log: decimal(numeric1(Math.log10)),
  mod: numeric2(remainder),
  nanvl: pure2((first, second) => (first === undefined || first === null ? second : first)),
  power: decimal(numeric2((base, exponent) => base ** exponent)),
  rand: {
    arity: [0, 0],
    decimal: true,
    compile:
      () =>
      ({ replay, capabilities }) => {
        const random = () => capabilities.random?.() ?? Math.random();
        return replay ? replay.answer(random) : random();
      },
  },
  remainder: numeric2(remainder),
  round: numeric1(round),
  sign: numeric1(Math.sign),
  sin: decimal(numeric1(Math.sin)),
  sinh: decimal(numeric1(Math.sinh)),
  sqrt: decimal(numeric1(Math.sqrt)),
  tan: decimal(numeric1(Math.tan)),
  tanh: decimal(numeric1(Math.tanh)),
  trunc: pure2(trunc),
};

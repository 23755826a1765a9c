import type { Expression } from '../ast.js';
import type { Evaluate, Scope } from '../scope.js';
import { finite, toDecimal, type Value } from '../values.js';

/** A call as the compiler hands it to a function. */
export interface Call {
  readonly args: readonly Evaluate[];
  /** The arguments as they were written: some must be literals, and `encode(*, …)` sees bytes. */
  readonly syntax: readonly Expression[];
  readonly version: SqlVersion;
  /** @throws SqlError at the call's place. */
  refuse(message: string): never;
}

export type SqlVersion = '2015-10-08' | '2016-03-23' | 'beta';

export interface SqlFunction {
  /** How many arguments it takes; with any other number of them the result is Undefined. */
  readonly arity: readonly [least: number, most: number];
  /** Not in version 2015-10-08. */
  readonly since2016?: true;
  /** The result is a Decimal even where it has no fraction. */
  readonly decimal?: true;
  /** It waits for an answer from elsewhere. */
  readonly waits?: true;
  compile(call: Call): Evaluate;
}

export type Functions = Readonly<Record<string, SqlFunction>>;

export const UNDEFINED: Evaluate = () => undefined;

/** A function of its arguments' values alone. */
export function pure0(compute: (scope: Scope) => Value): SqlFunction {
  return { arity: [0, 0], compile: () => compute };
}

export function pure1(compute: (value: Value) => Value): SqlFunction {
  return {
    arity: [1, 1],
    compile: ({ args: [value = UNDEFINED] }) => {
      return (scope) => compute(value(scope));
    },
  };
}

export function pure2(compute: (first: Value, second: Value) => Value): SqlFunction {
  return {
    arity: [2, 2],
    compile: ({ args: [first = UNDEFINED, second = UNDEFINED] }) => {
      return (scope) => compute(first(scope), second(scope));
    },
  };
}

/** A function of any number of values. */
export function pureN(
  arity: readonly [number, number],
  compute: (...values: readonly Value[]) => Value,
): SqlFunction {
  return {
    arity,
    compile:
      ({ args }) =>
      (scope) =>
        compute(...args.map((argument) => argument(scope))),
  };
}

/** A function of one number; Undefined where it has no real value. */
export function numeric1(compute: (value: number) => number | undefined): SqlFunction {
  return pure1((value) => {
    const decimal = toDecimal(value);
    const result = decimal === undefined ? undefined : compute(decimal);
    // -0 is no number of SQL.
    return result === undefined ? undefined : finite(result + 0);
  });
}

/** A function of two numbers; Undefined where it has no real value. */
export function numeric2(compute: (first: number, second: number) => number | undefined): SqlFunction {
  return pure2((first, second) => {
    const [a, b] = [toDecimal(first), toDecimal(second)];
    const result = a === undefined || b === undefined ? undefined : compute(a, b);
    return result === undefined ? undefined : finite(result + 0);
  });
}

/** The text of an argument that is a literal, for those that are looked at before there is a message. */
export function literalText(expression: Expression | undefined): string | undefined {
  return expression?.kind === 'literal' && typeof expression.value === 'string'
    ? expression.value
    : undefined;
}

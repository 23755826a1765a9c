import type { BinaryOperator, Expression } from './ast.js';
import type { Compilation } from './compilation.js';
import { findFunction, REFUSED } from './functions/index.js';
import { PayloadKind } from './message.js';
import * as operators from './operators.js';
import { projection } from './projection.js';
import type { Evaluate } from './scope.js';
import {
  asJson,
  equal,
  finite,
  itemOf,
  type JsonValue,
  memberOf,
  setMember,
  toBoolean,
  toDecimal,
  toInt,
  toText,
  type Value,
} from './values.js';

/** Makes a function of an expression, once, so that running it takes no more than what it computes. @throws SqlError */
export function compile(expression: Expression, of: Compilation): Evaluate {
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'star':
      of.need(PayloadKind.scalar);
      return (scope) => scope.star;
    case 'members':
      throw of.error("'.*' is only an item of a SELECT clause", expression.position);
    case 'name': {
      const { name } = expression;
      of.need(PayloadKind.array);
      return (scope) => scope.name(name);
    }
    case 'variable': {
      const index = of.variable(expression.name, expression.position);
      return (scope) => scope.variables[index];
    }
    case 'member': {
      const object = compile(expression.object, of);
      const { name } = expression;
      return (scope) => memberOf(object(scope), name);
    }
    case 'index': {
      const [object, index] = [compile(expression.object, of), compile(expression.index, of)];
      return (scope) => itemAt(object(scope), index(scope));
    }
    case 'call':
      return compileCall(expression, of);
    case 'cast':
      return compileCast(expression, of);
    case 'not': {
      const operand = compile(expression.operand, of);
      return (scope) => operators.not(operand(scope));
    }
    case 'negative': {
      const operand = compile(expression.operand, of);
      return (scope) => operators.negate(operand(scope));
    }
    case 'binary':
      return compileBinary(expression, of);
    case 'in':
      return compileIn(expression, of);
    case 'exists': {
      const query = compile(expression.query, of);
      return (scope) => exists(query(scope));
    }
    case 'case':
      return compileCase(expression, of);
    case 'array':
      return compileArray(expression, of);
    case 'object':
      return compileObject(expression, of);
    case 'query':
      return compileQuery(expression, of);
  }
}

type Kind<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

function itemAt(value: Value, index: Value): Value {
  return typeof index === 'string' ? memberOf(value, index) : itemOf(value, toInt(index));
}

function exists(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

function compileCall({ name, args, position, ...call }: Kind<'call'>, of: Compilation): Evaluate {
  const found = findFunction(name);
  const refuse = (message: string): never => {
    throw of.error(message, position);
  };
  if (REFUSED.has(name.toLowerCase())) refuse(`The function ${name}() is not supported`);
  if (!found) return refuse(`There is no function ${name}()`);
  if (found.since2016 && of.is2015) refuse(`The function ${name}() needs SQL version 2016-03-23`);
  if (found.waits) of.waits = true;
  const isEncodedPayload = name.toLowerCase() === 'encode' && args[0]?.kind === 'star';
  const compiled = args.map((argument, index) =>
    index === 0 && isEncodedPayload ? compileRaw() : compile(argument, of),
  );
  const [least, most] = found.arity;
  if (args.length < least || args.length > most) return () => undefined;
  return found.compile({ ...call, args: compiled, syntax: args, version: of.version, refuse });
}

/** `*` of which only the bytes are wanted: the payload need not be JSON. */
function compileRaw(): Evaluate {
  return (scope) => scope.raw;
}

const TEXT_TYPES = new Set(['string', 'nvarchar', 'text', 'ntext', 'varchar']);

function compileCast({ value, type, position }: Kind<'cast'>, of: Compilation): Evaluate {
  const operand = compile(value, of);
  const wanted = type.toLowerCase();
  const asNumber = (given: Value) => (typeof given === 'boolean' ? Number(given) : toDecimal(given));
  if (TEXT_TYPES.has(wanted)) return (scope) => toText(operand(scope));
  if (wanted === 'double') return (scope) => asNumber(operand(scope));
  if (wanted === 'int' || wanted === 'integer') {
    return (scope) => {
      const number = asNumber(operand(scope));
      return number === undefined ? undefined : finite(Math.floor(number));
    };
  }
  const known = wanted === 'decimal' || wanted === 'bool' || wanted === 'boolean';
  if (!known) throw of.error(`There is no type ${type} to cast to`, position);
  if (of.is2015) throw of.error(`The type ${type} needs SQL version 2016-03-23`, position);
  if (wanted === 'decimal') return (scope) => asNumber(operand(scope));
  return (scope) => {
    const given = operand(scope);
    return typeof given === 'number' ? given !== 0 : toBoolean(given);
  };
}

const OPERATORS: Readonly<Record<Exclude<BinaryOperator, '/'>, (left: Value, right: Value) => Value>> = {
  OR: operators.either,
  AND: operators.both,
  '=': equal,
  '<>': operators.isDifferent,
  '<': operators.isLess,
  '<=': operators.isAtMost,
  '>': (left, right) => operators.isLess(right, left),
  '>=': (left, right) => operators.isAtMost(right, left),
  '+': operators.plus,
  '-': operators.minus,
  '*': operators.times,
  '%': operators.modulo,
};

function compileBinary(expression: Kind<'binary'>, of: Compilation): Evaluate {
  const { operator } = expression;
  const [left, right] = [compile(expression.left, of), compile(expression.right, of)];
  if (operator === '/') {
    const decimal = isDecimal(expression.left) || isDecimal(expression.right);
    return (scope) => operators.dividedBy(left(scope), right(scope), decimal);
  }
  const compute = OPERATORS[operator];
  return (scope) => compute(left(scope), right(scope));
}

/** Whether an expression is seen to give a Decimal even where the value has no fraction. */
function isDecimal(expression: Expression): boolean {
  switch (expression.kind) {
    case 'literal':
      return expression.decimal === true;
    case 'negative':
      return isDecimal(expression.operand);
    case 'binary':
      return isDecimal(expression.left) || isDecimal(expression.right);
    case 'cast':
      return /^(?:double|decimal)$/i.test(expression.type);
    case 'call':
      return findFunction(expression.name)?.decimal === true;
    default:
      return false;
  }
}

function compileIn({ value, candidates, list }: Kind<'in'>, of: Compilation): Evaluate {
  const operand = compile(value, of);
  const compiled = candidates.map((candidate) => compile(candidate, of));
  return (scope) => {
    const wanted = operand(scope);
    if (wanted === undefined) return undefined;
    const values = compiled.map((candidate) => candidate(scope));
    const [only] = values;
    const isArray = values.length === 1 && Array.isArray(only);
    if (!list && !isArray) return undefined;
    const among: readonly Value[] = isArray ? (only as readonly JsonValue[]) : values;
    return among.some((candidate) => equal(wanted, candidate) === true);
  };
}

function compileCase({ subject, branches, otherwise }: Kind<'case'>, of: Compilation): Evaluate {
  const tested = subject && compile(subject, of);
  const compiled = branches.map((branch) => ({
    when: compile(branch.when, of),
    result: compile(branch.result, of),
  }));
  const fallback = otherwise && compile(otherwise, of);
  return (scope) => {
    const value = tested?.(scope);
    if (tested && value === undefined) return undefined;
    for (const { when, result } of compiled) {
      const matches = tested ? equal(value, when(scope)) : toBoolean(when(scope));
      if (matches === true) return result(scope);
    }
    return fallback?.(scope);
  };
}

function compileArray({ items, position }: Kind<'array'>, of: Compilation): Evaluate {
  if (of.is2015) throw of.error('Array literals need SQL version 2016-03-23', position);
  const compiled = items.map((item) => compile(item, of));
  return (scope) => compiled.map((item) => asJson(item(scope))).filter((item) => item !== undefined);
}

function compileObject({ members, position }: Kind<'object'>, of: Compilation): Evaluate {
  if (of.is2015) throw of.error('Object literals need SQL version 2016-03-23', position);
  const compiled = members.map(([name, value]) => ({ name, value: compile(value, of) }));
  return (scope) => {
    const object: Record<string, JsonValue> = {};
    for (const { name, value } of compiled) {
      const member = asJson(value(scope));
      if (member !== undefined) setMember(object, name, member);
    }
    return object;
  };
}

/** A nested query gives an array for an array, and one value for an object. */
function compileQuery({ selection, from, where, position }: Kind<'query'>, of: Compilation): Evaluate {
  if (of.is2015) throw of.error('Nested queries need SQL version 2016-03-23', position);
  const source = compile(from, of);
  const { select, condition } = of.inQuery(() => ({
    select: projection(selection, of, compile),
    condition: where && compile(where, of),
  }));
  return (scope) => {
    const queried = source(scope);
    if (queried === undefined) return undefined;
    const one = (element: Value): Value => {
      const inner = scope.at(element);
      return !condition || toBoolean(condition(inner)) === true ? select(inner) : undefined;
    };
    if (!Array.isArray(queried)) return one(queried);
    const items = queried as readonly JsonValue[];
    return items.map((item) => asJson(one(item))).filter((item) => item !== undefined);
  };
}

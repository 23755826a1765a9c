import type { Expression, SelectItem, Selection } from './ast.js';
import type { Compilation } from './compilation.js';
import { PayloadKind } from './message.js';
import type { Evaluate } from './scope.js';
import { asJson, isRecord, type JsonValue, setMember } from './values.js';

/** Compiles expressions: handed in, since expressions hold selections as well. */
export type Compile = (expression: Expression, of: Compilation) => Evaluate;

type Add = (target: Record<string, JsonValue>, scope: Parameters<Evaluate>[0]) => void;

/** What a SELECT clause gives: one value of `VALUE`, else an object of its items. @throws SqlError */
export function projection(selection: Selection, of: Compilation, compile: Compile): Evaluate {
  if (selection.kind === 'value') return compile(selection.value, of);
  const { items } = selection;
  const [only] = items;
  // Of a nested query: elements as they are.
  if (items.length === 1 && only?.value.kind === 'star' && !only.alias) return (scope) => scope.star;
  const adders = items.map((item) => adder(item, of, compile));
  return (scope) => {
    const object: Record<string, JsonValue> = {};
    for (const add of adders) add(object, scope);
    return object;
  };
}

function adder(item: SelectItem, of: Compilation, compile: Compile): Add {
  const { value, alias } = item;
  const evaluate = compile(value.kind === 'members' ? value.object : value, of);
  if ((value.kind === 'star' || value.kind === 'members') && !alias) {
    if (value.kind === 'star') of.need(PayloadKind.object);
    return (target, scope) => {
      const members = evaluate(scope);
      if (!isRecord(members)) return;
      for (const name of Object.keys(members)) setMember(target, name, members[name] as JsonValue);
    };
  }
  const [first = '', ...inner] = alias ?? [nameOf(item)];
  return (target, scope) => {
    const given = asJson(evaluate(scope));
    if (given === undefined) return;
    if (inner.length === 0) setMember(target, first, given);
    else
      setMember(
        target,
        first,
        within(Object.hasOwn(target, first) ? target[first] : undefined, inner, given),
      );
  };
}

/** A copy of `object` with a member set inside of it: what the payload holds is not to be changed. */
function within(object: JsonValue | undefined, path: readonly string[], value: JsonValue): JsonValue {
  const [first = '', ...inner] = path;
  const copy: Record<string, JsonValue> = isRecord(object) ? { ...object } : {};
  const member = Object.hasOwn(copy, first) ? copy[first] : undefined;
  setMember(copy, first, inner.length === 0 ? value : within(member, inner, value));
  return copy;
}

/** The name of an item without AS: the last of its path, or its function's. */
function nameOf({ value, source }: SelectItem): string {
  switch (value.kind) {
    case 'name':
    case 'member':
    case 'call':
    case 'variable':
      return value.name;
    case 'cast':
      return 'cast';
    default:
      return source;
  }
}

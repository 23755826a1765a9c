import { type TypeName, typeOf, type Value } from '../values/value.js';
import { checkedPathsApart } from './path-checks.js';
import type { Placeholders } from './placeholders.js';
import { Reader } from './reader.js';
import type { Assigned, Change } from './update.js';

const CLAUSES = ['SET', 'REMOVE', 'ADD', 'DELETE'];

/** Names of types in messages about update expressions. */
const TYPE_WORDS: Readonly<Record<TypeName, string>> = {
  ...{ S: 'STRING', N: 'NUMBER', B: 'BINARY', BOOL: 'BOOLEAN', NULL: 'NULL' },
  ...{ SS: 'STRING_SET', NS: 'NUMBER_SET', BS: 'BINARY_SET', L: 'LIST', M: 'MAP' },
};

/**
 * Reads an update expression (developer guide, "Update expressions").
 *
 * @throws AwsError `ValidationException`
 */
export function parseUpdate(text: string, placeholders: Placeholders): Change[] {
  const reader = new Reader('UpdateExpression', text, placeholders);
  const changes: Change[] = [];
  const used = new Set<string>();
  while (reader.peek().kind !== 'end') {
    const clause = CLAUSES.find((word) => reader.take(word));
    if (!clause) throw reader.syntaxError();
    if (used.has(clause)) {
      throw reader.invalid(`The "${clause}" section can only be used once in an update expression;`);
    }
    used.add(clause);
    do changes.push(change(reader, clause));
    while (reader.take(','));
  }
  checkedPathsApart(
    changes.map(({ path }) => path),
    (message) => reader.invalid(message),
  );
  return changes;
}

function change(reader: Reader, clause: string): Change {
  reader.operator();
  const path = reader.path();
  if (clause === 'REMOVE') return { kind: 'remove', path };
  if (clause === 'SET') {
    reader.expect('=');
    return { kind: 'set', path, assigned: assigned(reader) };
  }
  if (reader.peek().kind !== 'value') throw reader.syntaxError();
  const value = reader.value();
  const isSet = 'SS' in value || 'NS' in value || 'BS' in value;
  if (!isSet && !(clause === 'ADD' && 'N' in value)) {
    throw reader.invalid(
      `Incorrect operand type for operator or function; operator: ${clause}, operand type: ${wordFor(value)}, typeSet: ALLOWED_FOR_${clause}_OPERAND`,
    );
  }
  return { kind: clause === 'ADD' ? 'add' : 'delete', path, value };
}

function assigned(reader: Reader): Assigned {
  const left = operand(reader);
  for (const [sign, kind] of [
    ['+', 'plus'],
    ['-', 'minus'],
  ] as const) {
    if (!reader.take(sign)) continue;
    reader.operator();
    const right = operand(reader);
    for (const each of [left, right]) {
      if (each.kind === 'value' && !('N' in each.value)) throw wrongType(reader, sign, each.value);
    }
    return { kind, left, right };
  }
  return left;
}

function operand(reader: Reader): Assigned {
  const { kind, text } = reader.peek();
  if (kind === 'value') return { kind, value: reader.value() };
  if (reader.take('(')) {
    const inner = reader.nested(() => assigned(reader));
    reader.expect(')');
    return inner;
  }
  if (kind !== 'word' || reader.peek(1).text !== '(') return { kind: 'path', path: reader.path() };
  if (text !== 'if_not_exists' && text !== 'list_append') {
    throw reader.invalid(`Invalid function name; function: ${text}`);
  }
  reader.next();
  reader.operator();
  reader.expect('(');
  const operands = reader.nested(() => {
    const all = [operand(reader)];
    while (reader.take(',')) all.push(operand(reader));
    return all;
  });
  reader.expect(')');
  const [first, second] = operands;
  if (!first || !second || operands.length !== 2) {
    throw reader.invalid(
      `Incorrect number of operands for operator or function; operator or function: ${text}, number of operands: ${operands.length}`,
    );
  }
  if (text === 'list_append') {
    for (const each of operands) {
      if (each.kind === 'value' && !('L' in each.value)) throw wrongType(reader, text, each.value);
    }
    return { kind: 'list_append', left: first, right: second };
  }
  if (first.kind !== 'path') {
    throw reader.invalid(
      'Operator or function requires a document path; operator or function: if_not_exists',
    );
  }
  return { kind: 'if_not_exists', path: first.path, otherwise: second };
}

function wrongType(reader: Reader, name: string, value: Value): Error {
  return reader.invalid(
    `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${typeOf(value)}`,
  );
}

function wordFor(value: Value): string {
  return TYPE_WORDS[typeOf(value)];
}

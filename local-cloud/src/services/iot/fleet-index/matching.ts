import { matchesWildcards } from '../../../policy/index.js';
import type { Bound, Query, ValueTest } from './query.js';

export type Value = string | number | boolean;

/** A thing as the index sees it: the values of each field; lists have several. */
export type IndexedFields = ReadonlyMap<string, readonly Value[]>;

/** Whether a thing matches. A term without a field looks at all fields. */
export function matches(query: Query, fields: IndexedFields): boolean {
  switch (query.kind) {
    case 'all':
      return query.parts.every((part) => matches(part, fields));
    case 'any':
      return query.parts.some((part) => matches(part, fields));
    case 'not':
      return !matches(query.part, fields);
    case 'field': {
      const { field, test } = query;
      if (field !== undefined) return (fields.get(field) ?? []).some((value) => passes(value, test));
      if (test.kind === 'term' && test.text === '*') return true;
      for (const values of fields.values()) if (values.some((value) => passes(value, test))) return true;
      return false;
    }
  }
}

/** The fields that a query names. */
export function fieldsOf(query: Query): string[] {
  switch (query.kind) {
    case 'all':
    case 'any':
      return query.parts.flatMap(fieldsOf);
    case 'not':
      return fieldsOf(query.part);
    case 'field':
      return query.field === undefined ? [] : [query.field];
  }
}

function passes(value: Value, test: ValueTest): boolean {
  switch (test.kind) {
    case 'term': {
      if (typeof value === 'number' && test.text !== '' && Number(test.text) === value) return true;
      const text = String(value).toLowerCase();
      return [text, ...text.split(/\s+/)].some((word) => matchesWildcards(test.pattern, word));
    }
    case 'phrase':
      return ` ${words(String(value))} `.includes(` ${words(test.text)} `);
    case 'range':
      return above(value, test.from) && below(value, test.to);
  }
}

function words(text: string): string {
  return text.toLowerCase().trim().split(/\s+/).join(' ');
}

function above(value: Value, bound: Bound | undefined): boolean {
  if (!bound) return true;
  const order = compare(value, bound.value);
  return order > 0 || (bound.included && order === 0);
}

function below(value: Value, bound: Bound | undefined): boolean {
  if (!bound) return true;
  const order = compare(value, bound.value);
  return order < 0 || (bound.included && order === 0);
}

/** As numbers where both are, else as text. */
function compare(value: Value, bound: string): number {
  const [a, b] = [Number(value), Number(bound)];
  if (typeof value !== 'boolean' && value !== '' && bound !== '' && !Number.isNaN(a) && !Number.isNaN(b)) {
    return a - b;
  }
  const [text, other] = [String(value).toLowerCase(), bound.toLowerCase()];
  return text < other ? -1 : text > other ? 1 : 0;
}

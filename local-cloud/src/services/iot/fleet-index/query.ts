import { InvalidQueryException } from '@aws-sdk/client-iot';
import { addPattern, addText, type Wildcards } from '../../../policy/index.js';

/** A query of the fleet index, read. */
export type Query =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly part: Query }
  | { readonly kind: 'field'; readonly field: string | undefined; readonly test: ValueTest };

/** What the value of a field has to be. */
export type ValueTest =
  | { readonly kind: 'term'; readonly text: string; readonly pattern: Readonly<Wildcards> }
  | { readonly kind: 'phrase'; readonly text: string }
  | { readonly kind: 'range'; readonly from: Bound | undefined; readonly to: Bound | undefined };

export interface Bound {
  readonly value: string;
  readonly included: boolean;
}

/** Terms that a query may have (AWS IoT developer guide, "Query syntax"). */
const MOST_TERMS = 12;
/** Characters of a query string (AWS IoT Device Management quotas), and of one with a leading wildcard. */
const LONGEST = 1000;
const LONGEST_WITH_LEADING_WILDCARD = 100;
/** Ours: what is nested deeper is refused before it can exhaust the stack. */
const DEEPEST = 50;

/**
 * Reads a query of version 2017-09-30 (AWS IoT developer guide, "Query syntax"): terms with `*` and `?`, phrases,
 * fields, ranges, comparisons, AND, OR, NOT and `-`, groups, and groups of one field. Without an operator between
 * them, both have to match.
 *
 * @throws InvalidQueryException.
 */
export function readQuery(text: string): Query {
  if (text.length > LONGEST) throw invalidQuery(`The query is longer than ${LONGEST} characters`);
  return new Reader(text).read();
}

export function invalidQuery(message: string): InvalidQueryException {
  return new InvalidQueryException({ message, $metadata: {} });
}

type Token =
  | { readonly kind: 'text'; readonly text: string; readonly wildcards: string; readonly at: number }
  | { readonly kind: 'phrase'; readonly text: string; readonly at: number }
  | { readonly kind: 'symbol'; readonly text: string; readonly at: number };

const PIECES = /\s+|"((?:[^"\\]|\\.)*)"|(>=|<=|[()[\]{}:<>-])|((?:[^\s"()[\]{}:<>\\`@#%/';,]|\\.)+)/sy;

/** Splits a query. A hyphen is an operator only where a term begins. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    PIECES.lastIndex = at;
    const match = PIECES.exec(text);
    if (!match) throw invalidQuery(`Unexpected ${JSON.stringify(text.slice(at, at + 10))} in the query`);
    const [whole, phrase, symbol, word] = match;
    if (phrase !== undefined) tokens.push({ kind: 'phrase', text: phrase.replace(/\\(.)/gs, '$1'), at });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, at });
    else if (word !== undefined) {
      tokens.push({ kind: 'text', text: word.replace(/\\(.)/gs, '$1'), wildcards: word, at });
    }
    at += whole.length;
  }
  return tokens;
}

class Reader {
  readonly #tokens: Token[];
  #index = 0;
  #terms = 0;
  #leadingWildcards = 0;
  #depth = 0;

  constructor(private readonly text: string) {
    this.#tokens = tokensOf(text);
  }

  read(): Query {
    if (this.#tokens.length === 0) throw invalidQuery('The query is empty');
    const query = this.#any(undefined);
    const rest = this.#next;
    if (rest) throw this.#unexpected(rest);
    if (this.#terms > MOST_TERMS) {
      throw invalidQuery(`The query has ${this.#terms} terms, at most ${MOST_TERMS} are allowed`);
    }
    if (this.#leadingWildcards > 1) throw invalidQuery('Only one term may begin with a wildcard');
    if (this.#leadingWildcards > 0 && this.text.length > LONGEST_WITH_LEADING_WILDCARD) {
      throw invalidQuery(
        `A query with a leading wildcard may have ${LONGEST_WITH_LEADING_WILDCARD} characters`,
      );
    }
    return query;
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#index];
  }

  #any(field: string | undefined): Query {
    const parts = [this.#all(field)];
    while (this.#takeWord('OR')) parts.push(this.#all(field));
    return one('any', parts);
  }

  #all(field: string | undefined): Query {
    const parts = [this.#unary(field)];
    while (this.#takeWord('AND') || this.#startsTerm()) parts.push(this.#unary(field));
    return one('all', parts);
  }

  #startsTerm(): boolean {
    const next = this.#next;
    if (!next) return false;
    if (next.kind === 'symbol') return next.text === '(' || next.text === '-';
    return next.kind === 'phrase' || next.wildcards !== 'OR';
  }

  #unary(field: string | undefined): Query {
    if (this.#depth >= DEEPEST) throw invalidQuery('The query is nested too deeply');
    this.#depth += 1;
    const query = this.#negation(field);
    this.#depth -= 1;
    return query;
  }

  #negation(field: string | undefined): Query {
    if (this.#takeWord('NOT') || this.#take('-')) return { kind: 'not', part: this.#unary(field) };
    if (this.#take('(')) return this.#group(field);
    const token = this.#next;
    const following = this.#tokens[this.#index + 1];
    if (
      field === undefined &&
      token?.kind === 'text' &&
      following?.text === ':' &&
      following.kind === 'symbol'
    ) {
      this.#index += 2;
      return this.#take('(') ? this.#group(token.text) : this.#value(token.text);
    }
    return this.#value(field);
  }

  #group(field: string | undefined): Query {
    const query = this.#any(field);
    if (!this.#take(')')) throw this.#unexpected(this.#next, ')');
    return query;
  }

  #value(field: string | undefined): Query {
    const token = this.#next;
    if (!token) throw this.#unexpected(token);
    this.#terms += 1;
    this.#index += 1;
    if (token.kind === 'phrase') {
      return { kind: 'field', field, test: { kind: 'phrase', text: token.text.toLowerCase() } };
    }
    if (token.kind === 'text') {
      if (/^[*?]./.test(token.wildcards)) this.#leadingWildcards += 1;
      return { kind: 'field', field, test: term(token) };
    }
    if (token.text === '[' || token.text === '{') return { kind: 'field', field, test: this.#range(token) };
    if (/^[<>]/.test(token.text)) {
      const bound = { value: this.#bound(), included: token.text.endsWith('=') };
      const test = token.text.startsWith('>')
        ? ({ kind: 'range', from: bound, to: undefined } as const)
        : ({ kind: 'range', from: undefined, to: bound } as const);
      return { kind: 'field', field, test };
    }
    throw this.#unexpected(token);
  }

  #range(open: Token): ValueTest {
    const from = this.#bound();
    if (!this.#takeWord('TO')) throw this.#unexpected(this.#next, 'TO');
    const to = this.#bound();
    const included = this.#take(']');
    if (!included && !this.#take('}')) throw this.#unexpected(this.#next, ']');
    return {
      kind: 'range',
      from: from === '*' ? undefined : { value: from, included: open.text === '[' },
      to: to === '*' ? undefined : { value: to, included },
    };
  }

  /** The value of a bound, which may be a negative number. */
  #bound(): string {
    const sign = this.#take('-') ? '-' : '';
    const token = this.#next;
    if (!token || token.kind === 'symbol') throw this.#unexpected(token);
    this.#index += 1;
    return sign + token.text;
  }

  #take(symbol: string): boolean {
    const next = this.#next;
    if (next?.kind !== 'symbol' || next.text !== symbol) return false;
    this.#index += 1;
    return true;
  }

  #takeWord(word: string): boolean {
    const next = this.#next;
    if (next?.kind !== 'text' || next.wildcards !== word) return false;
    this.#index += 1;
    return true;
  }

  #unexpected(token: Token | undefined, expected?: string): InvalidQueryException {
    const what = token
      ? `Unexpected ${JSON.stringify(token.text)} at position ${token.at + 1} of the query`
      : 'The query ends too early';
    return invalidQuery(expected === undefined ? what : `${what}, expected ${expected}`);
  }
}

function one(kind: 'all' | 'any', parts: readonly Query[]): Query {
  const [first] = parts;
  return parts.length === 1 && first ? first : { kind, parts };
}

/** Case does not matter; an escaped wildcard stands for itself. */
function term({ text, wildcards }: { text: string; wildcards: string }): ValueTest {
  const pattern: Wildcards = [];
  for (const [piece] of wildcards.toLowerCase().matchAll(/\\.|[^\\]+/gs)) {
    if (piece.startsWith('\\')) addText(pattern, piece.slice(1));
    else addPattern(pattern, piece);
  }
  return { kind: 'term', text: text.toLowerCase(), pattern };
}

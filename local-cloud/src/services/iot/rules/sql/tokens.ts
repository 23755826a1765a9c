import { SqlError } from './errors.js';

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly start: number; readonly end: number }
  /** `@name`, without the `@`. */
  | { readonly kind: 'variable'; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: 'text'; readonly text: string; readonly start: number; readonly end: number }
  /** As it was written: `1.0` is a Decimal, `1` an Int. */
  | { readonly kind: 'number'; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: 'symbol'; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: 'end'; readonly text: ''; readonly start: number; readonly end: number };

const SPACE = /\s*/y;
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy;
const VARIABLE = /@[A-Za-z0-9_]+/y;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SYMBOL = /<>|<=|>=|!=|[-+*/%=<>()[\]{},.:;]/y;
const UNQUOTED_TOPIC = /[^\s'"]+/y;

/** Ours: what is nested deeper is refused before it can exhaust the stack. */
const DEEPEST = 100;

/**
 * Reads tokens one by one, never beyond the one that is looked at: what follows an expression in a substitution
 * template is not SQL.
 */
export class Tokens {
  #next: Token | undefined;
  #position: number;
  #depth = 0;

  constructor(
    readonly source: string,
    start = 0,
  ) {
    this.#position = start;
  }

  /** The next token, which stays where it is. */
  get next(): Token {
    this.#next ??= this.#read();
    return this.#next;
  }

  take(): Token {
    const token = this.next;
    this.#next = undefined;
    this.#position = token.end;
    return token;
  }

  /** Where reading goes on; hand it to `back` to read from there again. */
  mark(): number {
    return this.#next?.start ?? this.#position;
  }

  back(mark: number): void {
    this.#next = undefined;
    this.#position = mark;
  }

  /** What `read` reads, one level deeper. @throws SqlError when that is too deep. */
  nested<T>(read: () => T): T {
    if (this.#depth >= DEEPEST) throw this.error('The expression is nested too deeply', this.next.start);
    this.#depth += 1;
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** The next token if it is this keyword, whatever its case. */
  takeWord(keyword: string): Token | undefined {
    return this.isWord(keyword) ? this.take() : undefined;
  }

  isWord(keyword: string): boolean {
    const token = this.next;
    return token.kind === 'word' && token.text.toUpperCase() === keyword;
  }

  takeSymbol(...symbols: readonly string[]): Token | undefined {
    return this.isSymbol(...symbols) ? this.take() : undefined;
  }

  isSymbol(...symbols: readonly string[]): boolean {
    const token = this.next;
    return token.kind === 'symbol' && symbols.includes(token.text);
  }

  expectSymbol(symbol: string): Token {
    return this.takeSymbol(symbol) ?? this.fail(`'${symbol}'`);
  }

  expectWord(keyword: string): Token {
    return this.takeWord(keyword) ?? this.fail(keyword);
  }

  /** A topic filter without quotes, as some of AWS's examples have it: all up to the next space. */
  takeUnquotedTopic(): Token | undefined {
    const start = this.#skipSpace(this.mark());
    UNQUOTED_TOPIC.lastIndex = start;
    const [text] = UNQUOTED_TOPIC.exec(this.source) ?? [];
    if (text === undefined) return undefined;
    this.back(start + text.length);
    return { kind: 'word', text, start, end: start + text.length };
  }

  /** @throws SqlError saying what was expected in place of the next token. */
  fail(expected: string): never {
    const token = this.next;
    const found = token.kind === 'end' ? 'the end' : `'${this.source.slice(token.start, token.end)}'`;
    throw this.error(`Expected ${expected} but found ${found}`, token.start);
  }

  error(message: string, position: number): SqlError {
    return SqlError.at(this.source, position, message);
  }

  #skipSpace(position: number): number {
    SPACE.lastIndex = position;
    SPACE.exec(this.source);
    return SPACE.lastIndex;
  }

  #read(): Token {
    const start = this.#skipSpace(this.#position);
    const first = this.source[start];
    if (first === undefined) return { kind: 'end', text: '', start, end: start };
    if (first === "'" || first === '"') return this.#readText(start, first);
    for (const [kind, pattern] of [
      ['word', WORD],
      ['number', NUMBER],
      ['symbol', SYMBOL],
      ['variable', VARIABLE],
    ] as const) {
      pattern.lastIndex = start;
      const [text] = pattern.exec(this.source) ?? [];
      if (text === undefined) continue;
      return { kind, text: kind === 'variable' ? text.slice(1) : text, start, end: start + text.length };
    }
    throw this.error(
      `Unexpected character '${String.fromCodePoint(this.source.codePointAt(start) ?? 0)}'`,
      start,
    );
  }

  /**
   * Text in single or double quotes. A quote is written twice, or behind a backslash, and a backslash behind
   * another; every other backslash is a character like any other, so that regular expressions keep theirs.
   */
  #readText(start: number, quote: string): Token {
    let text = '';
    for (let at = start + 1; at < this.source.length; at += 1) {
      const unit = this.source[at] ?? '';
      const following = this.source[at + 1];
      if (unit === '\\' && (following === "'" || following === '"' || following === '\\')) {
        text += following;
        at += 1;
      } else if (unit !== quote) {
        text += unit;
      } else if (following === quote) {
        text += quote;
        at += 1;
      } else {
        return { kind: 'text', text, start, end: at + 1 };
      }
    }
    throw this.error('Text without a closing quote', start);
  }
}

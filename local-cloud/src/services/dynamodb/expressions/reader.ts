import { validation } from '../errors.js';
import type { Value } from '../values/value.js';
import type { Path } from './path.js';
import { checkedPathsApart } from './path-checks.js';
import type { Placeholders } from './placeholders.js';
import { isReserved } from './reserved-words.js';
import { type Token, tokensOf } from './tokens.js';

// Developer guide, "Quotas in Amazon DynamoDB", expression parameters.
const MOST_BYTES = 4096;
const MOST_OPERATORS = 300;
const MOST_STEPS = 32;

/** Reads the tokens of one expression, with what all kinds of expressions have in common. */
export class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #position = 0;
  #operators = 0;
  #depth = 0;

  /** @param parameter name of the request's parameter, for messages. */
  constructor(
    readonly parameter: string,
    text: string,
    readonly placeholders: Placeholders,
  ) {
    this.#text = text;
    if (text.trim() === '') throw this.invalid('The expression can not be empty;');
    const size = Buffer.byteLength(text);
    if (size > MOST_BYTES) {
      throw this.invalid(`Expression size has exceeded the maximum allowed size; expression size: ${size}`);
    }
    this.#tokens = tokensOf(text, (position) =>
      this.invalid(
        `Syntax error; token: "${String.fromCodePoint(text.codePointAt(position) ?? 0)}", near: "${text.slice(Math.max(position - 5, 0), position + 5)}"`,
      ),
    );
  }

  invalid(message: string): Error {
    return validation(`Invalid ${this.parameter}: ${message}`);
  }

  syntaxError(): Error {
    const at = this.#position;
    const first = this.#tokens[Math.max(at - 1, 0)];
    const last = this.#tokens[Math.min(at + 1, this.#tokens.length - 1)];
    const near = this.#text.slice(first?.start ?? 0, last?.end);
    return this.invalid(`Syntax error; token: "${this.peek().text}", near: "${near}"`);
  }

  peek(ahead = 0): Token {
    const index = Math.min(this.#position + ahead, this.#tokens.length - 1);
    return this.#tokens[index] ?? { kind: 'end', text: '<EOF>', start: 0, end: 0 };
  }

  next(): Token {
    const token = this.peek();
    this.#position += 1;
    return token;
  }

  /** Whether the next token is this sign or, in any case, this word; it is then read. */
  take(text: string): boolean {
    const token = this.peek();
    if (token.kind !== 'sign' && token.kind !== 'word') return false;
    if (token.text.toUpperCase() !== text) return false;
    this.#position += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.syntaxError();
  }

  end(): void {
    if (this.peek().kind !== 'end') throw this.syntaxError();
  }

  /** Counts an operator or function. */
  operator(): void {
    this.#operators += 1;
    if (this.#operators > MOST_OPERATORS) {
      throw this.invalid(`The expression contains too many operators; operator count: ${this.#operators}`);
    }
  }

  /** Reads what is nested one level deeper; bounds how deep the reader calls itself. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MOST_OPERATORS) {
      throw this.invalid('The expression is nested too deeply');
    }
    const result = read();
    this.#depth -= 1;
    return result;
  }

  value(): Value {
    const { text } = this.next();
    const value = this.placeholders.value(text);
    if (!value) {
      throw this.invalid(
        `An expression attribute value used in expression is not defined; attribute value: ${text}`,
      );
    }
    return value;
  }

  path(): Path {
    const steps: (string | number)[] = [];
    const first = this.#name();
    for (;;) {
      if (this.take('.')) steps.push(this.#name());
      else if (this.take('[')) {
        const { kind, text } = this.peek();
        if (kind !== 'number') throw this.syntaxError();
        const index = Number(text);
        if (index > 2 ** 31 - 1) {
          throw this.invalid(`List index is not within the allowable range; index: [${text}]`);
        }
        this.next();
        steps.push(index);
        this.expect(']');
      } else break;
      if (steps.length >= MOST_STEPS) {
        throw this.invalid('The document path has too many nesting elements; nesting depth: 33');
      }
    }
    return [first, ...steps];
  }

  /** Paths, separated by commas, of which none is part of another. */
  paths(): Path[] {
    const paths = [this.path()];
    while (this.take(',')) paths.push(this.path());
    checkedPathsApart(paths, (message) => this.invalid(message));
    return paths;
  }

  #name(): string {
    const { kind, text } = this.peek();
    if (kind === 'name') {
      this.next();
      const name = this.placeholders.name(text);
      if (name === undefined) {
        throw this.invalid(
          `An expression attribute name used in the document path is not defined; attribute name: ${text}`,
        );
      }
      return name;
    }
    if (kind !== 'word') throw this.syntaxError();
    if (isReserved(text)) {
      throw this.invalid(`Attribute name is a reserved keyword; reserved keyword: ${text}`);
    }
    this.next();
    return text;
  }
}

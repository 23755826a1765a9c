import type { BinaryOperator, Expression, Selection } from './ast.js';
import type { Tokens } from './tokens.js';

/** Reads what follows SELECT: handed in, since selections hold expressions and expressions hold nested queries. */
export type SelectionParser = (tokens: Tokens) => Selection;

/** Ours: longer chains of operators are refused, since each makes the tree one deeper. */
const LONGEST = 1000;

/** Words that start, separate or end clauses, so that no name of the payload can be written so. */
const RESERVED = new Set(
  'SELECT FROM WHERE AS AND OR NOT IN CASE WHEN THEN ELSE END NULL TRUE FALSE'.split(' '),
);

/** From the loosest to the tightest. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['+', '-'],
  ['*', '/', '%'],
];
const COMPARISONS: Readonly<Record<string, BinaryOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** @throws SqlError */
export function parseExpression(tokens: Tokens, selection: SelectionParser): Expression {
  return new ExpressionParser(tokens, selection).parse();
}

class ExpressionParser {
  readonly #tokens: Tokens;
  readonly #selection: SelectionParser;

  constructor(tokens: Tokens, selection: SelectionParser) {
    this.#tokens = tokens;
    this.#selection = selection;
  }

  parse(): Expression {
    return this.#tokens.nested(() => this.#or());
  }

  /** Operators of one level, from left to right: each makes the tree one deeper. */
  #chain(operand: () => Expression, operator: () => BinaryOperator | undefined): Expression {
    let left = operand();
    for (let length = 0; ; length += 1) {
      const { start } = this.#tokens.next;
      const found = operator();
      if (!found) return left;
      if (length > LONGEST) throw this.#tokens.error('The expression is too long', start);
      left = { kind: 'binary', operator: found, left, right: operand() };
    }
  }

  #or(): Expression {
    return this.#chain(
      () => this.#and(),
      () => (this.#tokens.takeWord('OR') ? 'OR' : undefined),
    );
  }

  #and(): Expression {
    return this.#chain(
      () => this.#not(),
      () => (this.#tokens.takeWord('AND') ? 'AND' : undefined),
    );
  }

  #not(): Expression {
    if (!this.#tokens.takeWord('NOT')) return this.#comparison();
    return this.#tokens.nested(() => ({ kind: 'not', operand: this.#not() }));
  }

  #comparison(): Expression {
    let left = this.#arithmetic(0);
    for (let length = 0; ; length += 1) {
      const { kind, text, start } = this.#tokens.next;
      if (length > LONGEST) throw this.#tokens.error('The expression is too long', start);
      const operator = kind === 'symbol' ? COMPARISONS[text] : undefined;
      if (operator) {
        this.#tokens.take();
        left = { kind: 'binary', operator, left, right: this.#arithmetic(0) };
      } else if (this.#tokens.takeWord('IN')) {
        left = this.#in(left);
      } else if (this.#tokens.takeWord('NOT')) {
        this.#tokens.expectWord('IN');
        left = { kind: 'not', operand: this.#in(left) };
      } else {
        return left;
      }
    }
  }

  #in(value: Expression): Expression {
    if (!this.#tokens.isSymbol('(')) {
      return { kind: 'in', value, candidates: [this.#arithmetic(0)], list: false };
    }
    const mark = this.#tokens.mark();
    this.#tokens.take();
    if (this.#tokens.isWord('SELECT')) {
      this.#tokens.back(mark);
      return { kind: 'in', value, candidates: [this.#arithmetic(0)], list: false };
    }
    const candidates = this.#list(')');
    return { kind: 'in', value, candidates, list: true };
  }

  #arithmetic(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return this.#negative();
    return this.#chain(
      () => this.#arithmetic(level + 1),
      () => {
        const token = this.#tokens.takeSymbol(...operators);
        return operators.find((operator) => operator === token?.text);
      },
    );
  }

  #negative(): Expression {
    if (this.#tokens.takeSymbol('+')) return this.#tokens.nested(() => this.#negative());
    if (!this.#tokens.takeSymbol('-')) return this.#postfix();
    const operand = this.#tokens.nested(() => this.#negative());
    if (operand.kind === 'literal' && typeof operand.value === 'number' && operand.value > 0) {
      return { ...operand, value: -operand.value };
    }
    return { kind: 'negative', operand };
  }

  /** `.name` and `[index]` behind what they are taken from. */
  #postfix(): Expression {
    let object = this.#primary();
    for (let length = 0; ; length += 1) {
      if (length > LONGEST) this.#tokens.fail('a shorter path');
      if (this.#tokens.takeSymbol('.')) {
        const { kind, start } = this.#tokens.next;
        if (this.#tokens.takeSymbol('*')) return { kind: 'members', object, position: start };
        if (kind !== 'word' && kind !== 'text') this.#tokens.fail('a name');
        object = { kind: 'member', object, name: this.#tokens.take().text };
      } else if (this.#tokens.takeSymbol('[')) {
        object = { kind: 'index', object, index: this.parse() };
        this.#tokens.expectSymbol(']');
      } else {
        return object;
      }
    }
  }

  #primary(): Expression {
    const token = this.#tokens.next;
    switch (token.kind) {
      case 'text':
        this.#tokens.take();
        return { kind: 'literal', value: token.text };
      case 'number':
        return this.#number();
      case 'variable':
        this.#tokens.take();
        return { kind: 'variable', name: token.text, position: token.start };
      case 'word':
        return this.#word();
      case 'symbol':
        return this.#symbol();
      default:
        return this.#tokens.fail('an expression');
    }
  }

  #number(): Expression {
    const { text, start } = this.#tokens.take();
    const value = Number(text);
    if (!Number.isFinite(value)) throw this.#tokens.error('The number is too large', start);
    return /^\d+$/.test(text) ? { kind: 'literal', value } : { kind: 'literal', value, decimal: true };
  }

  #symbol(): Expression {
    const { text, start } = this.#tokens.next;
    if (text === '*') {
      this.#tokens.take();
      return { kind: 'star' };
    }
    if (text === '(') return this.#parentheses();
    if (text === '[') {
      this.#tokens.take();
      return { kind: 'array', items: this.#list(']'), position: start };
    }
    if (text === '{') return this.#object();
    return this.#tokens.fail('an expression');
  }

  #parentheses(): Expression {
    const { start } = this.#tokens.take();
    if (this.#tokens.takeWord('SELECT')) {
      return this.#tokens.nested(() => {
        const selection = this.#selection(this.#tokens);
        this.#tokens.expectWord('FROM');
        const from = this.parse();
        const where = this.#tokens.takeWord('WHERE') ? this.parse() : undefined;
        this.#tokens.expectSymbol(')');
        return { kind: 'query', selection, from, where, position: start };
      });
    }
    const inner = this.parse();
    this.#tokens.expectSymbol(')');
    return inner;
  }

  /** Expressions with commas between them, and the symbol that closes them. A comma may also end the list. */
  #list(close: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#tokens.takeSymbol(close)) {
      items.push(this.parse());
      if (!this.#tokens.takeSymbol(',') && !this.#tokens.isSymbol(close))
        this.#tokens.fail(`',' or '${close}'`);
    }
    return items;
  }

  #object(): Expression {
    const { start } = this.#tokens.take();
    const members: [string, Expression][] = [];
    while (!this.#tokens.takeSymbol('}')) {
      const { kind } = this.#tokens.next;
      if (kind !== 'text' && kind !== 'word') this.#tokens.fail('a name in quotes');
      const name = this.#tokens.take().text;
      this.#tokens.expectSymbol(':');
      members.push([name, this.parse()]);
      if (!this.#tokens.takeSymbol(',') && !this.#tokens.isSymbol('}')) this.#tokens.fail("',' or '}'");
    }
    return { kind: 'object', members, position: start };
  }

  #word(): Expression {
    const token = this.#tokens.next;
    const keyword = token.text.toUpperCase();
    if (keyword === 'CASE') return this.#case();
    if (RESERVED.has(keyword) && !/^(?:NULL|TRUE|FALSE)$/.test(keyword)) this.#tokens.fail('an expression');
    this.#tokens.take();
    if (keyword === 'NULL') return { kind: 'literal', value: null };
    if (keyword === 'TRUE') return { kind: 'literal', value: true };
    if (keyword === 'FALSE') return { kind: 'literal', value: false };
    if (!this.#tokens.isSymbol('(')) return { kind: 'name', name: token.text };
    if (keyword === 'EXISTS') return { kind: 'exists', query: this.#parentheses() };
    this.#tokens.take();
    if (keyword === 'CAST') return this.#cast(token.start);
    return { kind: 'call', name: token.text, args: this.#list(')'), position: token.start };
  }

  #cast(position: number): Expression {
    const value = this.parse();
    this.#tokens.expectWord('AS');
    if (this.#tokens.next.kind !== 'word') this.#tokens.fail('a type');
    const type = this.#tokens.take().text;
    this.#tokens.expectSymbol(')');
    return { kind: 'cast', value, type, position };
  }

  #case(): Expression {
    this.#tokens.take();
    const subject = this.#tokens.isWord('WHEN') ? undefined : this.parse();
    const branches: { when: Expression; result: Expression }[] = [];
    while (this.#tokens.takeWord('WHEN')) {
      const when = this.parse();
      this.#tokens.expectWord('THEN');
      branches.push({ when, result: this.parse() });
    }
    if (branches.length === 0) this.#tokens.fail('WHEN');
    const otherwise = this.#tokens.takeWord('ELSE') ? this.parse() : undefined;
    this.#tokens.expectWord('END');
    return { kind: 'case', subject, branches, otherwise };
  }
}

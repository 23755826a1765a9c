import { compare, type TypeName, typeOf, type Value } from '../values/value.js';
import type { Comparator, Condition, Operand } from './condition.js';
import { type Path, pathText } from './path.js';
import type { Placeholders } from './placeholders.js';
import { Reader } from './reader.js';

const COMPARATORS = new Set(['=', '<>', '<', '<=', '>', '>=']);
const TYPES = ['B', 'NULL', 'SS', 'BOOL', 'L', 'BS', 'N', 'NS', 'S', 'M'];
const ORDERED = ['S', 'N', 'B'];
const MOST_OPTIONS = 100;

/** Functions that are conditions, and how many operands they have. */
const FUNCTIONS = new Map([
  ['attribute_exists', 1],
  ['attribute_not_exists', 1],
  ['attribute_type', 2],
  ['begins_with', 2],
  ['contains', 2],
]);

/**
 * Reads a condition or filter expression (developer guide, "Condition and filter expressions").
 *
 * @param parameter name of the request's parameter, for messages.
 * @throws AwsError `ValidationException`
 */
export function parseCondition(parameter: string, text: string, placeholders: Placeholders): Condition {
  const parser = new ConditionParser(new Reader(parameter, text, placeholders));
  return parser.whole();
}

class ConditionParser {
  constructor(readonly reader: Reader) {}

  whole(): Condition {
    const condition = this.#or();
    this.reader.end();
    return condition;
  }

  #or(): Condition {
    return this.#joined('or', 'OR', () => this.#joined('and', 'AND', () => this.#not()));
  }

  #joined(kind: 'and' | 'or', word: string, read: () => Condition): Condition {
    const first = read();
    const parts = [first];
    while (this.reader.take(word)) {
      this.reader.operator();
      parts.push(read());
    }
    return parts.length === 1 ? first : { kind, parts };
  }

  #not(): Condition {
    const { reader } = this;
    if (reader.take('NOT')) {
      reader.operator();
      return { kind: 'not', part: reader.nested(() => this.#not()) };
    }
    if (reader.peek().text !== '(') return this.#predicate();
    reader.next();
    const doubled = reader.peek().text === '(';
    const inner = reader.nested(() => this.#or());
    reader.expect(')');
    // `((a))`: the inner pair ended just before this one.
    if (doubled && this.#pairOf.has(inner)) throw this.#redundant();
    this.#pairOf.add(inner);
    return inner;
  }

  /** Conditions that stand in parentheses of their own. */
  readonly #pairOf = new WeakSet<Condition>();

  #redundant(): Error {
    return this.reader.invalid('The expression has redundant parentheses;');
  }

  #predicate(): Condition {
    const { reader } = this;
    const { kind, text } = reader.peek();
    if (kind === 'word' && reader.peek(1).text === '(' && text !== 'size') return this.#function();
    const operand = this.#operand();
    reader.operator();
    const next = reader.peek();
    if (next.kind === 'sign' && COMPARATORS.has(next.text)) {
      reader.next();
      return this.#comparison(next.text as Comparator, operand, this.#operand());
    }
    if (reader.take('BETWEEN')) {
      const low = this.#operand();
      reader.expect('AND');
      return this.#between(operand, low, this.#operand());
    }
    if (!reader.take('IN')) throw reader.syntaxError();
    reader.expect('(');
    const options = [this.#operand()];
    while (reader.take(',')) options.push(this.#operand());
    reader.expect(')');
    if (options.length > MOST_OPTIONS) throw this.#wrongCount('IN', options.length + 1);
    return { kind: 'in', operand, options };
  }

  #comparison(operator: Comparator, left: Operand, right: Operand): Condition {
    if (left.kind === 'path' && right.kind === 'path' && pathText(left.path) === pathText(right.path)) {
      throw this.reader.invalid(
        `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: ${pathText(left.path)}`,
      );
    }
    if (operator !== '=' && operator !== '<>') {
      this.#checkType(operator, left, ORDERED);
      this.#checkType(operator, right, ORDERED);
    }
    return { kind: 'compare', operator, left, right };
  }

  #between(operand: Operand, low: Operand, high: Operand): Condition {
    for (const each of [operand, low, high]) this.#checkType('BETWEEN', each, ORDERED);
    if (low.kind === 'value' && high.kind === 'value') {
      const bounds = `lower bound operand: AttributeValue: ${shown(low.value)}, upper bound operand: AttributeValue: ${shown(high.value)}`;
      const order = compare(low.value, high.value);
      if (order === undefined) {
        throw this.reader.invalid(
          `The BETWEEN operator requires same data type for lower and upper bounds; ${bounds}`,
        );
      }
      if (order > 0) {
        throw this.reader.invalid(
          `The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${bounds}`,
        );
      }
    }
    return { kind: 'between', operand, low, high };
  }

  #function(): Condition {
    const { reader } = this;
    const name = reader.next().text;
    const count = FUNCTIONS.get(name);
    if (count === undefined) throw reader.invalid(`Invalid function name; function: ${name}`);
    reader.operator();
    const operands = this.#operands();
    const [first, second] = operands;
    if (!first || operands.length !== count) throw this.#wrongCount(name, operands.length);
    if (!second) {
      return { kind: name === 'attribute_exists' ? 'exists' : 'missing', path: this.#path(name, first) };
    }
    switch (name) {
      case 'attribute_type':
        return { kind: 'type', path: this.#path(name, first), type: this.#type(second) };
      case 'begins_with':
        this.#checkType(name, first, ['S', 'B']);
        this.#checkType(name, second, ['S', 'B']);
        return { kind: 'begins_with', operand: first, part: second };
      default:
        return { kind: 'contains', operand: first, part: second };
    }
  }

  /** Operands in parentheses. */
  #operands(): Operand[] {
    const { reader } = this;
    reader.expect('(');
    const operands = [this.#operand()];
    while (reader.take(',')) operands.push(this.#operand());
    reader.expect(')');
    return operands;
  }

  #operand(): Operand {
    const { reader } = this;
    const { kind, text } = reader.peek();
    if (kind === 'value') return { kind: 'value', value: reader.value() };
    if (kind === 'word' && reader.peek(1).text === '(') {
      if (text !== 'size') {
        throw reader.invalid(
          FUNCTIONS.has(text)
            ? `The function is not allowed to be used this way in an expression; function: ${text}`
            : `Invalid function name; function: ${text}`,
        );
      }
      reader.next();
      reader.operator();
      const operands = reader.nested(() => this.#operands());
      const [of] = operands;
      if (!of || operands.length !== 1) throw this.#wrongCount('size', operands.length);
      if (of.kind === 'size') throw this.#wrongType('size', 'N');
      this.#checkType('size', of, ['S', 'B', 'SS', 'NS', 'BS', 'L', 'M']);
      return { kind: 'size', of };
    }
    return { kind: 'path', path: reader.path() };
  }

  #path(name: string, operand: Operand): Path {
    if (operand.kind === 'path') return operand.path;
    throw this.reader.invalid(`Operator or function requires a document path; operator or function: ${name}`);
  }

  #type(operand: Operand): TypeName {
    if (operand.kind !== 'value' || !('S' in operand.value)) {
      throw this.#wrongType('attribute_type', operand.kind === 'value' ? typeOf(operand.value) : 'path');
    }
    const type = operand.value.S;
    if (!TYPES.includes(type)) {
      throw this.reader.invalid(
        `Invalid attribute type name found; type: ${type}, valid types: {${TYPES.join(',')}}`,
      );
    }
    return type as TypeName;
  }

  #checkType(name: string, operand: Operand, allowed: readonly string[]): void {
    if (operand.kind !== 'value') return;
    const type = typeOf(operand.value);
    if (!allowed.includes(type)) throw this.#wrongType(name, type);
  }

  #wrongType(name: string, type: string): Error {
    return this.reader.invalid(
      `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${type}`,
    );
  }

  #wrongCount(name: string, count: number): Error {
    return this.reader.invalid(
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${count}`,
    );
  }
}

/** A scalar as DynamoDB's messages show it: `{S:text}`. */
function shown(value: Value): string {
  const [type, content] = Object.entries(value)[0] ?? [];
  return `{${type}:${content instanceof Uint8Array ? Buffer.from(content).toString('base64') : content}}`;
}

import { AWS_IOT_CORE_LIMITS, MqttError } from '../../../../mqtt/index.js';
import { parseFilter } from '../../../../mqtt/topic.js';
import type { Expression, SelectItem, Selection, StatementSyntax } from './ast.js';
import { parseExpression } from './expression-parser.js';
import { Tokens } from './tokens.js';

/**
 * Reads a statement: `[SET @x = …] SELECT … [FROM 'topic/filter'] [WHERE …]` (AWS IoT developer guide, "AWS IoT SQL
 * reference").
 *
 * @throws SqlError
 */
export function parseStatement(sql: string): StatementSyntax {
  const tokens = new Tokens(sql);
  const variables = tokens.takeWord('SET') ? parseVariables(tokens) : [];
  tokens.expectWord('SELECT');
  const selection = parseSelection(tokens);
  const topicFilter = tokens.takeWord('FROM') ? parseTopicFilter(tokens) : undefined;
  const where = tokens.takeWord('WHERE') ? expression(tokens) : undefined;
  if (tokens.next.kind !== 'end') tokens.fail(where ? 'the end' : topicFilter ? 'WHERE' : 'FROM');
  return { variables, selection, topicFilter, where };
}

/**
 * Reads the expression that starts at `start` and must be followed by `}`: one of a substitution template.
 *
 * @returns the expression and where the text behind the `}` starts.
 * @throws SqlError
 */
export function parseTemplateExpression(source: string, start: number): { value: Expression; end: number } {
  const tokens = new Tokens(source, start);
  const value = expression(tokens);
  return { value, end: tokens.expectSymbol('}').end };
}

function expression(tokens: Tokens): Expression {
  return parseExpression(tokens, parseSelection);
}

function parseVariables(tokens: Tokens): StatementSyntax['variables'] {
  const variables: { name: string; value: Expression; position: number }[] = [];
  do {
    const token = tokens.next;
    if (token.kind !== 'variable') tokens.fail('a variable, @name,');
    tokens.take();
    tokens.expectSymbol('=');
    variables.push({ name: token.text, value: expression(tokens), position: token.start });
  } while (tokens.takeSymbol(','));
  return variables;
}

/** What follows SELECT, of a statement or of a nested query. */
function parseSelection(tokens: Tokens): Selection {
  if (isValueKeyword(tokens)) {
    tokens.take();
    return { kind: 'value', value: expression(tokens) };
  }
  const items: SelectItem[] = [];
  do items.push(parseItem(tokens));
  while (tokens.takeSymbol(','));
  return { kind: 'items', items };
}

/** Whether VALUE is the keyword here; `value` is also a name that many payloads have. */
function isValueKeyword(tokens: Tokens): boolean {
  if (!tokens.isWord('VALUE')) return false;
  const mark = tokens.mark();
  const { end } = tokens.take();
  const { kind, text, start } = tokens.next;
  let keyword = kind === 'text' || kind === 'number' || kind === 'variable';
  if (kind === 'word') keyword = !/^(?:FROM|AS|WHERE|AND|OR|IN)$/i.test(text);
  if (kind === 'symbol') keyword = text === '{' || ((text === '[' || text === '(') && start > end);
  // `VALUE -1` and `value - 1` differ by their spaces alone.
  if (kind === 'symbol' && text === '-') keyword = start > end && !/\s/.test(tokens.source[start + 1] ?? ' ');
  if (kind === 'symbol' && text === '*') {
    tokens.take();
    keyword = endsSelection(tokens);
  }
  tokens.back(mark);
  return keyword;
}

function endsSelection(tokens: Tokens): boolean {
  return tokens.next.kind === 'end' || tokens.isWord('FROM') || tokens.isSymbol(')');
}

function parseItem(tokens: Tokens): SelectItem {
  const start = tokens.next.start;
  const value = expression(tokens);
  const source = tokens.source.slice(start, tokens.next.start).trim();
  return { value, alias: tokens.takeWord('AS') ? parseAlias(tokens) : undefined, source };
}

function parseAlias(tokens: Tokens): string[] {
  const path: string[] = [];
  do {
    const token = tokens.next;
    if (token.kind !== 'word' && token.kind !== 'text') tokens.fail('a name');
    path.push(tokens.take().text);
  } while (tokens.takeSymbol('.'));
  return path;
}

function parseTopicFilter(tokens: Tokens): string {
  const quoted = /^\s*['"]/.test(tokens.source.slice(tokens.mark()));
  const token = quoted ? tokens.take() : tokens.takeUnquotedTopic();
  if (!token) return tokens.fail("a topic filter in quotes, such as 'topic/subtopic',");
  try {
    return parseFilter(token.text, AWS_IOT_CORE_LIMITS).filter;
  } catch (error) {
    if (error instanceof MqttError) throw tokens.error(error.message, token.start);
    throw error;
  }
}

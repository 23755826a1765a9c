import type { Expression, Selection, StatementSyntax } from '../../../../src/services/iot/rules/sql/ast.js';

/** Syntax as text that means the same: all in parentheses, so that nothing depends on precedence. */
export function printStatement({ variables, selection, topicFilter, where }: StatementSyntax): string {
  const set = variables.map(({ name, value }) => `@${name} = ${print(value)}`).join(', ');
  return [
    set && `SET ${set}`,
    `SELECT ${printSelection(selection)}`,
    topicFilter === undefined ? '' : `FROM ${quoted(topicFilter)}`,
    where && `WHERE ${print(where)}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function printSelection(selection: Selection): string {
  if (selection.kind === 'value') return `VALUE ${print(selection.value)}`;
  const { items } = selection;
  return items
    .map(({ value, alias }) => print(value) + (alias ? ` AS ${alias.map(quoted).join('.')}` : ''))
    .join(', ');
}

function print(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? quoted(expression.value) : String(expression.value);
    case 'star':
      return '*';
    case 'members':
      return `(${print(expression.object)}).*`;
    case 'name':
      return expression.name;
    case 'variable':
      return `@${expression.name}`;
    case 'member':
      return `(${print(expression.object)}).${quoted(expression.name)}`;
    case 'index':
      return `(${print(expression.object)})[${print(expression.index)}]`;
    case 'call':
      return `${expression.name}(${list(expression.args)})`;
    case 'cast':
      return `cast(${print(expression.value)} AS ${expression.type})`;
    case 'not':
      return `(NOT ${print(expression.operand)})`;
    case 'negative':
      return `(-(${print(expression.operand)}))`;
    case 'binary':
      return `(${print(expression.left)} ${expression.operator} ${print(expression.right)})`;
    case 'in': {
      const candidates = list(expression.candidates);
      return `(${print(expression.value)} IN ${expression.list ? `(${candidates})` : candidates})`;
    }
    case 'exists':
      return `exists${print(expression.query)}`;
    case 'case': {
      const branches = expression.branches.map(
        ({ when, result }) => `WHEN ${print(when)} THEN ${print(result)}`,
      );
      const subject = expression.subject ? `${print(expression.subject)} ` : '';
      const otherwise = expression.otherwise ? ` ELSE ${print(expression.otherwise)}` : '';
      return `CASE ${subject}${branches.join(' ')}${otherwise} END`;
    }
    case 'array':
      return `[${list(expression.items)}]`;
    case 'object':
      return `{${expression.members.map(([name, value]) => `${quoted(name)}: ${print(value)}`).join(', ')}}`;
    case 'query': {
      const where = expression.where ? ` WHERE ${print(expression.where)}` : '';
      return `(SELECT ${printSelection(expression.selection)} FROM ${print(expression.from)}${where})`;
    }
  }
}

function list(items: readonly Expression[]): string {
  return items.map(print).join(', ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

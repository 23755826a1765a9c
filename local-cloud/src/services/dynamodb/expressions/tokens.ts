/** One word or sign of an expression. */
export interface Token {
  readonly kind: 'name' | 'value' | 'word' | 'number' | 'sign' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /\s*(?:(?<name>#[0-9A-Za-z_]+)|(?<value>:[0-9A-Za-z_]+)|(?<word>[A-Za-z_][0-9A-Za-z_]*)|(?<number>[0-9]+)|(?<sign><>|<=|>=|[()[\].,=<>+-]))/y;

/**
 * Splits an expression into tokens; the last is of the kind `end`.
 *
 * @param invalid told where a character is that no token begins with.
 */
export function tokensOf(text: string, invalid: (position: number) => Error): Token[] {
  const tokens: Token[] = [];
  const matcher = new RegExp(TOKEN);
  for (let position = 0; ; position = matcher.lastIndex) {
    matcher.lastIndex = position;
    const match = matcher.exec(text);
    if (!match) {
      const rest = text.slice(position);
      const start = position + (rest.length - rest.trimStart().length);
      if (start < text.length) throw invalid(start);
      tokens.push({ kind: 'end', text: '<EOF>', start: text.length, end: text.length });
      return tokens;
    }
    const [kind, word = ''] = Object.entries(match.groups ?? {}).find(([, part]) => part !== undefined) ?? [];
    const end = matcher.lastIndex;
    tokens.push({ kind: kind as Token['kind'], text: word, start: end - word.length, end });
  }
}

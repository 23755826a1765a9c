/** Date and time patterns of Joda-Time and of `java.time`: letters, text in single quotes, and other characters. */
export type PatternPart =
  | { readonly kind: 'field'; readonly letter: string; readonly count: number }
  | { readonly kind: 'text'; readonly text: string };

const TOKEN = /([A-Za-z])\1*|''|'((?:[^']|'')*)'|[\s\S]/g;

/** Undefined when a quote is not closed. */
export function parsePattern(pattern: string): PatternPart[] | undefined {
  const parts: PatternPart[] = [];
  for (const [token, letter, quoted] of pattern.matchAll(TOKEN)) {
    if (letter !== undefined) parts.push({ kind: 'field', letter, count: token.length });
    else if (quoted !== undefined) parts.push({ kind: 'text', text: quoted.replaceAll("''", "'") });
    else if (token === "''") parts.push({ kind: 'text', text: "'" });
    else if (token === "'") return undefined;
    else parts.push({ kind: 'text', text: token });
  }
  return parts;
}

export const MONTHS =
  'January February March April May June July August September October November December'.split(' ');
export const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

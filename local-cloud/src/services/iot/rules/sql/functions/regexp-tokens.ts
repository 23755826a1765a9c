/** A character class is one token, and so are an escape, what opens a group, and a quantifier. */
const TOKEN =
  /\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\((?:\?(?:<?[=!]|[:>]))?|\)|[*+?|]|\{\d+(?:,\d*)?\}|[\s\S]/g;

/** The parts of a regular expression, valid or not. */
export function regexpTokens(pattern: string): string[] {
  return pattern.match(TOKEN) ?? [];
}

export function isQuantifier(token: string): boolean {
  return /^(?:[*+?]|\{\d+(?:,\d*)?\})$/.test(token);
}

/** Escapes of Java that JavaScript takes for letters. */
const JAVA_ESCAPES = /^\\[AzZGQEhHRXae]$/;

/**
 * What a regular expression has that only Java's have: AWS IoT is written in Java. Undefined when it has none; the
 * pattern then means the same in JavaScript.
 */
export function onlyInJava(pattern: string): string | undefined {
  let last = '';
  for (const token of regexpTokens(pattern)) {
    if (JAVA_ESCAPES.test(token) || token === '(?>') return token;
    // Possessive quantifiers.
    if (token === '+' && isQuantifier(last)) return last + token;
    if (token.startsWith('[') && /&&|\[:|\\[hHRQE]/.test(token)) return token;
    last = token;
  }
  return undefined;
}

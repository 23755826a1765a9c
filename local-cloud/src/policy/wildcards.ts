/** A pattern: code points of text, {@link ANY} and {@link ONE}. */
export type Wildcards = number[];

/** Any characters, also none: `*`. */
export const ANY = -1;
/** One character: `?`. */
export const ONE = -2;

/** Adds characters that stand for themselves. */
export function addText(pattern: Wildcards, text: string): void {
  for (const character of text) pattern.push(character.codePointAt(0) ?? 0);
}

/** Adds characters of which `*` and `?` are wildcards. */
export function addPattern(pattern: Wildcards, text: string): void {
  for (const character of text) {
    if (character === '*') pattern.push(ANY);
    else if (character === '?') pattern.push(ONE);
    else pattern.push(character.codePointAt(0) ?? 0);
  }
}

/**
 * Whether a text matches. There is one place to go back to, behind the last `*`, so at worst it takes the product
 * of both lengths.
 */
export function matchesWildcards(pattern: Readonly<Wildcards>, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < text.length) {
    const wanted = pattern[at];
    const character = text.codePointAt(index) ?? 0;
    if (wanted === ANY) {
      star = at;
      resume = index;
      at += 1;
    } else if (wanted === ONE || wanted === character) {
      at += 1;
      index += width(character);
    } else if (star >= 0) {
      resume += width(text.codePointAt(resume) ?? 0);
      index = resume;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === ANY) at += 1;
  return at === pattern.length;
}

/** UTF-16 units of a character. */
function width(character: number): 1 | 2 {
  return character > 0xffff ? 2 : 1;
}

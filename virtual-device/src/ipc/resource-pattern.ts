/**
 * Resources of IPC authorization policies. `*` stands for any characters; `${*}`, `${$}` and `${?}` stand
 * for the character itself. In MQTT style `+` stands for one topic level and a last level `#` for all that
 * follow, and for their parent. https://docs.aws.amazon.com/greengrass/v2/developerguide/interprocess-communication.html
 */

/** `standard`: MQTT's wildcards are characters like any other. */
export type ResourceStyle = 'standard' | 'mqtt';

export type ResourceMatcher = (resource: string) => boolean;

/** The pattern breaks a rule; the message says which. */
export class ResourcePatternError extends Error {
  override readonly name = 'ResourcePatternError';
}

/** A character that must be there, or a run of any length of characters but some. */
type Token = { readonly literal: string } | { readonly runWithout: string };

const ANYTHING: Token = { runWithout: '' };
// One level of a filter. It may itself hold `+`, but a `#` would reach further than the policy does.
const ONE_LEVEL: Token = { runWithout: '/#' };

/** @throws ResourcePatternError */
export function compileResource(pattern: string, style: ResourceStyle): ResourceMatcher {
  if (pattern === '') throw new ResourcePatternError('a resource cannot be empty');
  const tokens = tokenize(pattern, style);
  const matchesAll = style === 'mqtt' && (pattern === '#' || pattern.endsWith('/#'));
  if (!matchesAll) return (resource) => matches(tokens, resource);
  const parent = tokens.slice(0, -2);
  return (resource) => matches(tokens, resource) || (parent.length > 0 && matches(parent, resource));
}

function tokenize(pattern: string, style: ResourceStyle): readonly Token[] {
  const tokens: Token[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    if (character === '$' && pattern.charAt(index + 1) === '{') {
      tokens.push({ literal: escaped(pattern, index) });
      index += 3;
    } else if (character === '?') {
      throw new ResourcePatternError("'?' is no wildcard; write ${?} for the character");
    } else if (character === '*') {
      tokens.push(ANYTHING);
    } else if (style === 'mqtt' && character === '+' && isWholeLevel(pattern, index)) {
      tokens.push(ONE_LEVEL);
    } else if (
      style === 'mqtt' &&
      character === '#' &&
      isWholeLevel(pattern, index) &&
      index === pattern.length - 1
    ) {
      tokens.push(ANYTHING);
    } else {
      tokens.push({ literal: character });
    }
  }
  return tokens;
}

function escaped(pattern: string, index: number): string {
  const sequence = pattern.slice(index, index + 4);
  if (sequence === '${*}' || sequence === '${$}' || sequence === '${?}') return sequence.charAt(2);
  throw new ResourcePatternError(`${sequence} is no escape sequence; there are \${*}, \${$} and \${?}`);
}

function isWholeLevel(pattern: string, index: number): boolean {
  const startsLevel = index === 0 || pattern.charAt(index - 1) === '/';
  const endsLevel = index === pattern.length - 1 || pattern.charAt(index + 1) === '/';
  return startsLevel && endsLevel;
}

/** Follows all ways to match at once: time is bounded by pattern length times text length. */
function matches(tokens: readonly Token[], text: string): boolean {
  let states = withSkippedRuns(tokens, [0]);
  for (let index = 0; index < text.length && states.size > 0; index += 1) {
    const character = text.charAt(index);
    const next: number[] = [];
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined) continue;
      if ('literal' in token) {
        if (token.literal === character) next.push(state + 1);
      } else if (!token.runWithout.includes(character)) {
        next.push(state);
      }
    }
    states = withSkippedRuns(tokens, next);
  }
  return states.has(tokens.length);
}

/** A run may be empty, so whoever stands before one stands behind it too. */
function withSkippedRuns(tokens: readonly Token[], states: readonly number[]): ReadonlySet<number> {
  const reached = new Set<number>();
  for (const start of states) {
    let state = start;
    reached.add(state);
    for (let token = tokens[state]; token !== undefined && 'runWithout' in token; token = tokens[state]) {
      state += 1;
      reached.add(state);
    }
  }
  return reached;
}

import { asJson, type JsonValue, joined, LONGEST_TEXT, toInt, toText, type Value } from '../values.js';
import { type Functions, pure1, pure2, pureN, type SqlFunction } from './function.js';

/** What `lpad` and `rpad` add at most. */
const MOST_PADDING = 1000;
/** Ours: the longest array that `concat` makes. */
const MOST_ITEMS = 100_000;

function text1(compute: (text: string) => Value): SqlFunction {
  return pure1((value) => {
    const text = toText(value);
    return text === undefined ? undefined : compute(text);
  });
}

function text2(compute: (first: string, second: string) => Value): SqlFunction {
  return pure2((first, second) => {
    const [a, b] = [toText(first), toText(second)];
    return a === undefined || b === undefined ? undefined : compute(a, b);
  });
}

function padded(compute: (text: string, padding: string) => string): SqlFunction {
  return pure2((value, count) => {
    const [text, spaces] = [toText(value), toInt(count)];
    if (text === undefined || spaces === undefined) return undefined;
    return compute(text, ' '.repeat(Math.min(MOST_PADDING, Math.max(0, spaces))));
  });
}

/** Arrays are joined when there is one, else texts. */
function concat(...values: readonly Value[]): Value {
  if (values.length === 1) return typeof values[0] === 'number' ? toText(values[0]) : values[0];
  if (values.some(Array.isArray)) {
    const items = values.flatMap((value) =>
      Array.isArray(value) ? (value as JsonValue[]) : [asJson(value)],
    );
    return items.length > MOST_ITEMS ? undefined : items.filter((item) => item !== undefined);
  }
  if (!values.some((value) => typeof value === 'string')) return undefined;
  return joined(values.map(toText));
}

function replace(value: Value, search: Value, replacement: Value): Value {
  const [text, from, to] = [toText(value), toText(search), toText(replacement)];
  if (text === undefined || from === undefined || to === undefined) return undefined;
  const parts = text.split(from);
  return text.length + parts.length * to.length > LONGEST_TEXT ? undefined : parts.join(to);
}

/** From the first index up to, not including, the second; indices count from 0 and are brought into the text. */
function substring(value: Value, start: Value, ...[end]: readonly Value[]): Value {
  const [text, from] = [toText(value), toInt(start)];
  if (text === undefined || from === undefined) return undefined;
  if (end === undefined) return text.slice(Math.max(0, from));
  const to = toInt(end);
  return to === undefined ? undefined : text.slice(Math.max(0, from), Math.max(0, to));
}

function character(value: Value): Value {
  const code = toInt(value);
  return code === undefined || code < 0 || code > 127 ? undefined : String.fromCharCode(code);
}

function trimmed(text: string, left: boolean, right: boolean): string {
  let [start, end] = [0, text.length];
  const isSpace = (at: number) => text[at] === ' ' || text[at] === '\t';
  if (left) while (start < end && isSpace(start)) start += 1;
  if (right) while (end > start && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}

/** Text: AWS IoT developer guide, "Functions". Other arguments are converted to text first. */
export const stringFunctions: Functions = {
  chr: pure1(character),
  concat: pureN([0, Number.POSITIVE_INFINITY], concat),
  endswith: text2((text, end) => text.endsWith(end)),
  indexof: { ...text2((text, search) => text.indexOf(search)), since2016: true },
  length: { ...text1((text) => text.length), since2016: true },
  lower: text1((text) => text.toLowerCase()),
  lpad: padded((text, padding) => padding + text),
  ltrim: text1((text) => trimmed(text, true, false)),
  numbytes: { ...text1((text) => Buffer.byteLength(text)), since2016: true },
  replace: pureN([3, 3], (text, search, replacement) => replace(text, search, replacement)),
  rpad: padded((text, padding) => text + padding),
  rtrim: text1((text) => trimmed(text, false, true)),
  startswith: text2((text, start) => text.startsWith(start)),
  substring: {
    arity: [2, 3],
    compile: ({ args }) => {
      const [text, start, end] = args;
      return (scope) => {
        if (!end) return substring(text?.(scope), start?.(scope));
        const last = end(scope);
        return last === undefined ? undefined : substring(text?.(scope), start?.(scope), last);
      };
    },
  },
  trim: text1((text) => text.trim()),
  upper: text1((text) => text.toUpperCase()),
};

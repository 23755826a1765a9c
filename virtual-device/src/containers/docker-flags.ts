import { DockerUsageError } from './run-arguments.js';

/** Flags of a subcommand, in the order they were given. */
export class Flags {
  readonly #values: readonly (readonly [string, string])[];

  constructor(values: readonly (readonly [string, string])[]) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.some(([key, value]) => key === name && value !== 'false');
  }

  get(name: string): string | undefined {
    return this.#values.findLast(([key]) => key === name)?.[1];
  }

  all(...names: readonly string[]): string[] {
    return this.#values.flatMap(([key, value]) => (names.includes(key) ? [value] : []));
  }
}

/** A subcommand's arguments. */
export interface ParsedArguments {
  readonly flags: Flags;
  readonly operands: readonly string[];
}

/** Parses a subcommand's arguments; flags are one letter or a word. @throws DockerUsageError for other flags */
export function parseArguments(
  args: readonly string[],
  valued: readonly string[],
  booleans: readonly string[],
): ParsedArguments {
  const values: [string, string][] = [];
  const operands: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, long, attached] = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (long !== undefined) {
      if (booleans.includes(long)) values.push([long, attached ?? 'true']);
      else if (valued.includes(long)) values.push([long, attached ?? needed(rest.shift(), `--${long}`)]);
      else throw new DockerUsageError(`unknown flag: --${long}`, 125);
    } else if (/^-[A-Za-z]/.test(arg)) {
      for (let at = 1; at < arg.length; at++) {
        const letter = arg[at] ?? '';
        if (booleans.includes(letter)) values.push([letter, 'true']);
        else if (valued.includes(letter)) {
          const tail = arg.slice(at + 1).replace(/^=/, '');
          values.push([letter, tail === '' ? needed(rest.shift(), `-${letter}`) : tail]);
          break;
        } else throw new DockerUsageError(`unknown shorthand flag: '${letter}' in ${arg}`, 125);
      }
    } else operands.push(arg);
  }
  return { flags: new Flags(values), operands };
}

function needed(value: string | undefined, flag: string): string {
  if (value === undefined) throw new DockerUsageError(`flag needs an argument: ${flag}`, 125);
  return value;
}

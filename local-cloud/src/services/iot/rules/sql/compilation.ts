import { SqlError } from './errors.js';
import type { SqlVersion } from './functions/index.js';
import { PayloadKind } from './message.js';

/** What the compiler knows of the statement around an expression, and finds out of it. */
export class Compilation {
  /** Whether an expression waits for something. */
  waits = false;
  /** The least that the payload must be for the statement to be run. */
  needs: PayloadKind = PayloadKind.bytes;
  #variables = new Map<string, number>();
  #inQuery = false;

  constructor(
    readonly source: string,
    readonly version: SqlVersion,
  ) {}

  get is2015(): boolean {
    return this.version === '2015-10-08';
  }

  /** An expression looks at the payload; one of a nested query looks at an element of it instead. */
  need(kind: PayloadKind): void {
    if (!this.#inQuery && kind > this.needs) this.needs = kind;
  }

  /** Compiles the inside of a nested query. */
  inQuery<T>(compile: () => T): T {
    const outer = this.#inQuery;
    this.#inQuery = true;
    const result = compile();
    this.#inQuery = outer;
    return result;
  }

  /** @throws SqlError when the variable is defined already, or its name is too long. */
  define(name: string, position: number): void {
    // AWS IoT developer guide, "SET clause".
    if (name.length > 64) throw this.error('The name of a variable is longer than 64 characters', position);
    if (this.#variables.has(name)) throw this.error(`The variable @${name} is already defined`, position);
    this.#variables.set(name, this.#variables.size);
  }

  /** The variable's index. @throws SqlError when it is not defined. */
  variable(name: string, position: number): number {
    const index = this.#variables.get(name);
    if (index === undefined) throw this.error(`The variable @${name} is not defined`, position);
    return index;
  }

  /** A compilation of another text, such as a template, that sees the same variables. */
  of(source: string): Compilation {
    const compilation = new Compilation(source, this.version);
    compilation.#variables = this.#variables;
    return compilation;
  }

  error(message: string, position: number): SqlError {
    return SqlError.at(this.source, position, message);
  }
}

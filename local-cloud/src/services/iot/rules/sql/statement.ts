import type { Selection } from './ast.js';
import { Compilation } from './compilation.js';
import { compile } from './compile.js';
import type { SqlVersion } from './functions/index.js';
import { PayloadKind, type PreparedMessage, prepareMessage, type RuleMessage } from './message.js';
import { parseStatement } from './parser.js';
import { projection } from './projection.js';
import { settle } from './replay.js';
import { Scope, type SqlCapabilities } from './scope.js';
import { compileParts, type Template } from './template.js';
import { type JsonValue, toBoolean, type Value } from './values.js';

/** What a statement gives for a message. */
export interface RuleOutput {
  /** What an action gets: JSON in UTF-8, the payload itself for `SELECT *`, empty for Undefined. */
  readonly payload: Uint8Array;
  /** The same as a value; bytes when the payload of `SELECT *` is not JSON. Not to be changed: rules share it. */
  readonly value: JsonValue | Uint8Array | undefined;
}

/** A statement of a topic rule, compiled. */
export interface Statement {
  /** The FROM clause; undefined when there is none (a rule for Basic Ingest only). */
  readonly topicFilter: string | undefined;
  /**
   * Runs the statement. A promise only when it has functions that wait for other services.
   *
   * @param message best a prepared one (`prepareMessage`), so that rules share the work of reading it.
   * @returns undefined when WHERE is not true, or when the statement names members of the payload and the payload is
   *   no JSON (AWS IoT developer guide, "Working with binary payloads").
   * @throws SqlError when the cloud lacks a capability that the statement needs; what a capability throws.
   */
  run(
    message: RuleMessage,
    capabilities: SqlCapabilities,
  ): RuleOutput | undefined | Promise<RuleOutput | undefined>;
  /** Compiles a substitution template of the rule's actions; it sees the variables of the SET clause. @throws SqlError */
  template(text: string): Template;
}

/** As many as a SET clause may define. */
const MOST_VARIABLES = 10;

/**
 * Compiles a statement of AWS IoT SQL.
 *
 * @param version `awsIotSqlVersion`; AWS's own default is the oldest. `beta` is the newest here.
 * @throws SqlError when it cannot be parsed, or uses what is not supported.
 */
export function compileSql(sql: string, version: SqlVersion = '2015-10-08'): Statement {
  const { variables, selection, topicFilter, where } = parseStatement(sql);
  const of = new Compilation(sql, version);
  const tooMany = variables[MOST_VARIABLES];
  if (tooMany) throw of.error(`There can be at most ${MOST_VARIABLES} variables`, tooMany.position);
  const assignments = variables.map(({ name, value, position }) => {
    const evaluate = compile(value, of);
    of.define(name, position);
    return evaluate;
  });
  const condition = where && compile(where, of);
  const select = passesOn(selection) ? undefined : projection(selection, of, compile);
  const valueOf2015 = of.is2015 && selection.kind === 'value';
  const { needs } = of;

  const evaluate = (scope: Scope): RuleOutput | undefined => {
    if (condition && toBoolean(condition(scope)) !== true) return undefined;
    if (!select) return new PassedOn(scope.message);
    const value = select(scope);
    // Arrays on top are of version 2016-03-23.
    return new Selected(valueOf2015 && Array.isArray(value) ? undefined : value);
  };

  const statement: Statement = {
    topicFilter,
    run: (message, capabilities) => {
      const prepared = prepareMessage(message);
      if (needs > PayloadKind.bytes && prepared.kind < needs) return undefined;
      return evaluateIn(prepared, capabilities, evaluate, of.waits);
    },
    template: (text) => {
      const inner = of.of(text);
      const render = compileParts(text, inner);
      return (message, capabilities) =>
        evaluateIn(prepareMessage(message), capabilities, render, inner.waits || of.waits);
    },
  };

  /** With the statement's variables: those that an earlier evaluation for the message found, or found now. */
  function evaluateIn<T>(
    message: PreparedMessage,
    capabilities: SqlCapabilities,
    work: (scope: Scope) => T,
    waits: boolean,
  ): T | Promise<T> {
    const kept = assignments.length > 0 ? message.variablesOf(statement) : undefined;
    return settle(waits, (replay) => {
      const scope = new Scope(message, capabilities, kept ? [...kept] : [], replay);
      if (!kept && assignments.length > 0) {
        for (const assign of assignments) scope.variables.push(assign(scope));
        message.keepVariables(statement, scope.variables);
      }
      return work(scope);
    });
  }

  return statement;
}

/** Whether the payload is given as it came: `SELECT *`, `SELECT VALUE *`. */
function passesOn(selection: Selection): boolean {
  if (selection.kind === 'value') return selection.value.kind === 'star';
  const [first, ...others] = selection.items;
  return others.length === 0 && first?.value.kind === 'star' && !first.alias;
}

/** The payload as it came. */
class PassedOn implements RuleOutput {
  readonly #message: PreparedMessage;

  constructor(message: PreparedMessage) {
    this.#message = message;
  }

  get payload(): Uint8Array {
    return this.#message.payload;
  }

  get value(): JsonValue | Uint8Array {
    const { document, payload } = this.#message;
    return document === undefined ? payload : document;
  }
}

/** JSON that is written when an action wants its bytes. */
class Selected implements RuleOutput {
  #payload: Uint8Array | undefined;

  constructor(readonly value: Value) {}

  get payload(): Uint8Array {
    this.#payload ??=
      this.value instanceof Uint8Array ? this.value : Buffer.from(JSON.stringify(this.value) ?? '');
    return this.#payload;
  }
}

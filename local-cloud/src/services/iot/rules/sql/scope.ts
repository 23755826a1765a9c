import type { PreparedMessage } from './message.js';
import type { Replay } from './replay.js';
import { type JsonValue, memberOf, type Value } from './values.js';

/** What functions of SQL need of the cloud. A statement that needs one which is left out fails when it runs. */
export interface SqlCapabilities {
  readonly accountId: string;
  newUuid?(): string;
  /** `get_thing_shadow`: the shadow's document, undefined when there is none. */
  getThingShadow?(thing: string, roleArn: string, shadowName?: string): Promise<JsonValue | undefined>;
  /** `aws_lambda`: what the function returns. */
  invokeLambda?(functionArn: string, input: JsonValue): Promise<JsonValue | undefined>;
  /** `rand`: from 0 up to 1. */
  random?(): number;
}

const WHOLE_MESSAGE = Symbol('whole message');

/** What an expression can see. */
export class Scope {
  readonly #element: Value | typeof WHOLE_MESSAGE;

  constructor(
    readonly message: PreparedMessage,
    readonly capabilities: SqlCapabilities,
    /** By their index; filled in the order in which they are defined. */
    readonly variables: Value[],
    /** Undefined for statements that never wait. */
    readonly replay: Replay | undefined,
    element: Value | typeof WHOLE_MESSAGE = WHOLE_MESSAGE,
  ) {
    this.#element = element;
  }

  /** The scope of a nested query at one element of what it queries. */
  at(element: Value): Scope {
    return new Scope(this.message, this.capabilities, this.variables, this.replay, element);
  }

  /** `*`. Bytes when the payload is not JSON. */
  get star(): Value {
    if (this.#element !== WHOLE_MESSAGE) return this.#element;
    return this.message.document ?? (this.message.kind === 0 ? this.message.payload : null);
  }

  /** `*` as it was sent: bytes of the payload, whatever they are. */
  get raw(): Value {
    return this.#element === WHOLE_MESSAGE ? this.message.payload : this.#element;
  }

  name(name: string): Value {
    return memberOf(this.#element === WHOLE_MESSAGE ? this.message.document : this.#element, name);
  }
}

/** A compiled expression. @throws Suspension */
export type Evaluate = (scope: Scope) => Value;

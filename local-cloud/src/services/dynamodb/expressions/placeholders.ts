import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { AwsError } from '../../../errors.js';
import { validation } from '../errors.js';
import { checkedValue } from '../values/checked.js';
import type { Value } from '../values/value.js';

const KEY = /^[#:][0-9A-Za-z_]+$/;

/** `ExpressionAttributeNames` and `ExpressionAttributeValues` of a request, and which of them were used. */
export class Placeholders {
  readonly #names: ReadonlyMap<string, string>;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #unused: Set<string>;

  /**
   * @param expressions the request's expressions by their parameters' names.
   * @throws AwsError `ValidationException` when there are placeholders without an expression, or malformed ones.
   */
  constructor(
    names: Readonly<Record<string, string>> | undefined,
    values: Readonly<Record<string, AttributeValue>> | undefined,
    expressions: Readonly<Record<string, string | undefined>>,
  ) {
    const given = Object.values(expressions).some((text) => text !== undefined);
    const parameters = Object.keys(expressions);
    if (names && !given) {
      throw validation('ExpressionAttributeNames can only be specified when using expressions');
    }
    if (values && !given) {
      const none =
        parameters.length === 1 ? `${parameters[0]} is null` : `${parameters.join(' and ')} are null`;
      throw validation(`ExpressionAttributeValues can only be specified when using expressions: ${none}`);
    }
    this.#names = new Map(read('ExpressionAttributeNames', '#', names));
    this.#values = new Map(
      read('ExpressionAttributeValues', ':', values).map(([key, value]) => [key, checked(key, value)]),
    );
    this.#unused = new Set([...this.#names.keys(), ...this.#values.keys()]);
  }

  /** @param key with its `#`. */
  name(key: string): string | undefined {
    this.#unused.delete(key);
    return this.#names.get(key);
  }

  /** @param key with its `:`. */
  value(key: string): Value | undefined {
    this.#unused.delete(key);
    return this.#values.get(key);
  }

  /** To be called when all expressions were read. @throws AwsError `ValidationException` */
  checkAllUsed(): void {
    for (const [what, sign] of [
      ['ExpressionAttributeNames', '#'],
      ['ExpressionAttributeValues', ':'],
    ] as const) {
      const unused = [...this.#unused].filter((key) => key.startsWith(sign));
      if (unused.length > 0) {
        throw validation(`Value provided in ${what} unused in expressions: keys: {${unused.join(', ')}}`);
      }
    }
  }
}

function read<Each>(
  what: string,
  sign: string,
  given: Readonly<Record<string, Each>> | undefined,
): [string, Each][] {
  if (!given) return [];
  const entries = Object.entries(given);
  if (entries.length === 0) throw validation(`${what} must not be empty`);
  for (const [key] of entries) {
    if (!key.startsWith(sign) || !KEY.test(key)) {
      throw validation(`${what} contains invalid key: Syntax error; key: "${key}"`);
    }
  }
  return entries;
}

function checked(key: string, value: AttributeValue): Value {
  try {
    return checkedValue(value);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw validation(`ExpressionAttributeValues contains invalid value: ${error.message} for key ${key}`);
  }
}

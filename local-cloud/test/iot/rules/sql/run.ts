import {
  compileSql,
  prepareMessage,
  type RuleMessage,
  type RuleOutput,
  type SqlCapabilities,
  type SqlVersion,
} from '../../../../src/services/iot/rules/sql/index.js';

export const capabilities: SqlCapabilities = { accountId: '123456789012' };

/** A message with a JSON payload, or with the bytes that are given. */
export function message(payload: unknown = {}, more: Partial<RuleMessage> = {}): RuleMessage {
  return prepareMessage({
    topic: 'things/myThings/thingOne',
    payload: payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload)),
    qos: 1,
    clientId: 'client-1',
    principal: 'ba67293af50bf2506f5f93469686da660c7c844e7b3950bfb16813e0d31e9373',
    timestamp: 1_481_825_251_155,
    properties: {},
    ...more,
  });
}

/** Runs a statement that waits for nothing. */
export function run(
  sql: string,
  of: RuleMessage = message(),
  version: SqlVersion = '2016-03-23',
): RuleOutput | undefined {
  const output = compileSql(sql, version).run(of, capabilities);
  if (output instanceof Promise) throw new TypeError(`${sql} waits`);
  return output;
}

/** What the action gets, as text. */
export function outgoing(
  sql: string,
  payload: unknown = {},
  version: SqlVersion = '2016-03-23',
): string | undefined {
  const output = run(sql, message(payload), version);
  return output && Buffer.from(output.payload).toString();
}

/** The value of an expression. */
export function evaluate(expression: string, of: RuleMessage = message()): unknown {
  return run(`SELECT VALUE ${expression} FROM 'a/b'`, of)?.value;
}

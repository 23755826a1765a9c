import type { z } from 'zod';
import type { Message } from '../../../../mqtt/index.js';
import { invalid } from '../../errors.js';
import type { RoleAccess } from '../role-access.js';
import {
  type RuleMessage,
  type RuleOutput,
  type SqlCapabilities,
  SqlError,
  type Statement,
} from '../sql/index.js';
import type { RuleTargets } from '../targets.js';

/** What an action is run for: a message that the rule selected, and what its SQL made of it. */
export interface ActionJob {
  readonly message: RuleMessage;
  readonly output: RuleOutput;
  readonly chain: Chain;
}

/** How a message came of others that rules republished. */
export interface Chain {
  readonly hops: number;
  /** Shared by all messages that came of the same one. */
  readonly republished: { count: number };
}

/** An action with its templates filled in. */
export interface ActionStep {
  /** What error documents call `failedResource`. */
  readonly resource: string;
  /** For the error message: `Bucket: b, Key: k`. */
  readonly details: string;
  /** May be called again when it failed. */
  perform(): Promise<unknown>;
}

/** An action of a rule, checked and compiled. */
export interface PreparedAction {
  /** What error documents call `failedAction`: `S3Action`. */
  readonly name: string;
  /** The action's member in the API: `s3`. */
  readonly member: string;
  /** `Failed to put S3 object`. */
  readonly failure: string;
  /** `Amazon S3`. */
  readonly service: string;
  /** What it works on, templates as they are written. */
  readonly target: string;
  /** @throws SqlError and what SQL functions throw when a template cannot be filled in. */
  plan(job: ActionJob): ActionStep | Promise<ActionStep>;
}

/** What actions may use. */
export interface ActionContext {
  readonly targets: RuleTargets;
  readonly roles: RoleAccess;
  readonly ruleName: string;
  readonly ruleArn: string;
  readonly accountId: string;
  readonly region: string;
  /** The rule's SQL, whose variables templates see. */
  readonly statement: Statement;
  readonly sql: SqlCapabilities;
  now(): number;
  /** Publishes what a rule republishes, reserved topics included. */
  republish(message: Message, chain: Chain): Promise<void>;
}

/** A template of an action's parameter, ready to be filled in for a message. */
export type Template = (message: RuleMessage) => string | Promise<string>;

/** @throws InvalidRequestException when it has an expression that is none. */
export function template(text: string, { statement, sql }: ActionContext): Template {
  try {
    const fill = statement.template(text);
    return (message) => fill(message, sql);
  } catch (error) {
    if (error instanceof SqlError) {
      throw invalid(`The substitution template "${text}" is invalid: ${error.message}`);
    }
    throw error;
  }
}

/**
 * Reads an action's parameters; those that `schema` does not name are refused, so that nothing is accepted and then
 * not done.
 *
 * @throws InvalidRequestException that names the parameter.
 */
export function parameters<Schema extends z.ZodType>(
  member: string,
  schema: Schema,
  given: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')} of the action ${member} is not built in the local cloud`
      : `${[member, ...issue.path].join('.')}: ${issue.message}`,
  );
  throw invalid(problems.join('; '));
}

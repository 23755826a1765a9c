import { randomUUID } from 'node:crypto';
import { SqlParseException, type TopicRulePayload } from '@aws-sdk/client-iot';
import { AWS_IOT_CORE_LIMITS, MqttError, parseFilter } from '../../../mqtt/index.js';
import { checkEnum, invalid } from '../errors.js';
import type { ActionContext, PreparedAction } from './actions/action.js';
import { prepareAction } from './actions/index.js';
import { compileSql, type SqlCapabilities, SqlError, type Statement } from './sql/index.js';

/** A rule as it is kept. */
export interface RuleRecord {
  readonly ruleName: string;
  /** As it was given, but for `ruleDisabled`. */
  readonly payload: Omit<TopicRulePayload, 'ruleDisabled'>;
  readonly disabled: boolean;
  /** The topic filter of its FROM clause; left out when it has none. */
  readonly topicPattern?: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** A rule that is ready to take messages. */
export interface Rule {
  readonly record: RuleRecord;
  readonly arn: string;
  readonly statement: Statement;
  readonly sql: SqlCapabilities;
  readonly actions: readonly PreparedAction[];
  readonly errorAction: PreparedAction | undefined;
}

/** What a rule without a version is evaluated by (AWS IoT developer guide, "SQL versions"). */
export const DEFAULT_SQL_VERSION = '2015-10-08';
const SQL_VERSIONS = ['2015-10-08', '2016-03-23', 'beta'] as const;
/** Most actions of a rule, and bytes of its payload (AWS IoT Core endpoints and quotas). */
const MOST_ACTIONS = 10;
const LARGEST_PAYLOAD = 256 * 1024;

/** Topics that no rule can select from: they run one rule each. */
const BASIC_INGEST = '$aws/rules/';

/**
 * Checks and compiles a rule.
 *
 * @throws SqlParseException, InvalidRequestException; AwsError `NotImplementedException` for an action that is not
 * built.
 */
export function compileRule(
  given: Omit<RuleRecord, 'topicPattern'>,
  ofRule: Omit<ActionContext, 'statement'>,
): Rule {
  const { sql, actions = [], errorAction, awsIotSqlVersion } = given.payload;
  if (Buffer.byteLength(JSON.stringify(given.payload)) > LARGEST_PAYLOAD) {
    throw invalid(`The rule is larger than ${LARGEST_PAYLOAD} bytes`);
  }
  if (actions.length > MOST_ACTIONS) {
    throw invalid(`A rule has at most ${MOST_ACTIONS} actions, not ${actions.length}`);
  }
  const statement = compileStatement(sql ?? '', awsIotSqlVersion);
  const { topicFilter } = statement;
  const context = { ...ofRule, statement };
  return {
    record: { ...given, ...(topicFilter !== undefined && { topicPattern: topicFilter }) },
    arn: context.ruleArn,
    statement,
    sql: context.sql,
    actions: actions.map((action) => prepareAction(action, context)),
    errorAction: errorAction && prepareAction(errorAction, context),
  };
}

function compileStatement(sql: string, version: string | undefined): Statement {
  checkEnum(version, 'topicRulePayload.awsIotSqlVersion', SQL_VERSIONS);
  try {
    const known = SQL_VERSIONS.find((one) => one === version);
    const statement = compileSql(sql, known ?? DEFAULT_SQL_VERSION);
    if (statement.topicFilter === undefined) return statement;
    parseFilter(statement.topicFilter, AWS_IOT_CORE_LIMITS);
    if (statement.topicFilter.startsWith(BASIC_INGEST)) {
      throw new SqlError(`No rule can select from ${statement.topicFilter}`);
    }
    return statement;
  } catch (error) {
    if (!(error instanceof SqlError || error instanceof MqttError)) throw error;
    throw new SqlParseException({ message: error.message, $metadata: {} });
  }
}

/** An identifier of one run of a rule; later ones sort behind earlier ones. */
export function runId(now: number): string {
  return `${String(now).padStart(15, '0')}-${randomUUID()}`;
}

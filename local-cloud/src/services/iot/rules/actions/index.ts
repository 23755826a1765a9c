import type { Action } from '@aws-sdk/client-iot';
import { AwsError } from '../../../../errors.js';
import { invalid } from '../../errors.js';
import type { ActionContext, PreparedAction } from './action.js';
import { cloudwatchLogsAction } from './cloudwatch-logs.js';
import { dynamoDBAction, dynamoDBv2Action } from './dynamodb.js';
import { lambdaAction } from './lambda.js';
import { republishAction } from './republish.js';
import { s3Action } from './s3.js';
import { snsAction } from './sns.js';
import { sqsAction } from './sqs.js';

/** Makes an action of its parameters; undefined when what it needs of another service is not there. */
type Prepare = (given: unknown, context: ActionContext) => PreparedAction | undefined;

const BUILT: Partial<Record<string, Prepare>> = {
  cloudwatchLogs: cloudwatchLogsAction,
  dynamoDB: dynamoDBAction,
  dynamoDBv2: dynamoDBv2Action,
  lambda: lambdaAction,
  republish: republishAction,
  s3: s3Action,
  sns: snsAction,
  sqs: sqsAction,
} satisfies Partial<Record<keyof Action, Prepare>>;

/**
 * Checks and compiles an action.
 *
 * @throws InvalidRequestException; AwsError `NotImplementedException` that names an action that is not built.
 */
export function prepareAction(action: Action, context: ActionContext): PreparedAction {
  const members = Object.entries(action).filter(([, value]) => value !== undefined && value !== null);
  const [member, given] = members[0] ?? [];
  if (member === undefined || members.length !== 1) {
    throw invalid(
      `Exactly one action has to be given in each action, not ${members.length === 0 ? 'none' : members.map(([name]) => name).join(', ')}`,
    );
  }
  const prepared = Object.hasOwn(BUILT, member) ? BUILT[member]?.(given, context) : undefined;
  if (prepared) return prepared;
  throw new AwsError(
    'NotImplementedException',
    `The action ${member} of topic rules is not built in the local cloud`,
    501,
  );
}

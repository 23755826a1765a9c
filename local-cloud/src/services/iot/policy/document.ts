import { z } from 'zod';
import { type Condition, isConditionOperator } from './conditions.js';
import { type PatternPart, parsePattern } from './pattern.js';

/** A statement of an AWS IoT policy (AWS IoT developer guide, "AWS IoT Core policies"). */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly (readonly PatternPart[])[];
  readonly resources: readonly (readonly PatternPart[])[];
  readonly conditions: readonly Condition[];
}

/** What is wrong with a policy document, in one sentence. */
export class PolicyDocumentError extends Error {
  override readonly name = 'PolicyDocumentError';
}

/** AWS IoT Core quota: size of a policy document without white space. */
const LONGEST = 2048;

const oneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
const scalar = z.union([z.string(), z.boolean(), z.number()]);

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore,
  Resource: oneOrMore,
  Condition: z.record(z.string(), z.record(z.string(), z.union([scalar, z.array(scalar)]))).optional(),
});

const documentSchema = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17']).optional(),
  Id: z.string().optional(),
  Statement: z.union([statementSchema, z.array(statementSchema).min(1)]),
});

/**
 * Reads an AWS IoT policy document.
 *
 * @throws PolicyDocumentError when it is no JSON, misses or has unknown elements, or is too long.
 */
export function parsePolicyDocument(text: string): Statement[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new PolicyDocumentError('it is not JSON');
  }
  const length = text.replace(/\s/g, '').length;
  if (length > LONGEST) {
    throw new PolicyDocumentError(`it has ${length} characters without white space, ${LONGEST} are allowed`);
  }
  const result = documentSchema.safeParse(data);
  if (!result.success) throw new PolicyDocumentError(z.prettifyError(result.error).replace(/\s*\n\s*/g, ' '));
  const { Statement: statements } = result.data;
  return (Array.isArray(statements) ? statements : [statements]).map(readStatement);
}

function readStatement(statement: z.infer<typeof statementSchema>): Statement {
  const actions = [statement.Action].flat();
  const wrong = actions.find((action) => action !== '*' && !/^[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+$/.test(action));
  if (wrong !== undefined) throw new PolicyDocumentError(`'${wrong}' is not an action`);
  const resources = [statement.Resource].flat();
  const notArn = resources.find((resource) => resource !== '*' && !resource.startsWith('arn:'));
  if (notArn !== undefined) throw new PolicyDocumentError(`the resource '${notArn}' is not an ARN`);
  return {
    effect: statement.Effect,
    actions: actions.map(parsePattern),
    resources: resources.map(parsePattern),
    conditions: Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => readCondition(operator, key, [values].flat().map(String))),
    ),
  };
}

function readCondition(name: string, key: string, values: string[]): Condition {
  const match = /^(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?$/.exec(name);
  const operator = match?.[2] ?? '';
  if (!isConditionOperator(operator)) throw new PolicyDocumentError(`'${name}' is not a condition operator`);
  const quantifier = match?.[1] === 'ForAnyValue' ? 'any' : match?.[1] === 'ForAllValues' ? 'all' : 'one';
  return { operator, quantifier, ifExists: match?.[3] !== undefined, key, values };
}

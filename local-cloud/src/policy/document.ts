/** A policy document (IAM user guide, "Grammar of the IAM JSON policy language"), read and checked. */
export interface PolicyDocument {
  readonly version: string;
  readonly id: string | undefined;
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** Undefined in identity policies. */
  readonly principals: PrincipalElement | undefined;
  readonly actions: NegatablePatterns;
  /** Undefined in trust policies. */
  readonly resources: NegatablePatterns | undefined;
  readonly conditions: readonly ConditionElement[];
}

export interface NegatablePatterns {
  /** `NotAction`, `NotResource`. */
  readonly negated: boolean;
  readonly patterns: readonly string[];
}

export interface PrincipalElement {
  /** `NotPrincipal`. */
  readonly negated: boolean;
  /** Entries by their type: `AWS`, `Service`, `Federated`, `CanonicalUser`. `"*"` alone is `AWS: ["*"]`. */
  readonly entries: readonly { readonly type: PrincipalType; readonly value: string }[];
}

const PRINCIPAL_TYPES = ['AWS', 'Service', 'Federated', 'CanonicalUser'] as const;
export type PrincipalType = (typeof PRINCIPAL_TYPES)[number];

export interface ConditionElement {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

/** What a policy is attached to, which decides the elements it must and must not have. */
export type PolicyKind = 'identity' | 'resource' | 'trust';

/** Says what is wrong with a policy document; services wrap it in an error code of their own. */
export class PolicyDocumentError extends Error {
  override readonly name = 'PolicyDocumentError';
}

type JsonObject = Record<string, unknown>;

/**
 * Reads a policy document from its JSON text.
 *
 * @throws PolicyDocumentError in AWS's words, when it is no policy of that kind.
 */
export function parsePolicyDocument(text: string, kind: PolicyKind): PolicyDocument {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new PolicyDocumentError('This policy contains invalid Json');
  }
  const document = object(data, 'Syntax errors in policy.');
  onlyFields(document, ['Version', 'Id', 'Statement']);
  const version = document.Version ?? '2008-10-17';
  if (version !== '2012-10-17' && version !== '2008-10-17') {
    throw new PolicyDocumentError('The policy must contain a valid version string');
  }
  if (document.Statement === undefined) throw new PolicyDocumentError('Missing required field Statement');
  const statements = (Array.isArray(document.Statement) ? document.Statement : [document.Statement]).map(
    (statement: unknown) => readStatement(object(statement, 'Syntax errors in policy.'), kind),
  );
  if (statements.length === 0) throw new PolicyDocumentError('Missing required field Statement');
  const sids = statements.flatMap(({ sid }) => (sid === undefined || sid === '' ? [] : [sid]));
  if (new Set(sids).size < sids.length) {
    throw new PolicyDocumentError('Statement IDs (SID) in a single policy must be unique.');
  }
  return { version, id: optionalText(document.Id, 'Id'), statements };
}

function readStatement(statement: JsonObject, kind: PolicyKind): Statement {
  onlyFields(statement, [
    'Sid',
    'Effect',
    'Principal',
    'NotPrincipal',
    'Action',
    'NotAction',
    'Resource',
    'NotResource',
    'Condition',
  ]);
  const { Effect: effect } = statement;
  if (effect === undefined) throw new PolicyDocumentError('Missing required field Effect');
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw new PolicyDocumentError(`Invalid effect: ${String(effect)}`);
  }
  return {
    sid: optionalText(statement.Sid, 'Sid'),
    effect,
    principals: readPrincipals(statement, kind),
    actions: readActions(statement),
    resources: readResources(statement, kind),
    conditions: readConditions(statement.Condition),
  };
}

function readActions(statement: JsonObject): NegatablePatterns {
  const actions = patternsOf(statement, 'Action');
  if (!actions) throw new PolicyDocumentError('Policy statement must contain actions.');
  for (const action of actions.patterns) {
    if (action !== '*' && !/^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(action)) {
      throw new PolicyDocumentError(
        'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
      );
    }
  }
  return actions;
}

function readResources(statement: JsonObject, kind: PolicyKind): NegatablePatterns | undefined {
  const resources = patternsOf(statement, 'Resource');
  if (kind === 'trust') {
    if (resources) throw new PolicyDocumentError('Has prohibited field Resource');
    return undefined;
  }
  if (!resources) throw new PolicyDocumentError('Policy statement must contain resources.');
  for (const resource of resources.patterns) {
    if (resource !== '*' && !resource.startsWith('arn:')) {
      throw new PolicyDocumentError(`Resource ${resource} must be in ARN format or "*".`);
    }
  }
  return resources;
}

function readPrincipals(statement: JsonObject, kind: PolicyKind): PrincipalElement | undefined {
  const negated = statement.NotPrincipal !== undefined;
  const element = statement.Principal ?? statement.NotPrincipal;
  if (kind === 'identity') {
    if (element !== undefined)
      throw new PolicyDocumentError('Policy document should not specify a principal.');
    return undefined;
  }
  if (element === undefined) throw new PolicyDocumentError('Missing required field Principal');
  if (negated && statement.Principal !== undefined) throw new PolicyDocumentError('Syntax errors in policy.');
  if (element === '*') return { negated, entries: [{ type: 'AWS', value: '*' }] };
  const entries = Object.entries(object(element, 'Invalid principal in policy')).flatMap(([type, values]) => {
    const known = PRINCIPAL_TYPES.find((candidate) => candidate === type);
    if (!known) throw new PolicyDocumentError('Invalid principal in policy');
    return texts(values, 'Invalid principal in policy').map((value) => ({ type: known, value }));
  });
  return { negated, entries };
}

function readConditions(data: unknown): ConditionElement[] {
  if (data === undefined) return [];
  return Object.entries(object(data, 'Syntax errors in policy.')).flatMap(([operator, keys]) => {
    if (!OPERATOR.test(operator)) throw new PolicyDocumentError(`Invalid Condition type : ${operator}.`);
    return Object.entries(object(keys, 'Syntax errors in policy.')).map(([key, values]) => ({
      operator,
      key,
      values: texts(values, 'Syntax errors in policy.'),
    }));
  });
}

const OPERATOR =
  /^(ForAllValues:|ForAnyValue:)?(String(Not)?(Equals|EqualsIgnoreCase|Like)|(Numeric|Date)((Not)?Equals|LessThan(Equals)?|GreaterThan(Equals)?)|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?$/;

function patternsOf(statement: JsonObject, name: 'Action' | 'Resource'): NegatablePatterns | undefined {
  const plain = statement[name];
  const negated = statement[`Not${name}`];
  if (plain !== undefined && negated !== undefined) throw new PolicyDocumentError('Syntax errors in policy.');
  const patterns = texts(plain ?? negated ?? [], 'Syntax errors in policy.');
  return patterns.length === 0 ? undefined : { negated: negated !== undefined, patterns };
}

function object(data: unknown, problem: string): JsonObject {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new PolicyDocumentError(problem);
  return data as JsonObject;
}

/** One text or a list of texts; numbers and booleans are taken for the text they are written as. */
function texts(data: unknown, problem: string): string[] {
  return (Array.isArray(data) ? data : [data]).map((item: unknown) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'number' || typeof item === 'boolean') return String(item);
    throw new PolicyDocumentError(problem);
  });
}

function optionalText(data: unknown, field: string): string | undefined {
  if (data === undefined || typeof data === 'string') return data;
  throw new PolicyDocumentError(`Invalid value for field ${field}`);
}

function onlyFields(data: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(data).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new PolicyDocumentError(`Unknown field ${unknown}`);
}

import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-lambda';
import type { Base } from '../../plugin.js';
import { matchesArn } from '../../policy/index.js';
import type { Operations } from '../../service.js';
import { assertPattern, refuse } from './errors.js';
import type { Functions } from './functions.js';

/** A statement of a function's resource policy, as IAM writes it. */
export interface PermissionStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Principal: '*' | { readonly Service: string } | { readonly AWS: string };
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface StoredPolicy {
  revisionId: string;
  statements: PermissionStatement[];
}

/** The resource policies of functions: who else may invoke them. */
export interface ResourcePolicies {
  readonly operations: Pick<Operations<typeof sdk>, 'AddPermission' | 'RemovePermission' | 'GetPolicy'>;
  statements(functionName: string): readonly PermissionStatement[];
  /** Whether a service may invoke the function for one of its resources in `account`. */
  allows(functionName: string, service: string, sourceArn: string, account: string): boolean;
  forget(functionName: string): void;
}

export function resourcePolicies({ store }: Base, functions: Functions): ResourcePolicies {
  const table = store.table<StoredPolicy>('lambda.policies');
  const statements = (name: string) => table.get(name)?.statements ?? [];

  function assertRevision(name: string, revisionId: string | undefined): void {
    if (revisionId !== undefined && revisionId !== table.get(name)?.revisionId) throw refuse.outdated();
  }

  return {
    statements,
    forget: (name) => {
      table.delete(name);
    },
    allows: (name, service, sourceArn, account) =>
      statements(name).some(
        (statement) =>
          actionMatches(statement.Action) &&
          (statement.Principal === '*' ||
            ('Service' in statement.Principal && statement.Principal.Service === service)) &&
          conditionHolds(statement.Condition, sourceArn, account),
      ),
    operations: {
      AddPermission(input) {
        const { name, arn } = functions.get(input.FunctionName, input.Qualifier);
        assertRevision(name, input.RevisionId);
        const statement = statementOf(input, arn);
        if (statements(name).some(({ Sid }) => Sid === statement.Sid)) {
          throw refuse.exists(
            `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
          );
        }
        table.put(name, { revisionId: randomUUID(), statements: [...statements(name), statement] });
        return { Statement: JSON.stringify(statement) };
      },
      RemovePermission(input) {
        const { name } = functions.get(input.FunctionName, input.Qualifier);
        assertRevision(name, input.RevisionId);
        const left = statements(name).filter(({ Sid }) => Sid !== input.StatementId);
        if (left.length === statements(name).length) {
          throw refuse.notFound(`Statement ${input.StatementId} is not found in resource policy.`);
        }
        if (left.length > 0) table.put(name, { revisionId: randomUUID(), statements: left });
        else table.delete(name);
        return {};
      },
      GetPolicy(input) {
        const { name } = functions.get(input.FunctionName, input.Qualifier);
        const policy = table.get(name);
        if (!policy) throw refuse.notFound('The resource you requested does not exist.');
        const document = { Version: '2012-10-17', Id: 'default', Statement: policy.statements };
        return { Policy: JSON.stringify(document), RevisionId: policy.revisionId };
      },
    },
  };
}

function statementOf(input: sdk.AddPermissionRequest, resource: string): PermissionStatement {
  const { StatementId = '', Action = '', Principal = '' } = input;
  assertPattern('statementId', StatementId, /^[a-zA-Z0-9-_]{1,100}$/);
  assertPattern('action', Action, /^(lambda:[*]|lambda:[a-zA-Z]+|[*])$/);
  if (input.SourceAccount !== undefined) assertPattern('sourceAccount', input.SourceAccount, /^\d{12}$/);
  if (input.SourceArn !== undefined) {
    assertPattern(
      'sourceArn',
      input.SourceArn,
      /^arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-[a-z]+)+-\d)?:(\d{12})?:(.*)$/,
    );
  }
  const unbuilt = (
    ['FunctionUrlAuthType', 'InvokedViaFunctionUrl', 'EventSourceToken', 'PrincipalOrgID'] as const
  )
    .filter((name) => input[name] !== undefined)
    .join(', ');
  if (unbuilt !== '')
    throw refuse.invalidParameter(`Not built in the local cloud: ${unbuilt} of a permission`);
  const condition = {
    ...(input.SourceAccount && { StringEquals: { 'AWS:SourceAccount': input.SourceAccount } }),
    ...(input.SourceArn && { ArnLike: { 'AWS:SourceArn': input.SourceArn } }),
  };
  return {
    Sid: StatementId,
    Effect: 'Allow',
    Principal: principalOf(Principal),
    Action,
    Resource: resource,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  };
}

function principalOf(principal: string): PermissionStatement['Principal'] {
  if (principal === '*') return '*';
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com$/.test(principal)) return { Service: principal };
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:aws:iam::${principal}:root` };
  if (/^arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+$/.test(principal)) return { AWS: principal };
  throw refuse.invalidParameter(
    'The provided principal was invalid. Please check the principal and try again.',
  );
}

function actionMatches(action: string): boolean {
  return action === '*' || action === 'lambda:*' || action.toLowerCase() === 'lambda:invokefunction';
}

function conditionHolds(
  condition: PermissionStatement['Condition'],
  sourceArn: string,
  account: string,
): boolean {
  const wantedAccount = condition?.StringEquals?.['AWS:SourceAccount'];
  const wantedArn = condition?.ArnLike?.['AWS:SourceArn'];
  return (
    (wantedAccount === undefined || wantedAccount === account) &&
    (wantedArn === undefined || matchesArn(wantedArn, sourceArn))
  );
}

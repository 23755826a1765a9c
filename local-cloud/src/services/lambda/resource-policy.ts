import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-lambda';
import type { Base } from '../../plugin.js';
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
  /** The whole policy as JSON text; undefined when the function has none. */
  textOf(functionName: string): string | undefined;
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
    textOf(name) {
      const policy = table.get(name);
      return policy && JSON.stringify(documentOf(policy));
    },
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
        return { Policy: JSON.stringify(documentOf(policy)), RevisionId: policy.revisionId };
      },
    },
  };
}

function documentOf({ statements }: StoredPolicy) {
  return { Version: '2012-10-17', Id: 'default', Statement: statements };
}

function statementOf(input: sdk.AddPermissionRequest, resource: string): PermissionStatement {
  const { StatementId = '', Action = '', Principal = '', FunctionUrlAuthType, InvokedViaFunctionUrl } = input;
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
  if (FunctionUrlAuthType !== undefined && Action !== 'lambda:InvokeFunctionUrl') {
    throw refuse.invalidParameter(
      'FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action',
    );
  }
  if (InvokedViaFunctionUrl !== undefined && Action !== 'lambda:InvokeFunction') {
    throw refuse.invalidParameter('InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action');
  }
  const unbuilt = (['EventSourceToken', 'PrincipalOrgID'] as const)
    .filter((name) => input[name] !== undefined)
    .join(', ');
  if (unbuilt !== '')
    throw refuse.invalidParameter(`Not built in the local cloud: ${unbuilt} of a permission`);
  const equals = {
    ...(input.SourceAccount && { 'AWS:SourceAccount': input.SourceAccount }),
    ...(FunctionUrlAuthType && { 'lambda:FunctionUrlAuthType': FunctionUrlAuthType }),
  };
  const condition = {
    ...(Object.keys(equals).length > 0 && { StringEquals: equals }),
    ...(InvokedViaFunctionUrl !== undefined && {
      Bool: { 'lambda:InvokedViaFunctionUrl': String(InvokedViaFunctionUrl) },
    }),
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

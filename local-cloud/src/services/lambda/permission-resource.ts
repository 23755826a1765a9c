import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import type { Call } from '../../service.js';
import type { Functions } from './functions.js';
import type { PermissionStatement, ResourcePolicies } from './resource-policy.js';

const TYPE_NAME = 'AWS::Lambda::Permission';

const properties = z.object({
  FunctionName: z.string(),
  Action: z.string(),
  Principal: z.string(),
  SourceArn: z.string().optional(),
  SourceAccount: z.string().optional(),
  EventSourceToken: z.string().optional(),
  PrincipalOrgID: z.string().optional(),
  FunctionUrlAuthType: z.enum(['AWS_IAM', 'NONE']).optional(),
  InvokedViaFunctionUrl: z.boolean().optional(),
});

/** `AWS::Lambda::Permission`: a statement of a function's resource policy. */
export function permissionResourceType(functions: Functions, policies: ResourcePolicies): ResourceType {
  const call = {} as Call;

  function find(identifier: string): { functionName: string; statement: PermissionStatement } | undefined {
    const [functionName, id] = partsOf(identifier);
    const lambda = functions.find(functions.nameOf(functionName));
    const statement = lambda && policies.statements(lambda.name).find(({ Sid }) => Sid === id);
    return statement && { functionName, statement };
  }

  return {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    async create(desired) {
      const wanted = properties.parse(desired);
      const StatementId = randomUUID();
      await policies.operations.AddPermission?.({ ...wanted, StatementId }, call);
      return `${wanted.FunctionName}|${StatementId}`;
    },
    read(identifier) {
      const found = find(identifier);
      return found && propertiesOf(found.functionName, found.statement);
    },
    update() {
      // All properties are create-only: the schema has no handler for updates.
    },
    async delete(identifier) {
      const [FunctionName, StatementId] = partsOf(identifier);
      await policies.operations.RemovePermission?.({ FunctionName, StatementId }, call);
    },
    list: () =>
      [...functions.all()].flatMap(({ name }) =>
        policies.statements(name).map(({ Sid }) => `${name}|${Sid}`),
      ),
  };
}

function partsOf(identifier: string): [functionName: string, id: string] {
  const end = identifier.lastIndexOf('|');
  return end < 0 ? [identifier, ''] : [identifier.slice(0, end), identifier.slice(end + 1)];
}

function propertiesOf(functionName: string, statement: PermissionStatement): ResourceProperties {
  const { Principal: principal, Condition: condition } = statement;
  const account = condition?.StringEquals?.['AWS:SourceAccount'];
  const arn = condition?.ArnLike?.['AWS:SourceArn'];
  const authType = condition?.StringEquals?.['lambda:FunctionUrlAuthType'];
  const viaUrl = condition?.Bool?.['lambda:InvokedViaFunctionUrl'];
  return {
    FunctionName: functionName,
    Id: statement.Sid,
    Action: statement.Action,
    Principal: principal === '*' ? '*' : 'Service' in principal ? principal.Service : principal.AWS,
    ...(account !== undefined && { SourceAccount: account }),
    ...(arn !== undefined && { SourceArn: arn }),
    ...(authType !== undefined && { FunctionUrlAuthType: authType }),
    ...(viaUrl !== undefined && { InvokedViaFunctionUrl: viaUrl === 'true' }),
  };
}

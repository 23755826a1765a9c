import * as sdk from '@aws-sdk/client-cloudcontrol';
import { roleAuthorization } from '../../authorization.js';
import { AwsError } from '../../errors.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson } from '../../protocol/protocols.js';
import type { ResourceType } from '../../resource-type.js';
import { defineService, type Operations } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { desiredState, parseModel, patchedState } from './desired-state.js';
import { executor, notFoundMessage } from './executor.js';
import { handlerException } from './handler-errors.js';
import { listPage } from './listing.js';
import { identifierOf, withoutPaths } from './property-paths.js';
import { progressEvent, requestLedger } from './request-ledger.js';

/**
 * Cloud Control API: creates, reads, updates, deletes and lists the resources of every service by the schemas
 * of their types. Changes are asynchronous: a call answers with a request token, and the request's status
 * tells how it went. Requests that are under way when the process ends are taken up by the next one.
 *
 * Sessions of roles need permission for the action (`cloudformation:CreateResource` …) only: what the handlers do
 * in the services is not asked of the role again.
 */
export function cloudControl(
  base: Base,
  resourceTypes: readonly ResourceType[],
  { roles }: { roles: RoleAuthority },
): Plugin {
  const types = new Map(resourceTypes.map((type) => [type.typeName, type]));
  const ledger = requestLedger(base);
  const work = executor(types, ledger);

  function typeOf({ TypeName, TypeVersionId }: { TypeName?: string; TypeVersionId?: string }): ResourceType {
    const type = types.get(TypeName ?? '');
    if (!type || TypeVersionId !== undefined) {
      const version = TypeVersionId === undefined ? '' : ` in the version ${TypeVersionId}`;
      throw new sdk.TypeNotFoundException({
        message: `The type '${TypeName}' cannot be found${version}.`,
        $metadata: {},
      });
    }
    return type;
  }

  /** @throws UnsupportedActionException when the schema lists no handler for the action. */
  function assertHandles(type: ResourceType, action: 'create' | 'read' | 'update' | 'delete' | 'list'): void {
    const { handlers } = type.schema;
    if (handlers === undefined || Object.hasOwn(Object(handlers), action)) return;
    throw new sdk.UnsupportedActionException({
      message: `Resource type ${type.typeName} does not support ${action.toUpperCase()} action`,
      $metadata: {},
    });
  }

  function assertIdle(type: ResourceType, identifier: string | undefined): void {
    if (identifier === undefined || !work.isBusy(type.typeName, identifier)) return;
    throw new sdk.ConcurrentOperationException({
      message: `Another resource operation is currently being performed on the resource of type '${type.typeName}' with identifier '${identifier}'.`,
      $metadata: {},
    });
  }

  async function readProperties(type: ResourceType, identifier: string) {
    const properties = await Promise.resolve()
      .then(() => type.read(identifier))
      .catch((error: unknown) => {
        throw handlerException(error);
      });
    if (properties) return properties;
    throw new sdk.ResourceNotFoundException({
      message: notFoundMessage(type.typeName, identifier),
      $metadata: {},
    });
  }

  function accept(
    request: Parameters<typeof ledger.accept>[0],
    input: { ClientToken?: string },
  ): { ProgressEvent: sdk.ProgressEvent } {
    const accepted = ledger.accept(request, input.ClientToken, input);
    work.start(accepted);
    return { ProgressEvent: progressEvent(accepted) };
  }

  const operations: Operations<typeof sdk> = {
    CreateResource(input) {
      const type = typeOf(input);
      const before = ledger.repeated(input.ClientToken, input);
      if (before) return { ProgressEvent: progressEvent(before) };
      assertHandles(type, 'create');
      const desired = desiredState(type.schema, input.DesiredState ?? '');
      const identifier = identifierOf(type.schema, desired);
      assertIdle(type, identifier);
      return accept({ typeName: type.typeName, operation: 'CREATE', identifier, desired }, input);
    },
    async UpdateResource(input) {
      const { Identifier: identifier = '' } = input;
      const type = typeOf(input);
      const before = ledger.repeated(input.ClientToken, input);
      if (before) return { ProgressEvent: progressEvent(before) };
      assertHandles(type, 'update');
      assertIdle(type, identifier);
      const current = await readProperties(type, identifier);
      const desired = patchedState(type.schema, current, input.PatchDocument ?? '');
      assertIdle(type, identifier);
      return accept({ typeName: type.typeName, operation: 'UPDATE', identifier, desired }, input);
    },
    DeleteResource(input) {
      const { Identifier: identifier = '' } = input;
      const type = typeOf(input);
      const before = ledger.repeated(input.ClientToken, input);
      if (before) return { ProgressEvent: progressEvent(before) };
      assertHandles(type, 'delete');
      assertIdle(type, identifier);
      return accept({ typeName: type.typeName, operation: 'DELETE', identifier }, input);
    },
    async GetResource(input) {
      const { Identifier: identifier = '' } = input;
      const type = typeOf(input);
      assertHandles(type, 'read');
      const properties = withoutPaths(
        await readProperties(type, identifier),
        type.schema.writeOnlyProperties,
      );
      return {
        TypeName: type.typeName,
        ResourceDescription: { Identifier: identifier, Properties: JSON.stringify(properties) },
      };
    },
    async ListResources(input) {
      const type = typeOf(input);
      assertHandles(type, 'list');
      const model = input.ResourceModel === undefined ? {} : parseModel(input.ResourceModel, 'ResourceModel');
      return { TypeName: type.typeName, ...(await listPage(type, model, input)) };
    },
    GetResourceRequestStatus: ({ RequestToken = '' }) => ({
      ProgressEvent: progressEvent(ledger.get(RequestToken)),
    }),
    ListResourceRequests({ MaxResults = 20, NextToken, ResourceRequestStatusFilter: filter }) {
      const summaries: sdk.ProgressEvent[] = [];
      let last: string | undefined;
      for (const request of ledger.latestFirst(NextToken)) {
        if (filter?.Operations && !filter.Operations.includes(request.operation)) continue;
        if (filter?.OperationStatuses && !filter.OperationStatuses.includes(request.status)) continue;
        if (summaries.length === Math.min(Math.max(MaxResults, 1), 100)) {
          return { ResourceRequestStatusSummaries: summaries, NextToken: last };
        }
        summaries.push(progressEvent(request));
        last = request.token;
      }
      return { ResourceRequestStatusSummaries: summaries };
    },
    CancelResourceRequest({ RequestToken = '' }) {
      const request = ledger.get(RequestToken);
      if (request.status !== 'IN_PROGRESS') {
        throw new AwsError(
          'ValidationException',
          `Request with token ${RequestToken} is in status ${request.status}; only requests that are PENDING or IN_PROGRESS can be cancelled`,
        );
      }
      if (request.begun) {
        throw new sdk.ConcurrentModificationException({
          message: 'The resource is currently being modified by another operation.',
          $metadata: {},
        });
      }
      const cancelled = { ...request, status: 'CANCEL_COMPLETE' as const, desired: undefined };
      ledger.save(cancelled);
      return { ProgressEvent: progressEvent(cancelled) };
    },
  };

  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'cloudcontrol',
    scopes: ['cloudcontrolapi'],
    model,
    protocol: awsJson(model, '1.0'),
    authorize: roleAuthorization({ prefix: 'cloudformation', roles, clock: base.clock }),
    operations,
  });
  work.resume();
  return { services: [service], close: () => work.close() };
}

import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-lambda';
import { type Permission, roleAuthorization } from '../../authorization.js';
import type { HttpRequest, HttpResponse } from '../../http/messages.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { restJson1 } from '../../protocol/protocols.js';
import { resourceAccess } from '../../resource-access.js';
import { defineService, type Operations } from '../../service.js';
import type { LogWriter } from '../cloudwatch-logs/writer.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { ObjectReader } from '../s3/object-reader.js';
import type { TopicPublisher } from '../sns/publisher.js';
import type { QueueReader } from '../sqs/reader.js';
import type { QueueSender } from '../sqs/sender.js';
import type { CredentialsIssuer } from '../sts/issuer.js';
import { asyncRecords } from './async-records.js';
import { codePackages } from './code-package.js';
import { concurrency } from './concurrency.js';
import { destinations } from './destinations.js';
import { eventInvokeConfigs } from './event-invoke-config.js';
import { eventInvokeConfigType } from './event-invoke-config-resource.js';
import { eventSourceMappingType } from './event-source-mapping-resource.js';
import { eventSourceMappings } from './event-source-mappings.js';
import { functionOperations } from './function-operations.js';
import { functionResourceType } from './function-resource.js';
import { lambdaFunctions } from './functions.js';
import { invocation } from './invocation.js';
import type { FunctionInvoker } from './invoker.js';
import { permissionResourceType } from './permission-resource.js';
import { resourcePolicies } from './resource-policy.js';
import { functionEnvironment } from './runtime/environment.js';
import { functionExecutor, logStreamName } from './runtime/executor.js';
import { sandboxPool } from './runtime/pool.js';
import { sourcePoller } from './source-poller.js';
import { tagOperations } from './tags.js';
import { type FunctionUrlRequester, functionUrlEndpoint, functionUrlPath } from './urls/endpoint.js';
import { functionUrlConfigs } from './urls/function-url-configs.js';
import { urlType } from './urls/url-resource.js';

/** What Lambda needs besides its base. */
export interface LambdaCapabilities {
  /** Address of the local cloud, for the functions; known when it listens. */
  readonly endpointUrl: Promise<string>;
  readonly issuer: CredentialsIssuer;
  readonly roles: RoleDirectory & RoleAuthority;
  readonly logs: LogWriter;
  readonly readObject: ObjectReader;
  readonly queues: QueueSender;
  readonly messages: QueueReader;
  readonly topics: TopicPublisher;
}

const CODE_PATH = '/_local/lambda/code/';

/**
 * AWS Lambda: functions of the Node.js runtimes, each run by the Node.js that runs the local cloud, in processes
 * of their own.
 */
export function lambda(
  base: Base,
  needs: LambdaCapabilities,
): Plugin & { readonly invoker: FunctionInvoker; readonly requestUrl: FunctionUrlRequester } {
  const functions = lambdaFunctions(base);
  const policies = resourcePolicies(base, functions);
  const access = resourceAccess(base, needs.roles);
  const urls = functionUrlConfigs(
    base,
    functions,
    async (id) => `${await needs.endpointUrl}${functionUrlPath(id)}`,
  );
  const packages = codePackages(join(base.stateDirectory, 'lambda'));
  const pool = sandboxPool(
    base.clock,
    async (of, logStream) => ({
      taskRoot: packages.directoryOf(of.codeHash),
      memorySize: of.memorySize,
      environment: functionEnvironment(base, needs, of, logStream, {
        taskRoot: packages.directoryOf(of.codeHash),
        endpointUrl: await needs.endpointUrl,
      }),
    }),
    () => logStreamName(base.clock.now()),
  );
  const executor = functionExecutor(base, pool, needs.logs);
  const outlets = destinations(base, needs, (arn, event) => invocations.accept(arn, event));
  const eventConfigs = eventInvokeConfigs(base, functions, outlets);
  const reservations = concurrency(base, functions);
  const invocations = invocation(base, {
    functions,
    policies,
    access,
    executor,
    reservations,
    configOf: eventConfigs.of,
    tell: asyncRecords(base, eventConfigs, outlets),
  });
  const poller = sourcePoller(base, needs.messages, invocations.invokeNow);
  const mappings = eventSourceMappings(base, {
    ...{ functions, poller, queues: needs.messages },
    assertMayReceive: outlets.assertMayReceive,
  });
  packages.keepOnly(new Set([...functions.all()].map(({ codeHash }) => codeHash)));

  const operations: Operations<typeof sdk> = {
    ...functionOperations({
      accountId: base.accountId,
      functions,
      packages,
      roles: needs.roles,
      readObject: needs.readObject,
      destinations: outlets,
      reserved: reservations.reserved,
      codeLocation: async (hash) => `${await needs.endpointUrl}${CODE_PATH}${hash}.zip`,
      changed({ name }, how) {
        pool.retire(name);
        if (how !== 'deleted') return;
        policies.forget(name);
        eventConfigs.forget(name);
        urls.forget(name);
        reservations.reserve(name, undefined);
      },
    }),
    ...policies.operations,
    ...tagOperations(functions),
    ...invocations.operations,
    ...eventConfigs.operations,
    ...reservations.operations,
    ...mappings.operations,
    ...urls.operations,
  };
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'lambda',
    scopes: ['lambda'],
    model,
    protocol: restJson1(model),
    authorize: roleAuthorization({
      prefix: 'lambda',
      roles: needs.roles,
      clock: base.clock,
      permission: (operation, { FunctionName: named, Resource: tagged = named, ...input }) =>
        permissionOf(
          operation,
          typeof tagged === 'string' ? functions.arnOf(functions.nameOf(tagged)) : '*',
          input,
        ),
    }),
    operations,
  });
  const urlEndpoint = functionUrlEndpoint(base, {
    ...{ configs: urls, functions, policies, access },
    credentials: needs.issuer.lookup,
    roles: needs.roles,
    invoke: invocations.invokeNow,
  });
  void needs.endpointUrl.then(
    () => {
      invocations.resume();
      mappings.resume();
    },
    () => {},
  );
  return {
    services: [service],
    paths: [{ prefix: CODE_PATH, handle: async (request) => download(request, packages.zipOf) }, urlEndpoint],
    resourceTypes: [
      functionResourceType(functions, reservations, operations),
      permissionResourceType(functions, policies),
      eventInvokeConfigType(functions, eventConfigs),
      eventSourceMappingType(mappings),
      urlType(functions, urls),
    ],
    invoker: invocations.invoker,
    requestUrl: urlEndpoint.request,
    async close() {
      const polling = poller.close();
      await pool.close();
      await polling;
      await executor.close();
      await invocations.close();
    },
  };
}

/** The permission that an operation needs: Invoke is `lambda:InvokeFunction`; what means a function is for its ARN. */
function permissionOf(
  operation: string,
  resource: string,
  { AuthType: authType }: Readonly<Record<string, unknown>>,
): Permission[] {
  const action = `lambda:${operation === 'Invoke' ? 'InvokeFunction' : operation}`;
  // By this key an account may forbid URLs that ask nobody who they are.
  const context = new Map(typeof authType === 'string' ? [['lambda:functionurlauthtype', authType]] : []);
  return [{ action, resource, context }];
}

/** A deployment package, where GetFunction says that it is. */
function download({ path }: HttpRequest, zipOf: (hash: string) => Uint8Array | undefined): HttpResponse {
  const hash = /^([0-9a-f]{64})\.zip$/.exec(path.slice(CODE_PATH.length))?.[1];
  const zip = hash === undefined ? undefined : zipOf(hash);
  if (!zip) return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'No such package\n' };
  return { status: 200, headers: { 'content-type': 'application/zip' }, body: zip };
}

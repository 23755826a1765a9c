import * as sdk from '@aws-sdk/client-sqs';
import type { HttpRequest } from '../../http/messages.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson, awsQuery, type ServerProtocol } from '../../protocol/protocols.js';
import { assertAllowed, type ResourceAccessRoles, resourceAccess } from '../../resource-access.js';
import { type Authorize, type Call, defineService, type Operations, type Service } from '../../service.js';
import { refuse } from './errors.js';
import { messageOperations } from './message-operations.js';
import { sqsMessages } from './messages.js';
import { queueOperations } from './queue-operations.js';
import { queueReader } from './queue-reader.js';
import { sqsQueues } from './queues.js';
import type { QueueReader } from './reader.js';
import { receiver } from './receiver.js';
import { sqsResourceTypes } from './resource-types.js';
import type { QueueSender } from './sender.js';

/** Operations that are permitted by the permission of another one (service authorization reference, Amazon SQS). */
const PERMISSIONS: Readonly<Record<string, string>> = {
  SendMessageBatch: 'SendMessage',
  DeleteMessageBatch: 'DeleteMessage',
  ChangeMessageVisibilityBatch: 'ChangeMessageVisibility',
};

/** What SQS needs besides its base. */
export interface SqsCapabilities {
  readonly roles: ResourceAccessRoles;
  /** Address of the local cloud; known when it listens. */
  readonly endpointUrl: Promise<string>;
}

/**
 * Amazon Simple Queue Service: standard queues. Speaks AWS JSON 1.0 and, as clients from before November 2023 do,
 * AWS query.
 */
export function sqs(
  base: Base,
  { roles, endpointUrl }: SqsCapabilities,
): Plugin & { sender: QueueSender; reader: QueueReader } {
  const { accountId, clock } = base;
  const queues = sqsQueues(base);
  const messages = sqsMessages(base, queues);
  const receiving = receiver(messages, clock);
  const access = resourceAccess(base, roles);
  const { operations: onQueues, ...administration } = queueOperations({
    queues,
    messages,
    clock,
    urlOf: (name, { request }) =>
      `${request.headers['x-forwarded-proto'] ?? 'http'}://${request.headers.host ?? 'localhost'}/${accountId}/${name}`,
  });
  const { operations: onMessages, send } = messageOperations(queues, messages, receiving);
  const operations: Operations<typeof sdk> = { ...onQueues, ...onMessages };

  const authorize: Authorize = (operation, input, call) => {
    const { QueueUrl: url, QueueName: name } = input;
    const queue = typeof url === 'string' ? queues.byUrl(url) : undefined;
    const named = typeof name === 'string' ? name : undefined;
    const reason = access.refusal(call, {
      action: `sqs:${PERMISSIONS[operation] ?? operation}`,
      resource: queue?.arn ?? (named === undefined ? '*' : queues.arnOf(named)),
      policy: (queue ?? (named === undefined ? undefined : queues.find(named)))?.attributes.Policy,
    });
    assertAllowed(reason, 'AccessDenied');
  };

  const service = (protocol: (model: ReturnType<typeof readModel>) => ServerProtocol) => {
    const model = readModel(sdk);
    return defineService<typeof sdk>({
      name: 'sqs',
      scopes: ['sqs'],
      model,
      protocol: protocol(model),
      validationError: { code: 'MissingParameter' },
      authorize,
      operations,
    });
  };
  const json = service((model) => awsJson(model, '1.0', { isQueryCompatible: true }));
  const query = service((model) => awsQuery(model, 'http://queue.amazonaws.com/doc/2012-11-05/'));

  return {
    services: [eitherOf(json, query)],
    resourceTypes: sqsResourceTypes({
      ...{ queues, administration, store: base.store },
      urlOf: async (name) => `${await endpointUrl}/${accountId}/${name}`,
    }),
    reader: queueReader(queues, messages, receiving),
    sender: {
      async send(queueArn, body, attributes, caller) {
        const queue = queues.byArn(queueArn);
        if (!queue) throw refuse.noQueue();
        const request = { action: 'sqs:SendMessage', resource: queue.arn, policy: queue.attributes.Policy };
        if (caller) assertAllowed(access.serviceRefusal(caller, request), 'AccessDenied');
        const { MessageId } = send(
          queue,
          { MessageBody: body, MessageAttributes: attributes as Record<string, sdk.MessageAttributeValue> },
          caller?.service ?? accountId,
        );
        return { messageId: MessageId };
      },
    },
    async close() {
      receiving.close();
    },
  };
}

/** The same service in two protocols; forms are AWS query. */
function eitherOf(json: Service, query: Service): Service {
  const of = ({ headers, query: parameters }: HttpRequest) =>
    headers['x-amz-target'] === undefined &&
    (parameters.has('Action') || headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
      ? query
      : json;
  return {
    ...json,
    handle: (request: HttpRequest, call: Call) => of(request).handle(request, call),
    refuse: (error, requestId, request) => of(request).refuse(error, requestId, request),
  };
}

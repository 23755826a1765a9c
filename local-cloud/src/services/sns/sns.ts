import * as sdk from '@aws-sdk/client-sns';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsQuery } from '../../protocol/protocols.js';
import { assertAllowed, type ResourceAccessRoles, resourceAccess } from '../../resource-access.js';
import { defineService } from '../../service.js';
import type { FunctionInvoker } from '../lambda/invoker.js';
import type { QueueSender } from '../sqs/sender.js';
import { deliveries as makeDeliveries } from './deliveries.js';
import { endpoints as makeEndpoints } from './endpoints.js';
import { envelopes } from './envelopes.js';
import { links, NAMESPACE } from './links.js';
import { publishOperations } from './publish-operations.js';
import type { TopicPublisher } from './publisher.js';
import { snsResourceTypes } from './resource-types.js';
import { signatures as makeSignatures } from './signatures.js';
import { subscriptionOperations } from './subscription-operations.js';
import { snsSubscriptions } from './subscriptions.js';
import { topicOperations } from './topic-operations.js';
import { snsTopics } from './topics.js';

/** What SNS needs besides its base. */
export interface SnsCapabilities {
  /** Address of the local cloud, for the links in messages; known when it listens. */
  readonly endpointUrl: Promise<string>;
  readonly roles: ResourceAccessRoles;
  readonly invoker: FunctionInvoker;
  readonly queues: QueueSender;
}

/** Amazon Simple Notification Service: standard topics, delivered to Lambda, SQS and HTTP endpoints on loopback. */
export function sns(base: Base, needs: SnsCapabilities): Plugin & { publisher: TopicPublisher } {
  const { accountId, clock } = base;
  const topics = snsTopics(base);
  const subscriptions = snsSubscriptions(base);
  const signatures = makeSignatures(base);
  const versionOf = (topicArn: string) =>
    topics.findByArn(topicArn)?.attributes.SignatureVersion === '2' ? '2' : '1';
  const endpoints = makeEndpoints(clock, envelopes(needs.endpointUrl, signatures, versionOf), needs);
  const deliveries = makeDeliveries(base, subscriptions, endpoints, needs.queues);
  const {
    operations: onTopics,
    policyOf,
    ...administration
  } = topicOperations(topics, subscriptions, accountId);
  const { operations: onSubscriptions, ...subscribing } = subscriptionOperations(
    topics,
    subscriptions,
    deliveries,
    accountId,
  );
  const { operations: publishing, publish } = publishOperations(topics, subscriptions, deliveries, clock);
  const access = resourceAccess(base, needs.roles);
  const requestOf = (action: string, arn: string | undefined) => {
    const topic = arn === undefined ? undefined : topics.findByArn(arn);
    return { action: `sns:${action}`, resource: arn ?? '*', policy: topic && policyOf(topic) };
  };
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'sns',
    scopes: ['sns'],
    model,
    protocol: awsQuery(model, NAMESPACE),
    validationError: { code: 'ValidationError' },
    authorize(operation, { TopicArn, TargetArn, ResourceArn, Name }, call) {
      const named = typeof Name === 'string' ? topics.arnOf(Name) : undefined;
      const arn = [TopicArn, TargetArn, ResourceArn, named].find((value) => typeof value === 'string');
      const action = operation === 'PublishBatch' ? 'Publish' : operation;
      assertAllowed(access.refusal(call, requestOf(action, arn as string | undefined)), 'AuthorizationError');
    },
    operations: { ...onTopics, ...onSubscriptions, ...publishing },
  });
  void needs.endpointUrl.then(deliveries.resume, () => {});
  return {
    services: [service],
    resourceTypes: snsResourceTypes({
      ...{ topics, subscriptions, administration, subscribing },
      store: base.store,
    }),
    paths: [links(signatures, subscribing)],
    publisher: {
      async publish(topicArn, notification, caller) {
        const topic = topics.byArn(topicArn);
        if (caller) {
          assertAllowed(access.serviceRefusal(caller, requestOf('Publish', topic.arn)), 'AuthorizationError');
        }
        return { messageId: publish(topic, notification) };
      },
    },
    close: deliveries.close,
  };
}

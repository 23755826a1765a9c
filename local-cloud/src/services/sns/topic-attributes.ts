import { PolicyDocumentError, parsePolicyDocument } from '../../policy/index.js';
import { refuse } from './errors.js';

/** What a topic's attribute may be set to; the topic has those alone that were set. */
type Check = (value: string) => string | undefined;

const CHECKS: Readonly<Record<string, Check>> = {
  DisplayName(value) {
    if (value.length > 100) throw refuse.parameter('DisplayName');
    return value;
  },
  Policy: (value) => (value === '' ? undefined : checkedPolicy(value)),
  SignatureVersion(value) {
    if (value !== '1' && value !== '2') throw refuse.parameter('SignatureVersion');
    return value;
  },
  TracingConfig(value) {
    if (value === 'Active') throw refuse.unbuilt('tracing (attribute TracingConfig of topics)');
    if (value !== 'PassThrough') throw refuse.parameter('TracingConfig');
    return value;
  },
  FifoTopic(value) {
    if (value === 'true') throw refuse.unbuilt('FIFO topics (attribute FifoTopic)');
    if (value !== 'false') throw refuse.parameter('FifoTopic');
    return undefined;
  },
  KmsMasterKeyId(value) {
    if (value !== '')
      throw refuse.unbuilt('encryption with keys of KMS (attribute KmsMasterKeyId of topics)');
    return undefined;
  },
};

/** Attributes of SNS that change what a topic does in ways that are not built. */
const UNBUILT =
  /^(DeliveryPolicy|ContentBasedDeduplication|FifoThroughputScope|ArchivePolicy|DataProtectionPolicy|(HTTP|Lambda|SQS|Firehose|Application)(SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate))$/;
const LONGEST_POLICY = 30_720;

/**
 * Checks the value that an attribute of a topic is to have.
 *
 * @returns it as it is kept; undefined when the attribute goes back to its default.
 * @throws InvalidParameterException, also for what is not built.
 */
export function checkedTopicAttribute(name: string, value: string): string | undefined {
  const check = CHECKS[name];
  if (check) return check(value);
  if (UNBUILT.test(name)) throw refuse.unbuilt(`the attribute ${name} of topics`);
  throw refuse.parameter('AttributeName');
}

function checkedPolicy(text: string): string {
  if (Buffer.byteLength(text) > LONGEST_POLICY) throw refuse.parameter('Policy length exceeded');
  try {
    parsePolicyDocument(text, 'resource');
    return text;
  } catch (error) {
    if (error instanceof PolicyDocumentError) {
      throw refuse.parameter(`Policy Error: ${error.message}`);
    }
    throw error;
  }
}

/** The policy of a topic that was given none: its owner may do everything with it. */
export function defaultPolicy(topicArn: string, accountId: string): string {
  const actions = [
    'GetTopicAttributes',
    'SetTopicAttributes',
    'AddPermission',
    'RemovePermission',
    'DeleteTopic',
    'Subscribe',
    'ListSubscriptionsByTopic',
    'Publish',
  ];
  return JSON.stringify({
    Version: '2008-10-17',
    Id: '__default_policy_ID',
    Statement: [
      {
        Sid: '__default_statement_ID',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: actions.map((action) => `SNS:${action}`),
        Resource: topicArn,
        Condition: { StringEquals: { 'AWS:SourceOwner': accountId } },
      },
    ],
  });
}

/** How deliveries over HTTP are tried again; topics cannot change it here. Times in seconds. */
export const HTTP_RETRIES = { delay: 20, retries: 3 } as const;

/** The same as SNS tells of it. */
export function effectiveDeliveryPolicy(): string {
  return JSON.stringify({
    http: {
      defaultHealthyRetryPolicy: {
        minDelayTarget: HTTP_RETRIES.delay,
        maxDelayTarget: HTTP_RETRIES.delay,
        numRetries: HTTP_RETRIES.retries,
        numMaxDelayRetries: 0,
        numNoDelayRetries: 0,
        numMinDelayRetries: 0,
        backoffFunction: 'linear',
      },
      disableSubscriptionOverrides: false,
      defaultRequestPolicy: { headerContentType: 'text/plain; charset=UTF-8' },
    },
  });
}

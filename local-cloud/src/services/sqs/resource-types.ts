import { z } from 'zod';
import { type AttachedPolicy, attachedPolicyType, inlinePolicyType } from '../../attached-policy-type.js';
import { AwsError } from '../../errors.js';
import { generatedName, parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import type { Store } from '../../store/store.js';
import { tagList, tagsOf } from '../../tags.js';
import { checkedAttributes, DEFAULTS } from './queue-attributes.js';
import type { QueueAdministration } from './queue-operations.js';
import type { Queue, Queues } from './queues.js';

const TYPE_NAME = 'AWS::SQS::Queue';
const policy = z.union([z.string(), z.record(z.string(), z.unknown())]).optional();
const NUMBERS = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'VisibilityTimeout',
] as const;
const POLICIES = ['RedrivePolicy', 'RedriveAllowPolicy'] as const;

const schema = z.strictObject({
  QueueName: z.string().optional(),
  DelaySeconds: z.number().optional(),
  MaximumMessageSize: z.number().optional(),
  MessageRetentionPeriod: z.number().optional(),
  ReceiveMessageWaitTimeSeconds: z.number().optional(),
  VisibilityTimeout: z.number().optional(),
  SqsManagedSseEnabled: z.boolean().optional(),
  FifoQueue: z.literal(false).optional(),
  RedrivePolicy: policy,
  RedriveAllowPolicy: policy,
  Tags: tagsSchema.optional(),
  Arn: z.string().optional(),
  QueueUrl: z.string().optional(),
});
type Wanted = z.infer<typeof schema>;

/** What the resource types need of SQS. */
export interface SqsResourceNeeds {
  readonly queues: Queues;
  readonly administration: QueueAdministration;
  /** The URL of a queue at the address of the local cloud. */
  readonly urlOf: (name: string) => Promise<string>;
  readonly store: Store;
}

/** `AWS::SQS::Queue`, `AWS::SQS::QueuePolicy` and `AWS::SQS::QueueInlinePolicy`. */
export function sqsResourceTypes({ queues, administration, urlOf, store }: SqsResourceNeeds): ResourceType[] {
  // The URL is the identifier; of its parts only the name stays the same when the port is another one.
  const find = (url: string): Queue | undefined => queues.find(url.split('/').at(-1) ?? '');
  const queueType: ResourceType = {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    create(desired) {
      const wanted = parseProperties(TYPE_NAME, schema, desired);
      const name = wanted.QueueName ?? generatedName('queue');
      if (queues.find(name)) throw new AwsError('AlreadyExists', `A queue named ${name} already exists`);
      administration.create(name, attributesOf(wanted), tagsOf(wanted.Tags));
      return urlOf(name);
    },
    async read(url) {
      const queue = find(url);
      return queue && { ...propertiesOf(queue), QueueUrl: await urlOf(queue.name) };
    },
    update(url, desired) {
      const wanted = parseProperties(TYPE_NAME, schema, desired);
      const queue = queues.byUrl(url);
      // What a desired state leaves out goes back to its default.
      const given = { RedrivePolicy: '', RedriveAllowPolicy: '', ...DEFAULTS, ...attributesOf(wanted) };
      administration.set(queue, checkedAttributes(given));
      queues.change(queue.name, { tags: tagsOf(wanted.Tags) });
    },
    delete: (url) => administration.remove(queues.byUrl(url)),
    list: () => Promise.all([...queues.all()].map(({ name }) => urlOf(name))),
  };
  const attach = (url: string, text: string | undefined) =>
    void administration.set(queues.byUrl(url), checkedAttributes({ Policy: text ?? '' }));
  const policyType = attachedPolicyType({
    typeName: 'AWS::SQS::QueuePolicy',
    property: 'Queues',
    table: store.table<AttachedPolicy>('sqs.queuePolicies'),
    attach,
    isThere: (url) => find(url) !== undefined,
  });
  const inlineType = inlinePolicyType({
    typeName: 'AWS::SQS::QueueInlinePolicy',
    property: 'Queue',
    attach,
    policyOf: (url) => find(url)?.attributes.Policy,
  });
  return [queueType, policyType, inlineType];
}

function attributesOf(wanted: Wanted): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name of [...NUMBERS, 'SqsManagedSseEnabled'] as const) {
    if (wanted[name] !== undefined) attributes[name] = String(wanted[name]);
  }
  for (const name of POLICIES) {
    const value = wanted[name];
    if (value !== undefined) attributes[name] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return attributes;
}

function propertiesOf({ name, arn, attributes, tags }: Queue): ResourceProperties {
  const numbers = NUMBERS.map((attribute) => [attribute, Number(attributes[attribute])]);
  const policies = POLICIES.flatMap((attribute) => {
    const text = attributes[attribute];
    return text === undefined ? [] : [[attribute, JSON.parse(text)]];
  });
  const list = tagList(tags);
  return {
    QueueName: name,
    Arn: arn,
    ...Object.fromEntries([...numbers, ...policies]),
    SqsManagedSseEnabled: attributes.SqsManagedSseEnabled !== 'false',
    ...(list.length > 0 && { Tags: list }),
  };
}

import { z } from 'zod';
import { type AttachedPolicy, attachedPolicyType, inlinePolicyType } from '../../attached-policy-type.js';
import { AwsError } from '../../errors.js';
import { generatedName, parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceType } from '../../resource-type.js';
import type { Store } from '../../store/store.js';
import { tagList, tagsOf } from '../../tags.js';
import type { SubscriptionAttributes } from './subscription-attributes.js';
import type { SubscriptionAdministration } from './subscription-operations.js';
import type { Subscription, Subscriptions } from './subscriptions.js';
import type { TopicAdministration } from './topic-operations.js';
import type { Topics } from './topics.js';

/** What the resource types need of SNS. */
export interface SnsResourceNeeds {
  readonly topics: Topics;
  readonly subscriptions: Subscriptions;
  readonly administration: TopicAdministration;
  readonly subscribing: SubscriptionAdministration;
  readonly store: Store;
}

/** `AWS::SNS::Topic`, `AWS::SNS::Subscription`, `AWS::SNS::TopicPolicy` and `AWS::SNS::TopicInlinePolicy`. */
export function snsResourceTypes(needs: SnsResourceNeeds): ResourceType[] {
  const { topics, administration, store } = needs;
  const attach = (arn: string, text: string | undefined) =>
    void administration.set(topics.byArn(arn), { Policy: text ?? '' });
  const policyType = attachedPolicyType({
    typeName: 'AWS::SNS::TopicPolicy',
    property: 'Topics',
    table: store.table<AttachedPolicy>('sns.topicPolicies'),
    attach,
    isThere: (arn) => topics.findByArn(arn) !== undefined,
  });
  const inlineType = inlinePolicyType({
    typeName: 'AWS::SNS::TopicInlinePolicy',
    property: 'TopicArn',
    attach,
    policyOf: (arn) => topics.findByArn(arn)?.attributes.Policy,
  });
  return [topicType(needs), subscriptionType(needs), policyType, inlineType];
}

const topicSchema = z.strictObject({
  TopicName: z.string().optional(),
  DisplayName: z.string().optional(),
  FifoTopic: z.literal(false).optional(),
  SignatureVersion: z.string().optional(),
  TracingConfig: z.string().optional(),
  Subscription: z.array(z.strictObject({ Endpoint: z.string(), Protocol: z.string() })).optional(),
  Tags: tagsSchema.optional(),
  TopicArn: z.string().optional(),
});
type Inline = NonNullable<z.infer<typeof topicSchema>['Subscription']>[number];
const ATTRIBUTES = ['DisplayName', 'SignatureVersion', 'TracingConfig'] as const;
const DEFAULTS = { DisplayName: '', SignatureVersion: '1', TracingConfig: 'PassThrough' } as const;

function topicType({ topics, subscriptions, administration, subscribing }: SnsResourceNeeds): ResourceType {
  const typeName = 'AWS::SNS::Topic';
  const attributesOf = (wanted: z.infer<typeof topicSchema>) =>
    Object.fromEntries(
      ATTRIBUTES.flatMap((name) => (wanted[name] === undefined ? [] : [[name, wanted[name]]])),
    );
  const isSame = (one: Inline) => (other: Inline) =>
    one.Protocol === other.Protocol && one.Endpoint === other.Endpoint;
  const inlineOf = (arn: string) =>
    subscriptions.ofTopic(arn).map(({ endpoint, protocol }) => ({ Endpoint: endpoint, Protocol: protocol }));

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = parseProperties(typeName, topicSchema, desired);
      const name = wanted.TopicName ?? generatedName('topic');
      if (topics.find(name)) {
        throw new AwsError('AlreadyExists', `Topic with ARN ${topics.arnOf(name)} already exists`);
      }
      const topic = administration.create(name, attributesOf(wanted), tagsOf(wanted.Tags));
      for (const { Protocol, Endpoint } of wanted.Subscription ?? []) {
        subscribing.subscribe(topic.arn, Protocol, Endpoint, {});
      }
      return topic.arn;
    },
    read(arn) {
      const topic = topics.findByArn(arn);
      if (!topic) return undefined;
      const tags = tagList(topic.tags);
      const inline = inlineOf(arn);
      return {
        TopicArn: arn,
        TopicName: topic.name,
        ...topicProperties(topic.attributes),
        ...(tags.length > 0 && { Tags: tags }),
        ...(inline.length > 0 && { Subscription: inline }),
      };
    },
    update(arn, desired, previous) {
      const wanted = parseProperties(typeName, topicSchema, desired);
      const before = parseProperties(typeName, topicSchema, previous).Subscription ?? [];
      const topic = topics.byArn(arn);
      const after = wanted.Subscription ?? [];
      const tags = tagsOf(wanted.Tags);
      administration.set({ ...topic, tags }, { ...DEFAULTS, ...attributesOf(wanted) });
      for (const { Protocol, Endpoint } of after.filter((one) => !before.some(isSame(one)))) {
        subscribing.subscribe(arn, Protocol, Endpoint, {});
      }
      for (const gone of before.filter((one) => !after.some(isSame(one)))) {
        const subscription = subscriptions
          .ofTopic(arn)
          .find(({ protocol, endpoint }) => protocol === gone.Protocol && endpoint === gone.Endpoint);
        if (subscription) subscriptions.remove(subscription.arn);
      }
    },
    delete: (arn) => administration.remove(topics.byArn(arn)),
    list: () => [...topics.all()].map(({ arn }) => arn),
  };
}

function topicProperties(attributes: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    ATTRIBUTES.flatMap((name) => {
      const value = attributes[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

const document = z.union([z.string(), z.record(z.string(), z.unknown())]).optional();
const subscriptionSchema = z.strictObject({
  TopicArn: z.string(),
  Protocol: z.string(),
  Endpoint: z.string().optional(),
  FilterPolicy: document,
  FilterPolicyScope: z.string().optional(),
  RawMessageDelivery: z.boolean().optional(),
  RedrivePolicy: document,
  Region: z.string().optional(),
  Arn: z.string().optional(),
});
type WantedSubscription = z.infer<typeof subscriptionSchema>;

function subscriptionType({ topics, subscriptions, subscribing }: SnsResourceNeeds): ResourceType {
  const typeName = 'AWS::SNS::Subscription';

  function read(wanted: Parameters<ResourceType['create']>[0]): WantedSubscription {
    const parsed = parseProperties(typeName, subscriptionSchema, wanted);
    const region = parsed.TopicArn.split(':')[3];
    if (parsed.Region !== undefined && parsed.Region !== region) {
      throw new AwsError(
        'InvalidRequest',
        `Not built in the local cloud: topics of other regions (${parsed.Region})`,
      );
    }
    return parsed;
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = read(desired);
      const { Protocol, Endpoint = '', TopicArn } = wanted;
      const exists = subscriptions
        .ofTopic(topics.byArn(TopicArn).arn)
        .some(({ protocol, endpoint }) => protocol === Protocol && endpoint === Endpoint);
      if (exists) throw new AwsError('AlreadyExists', `${Endpoint} is subscribed to ${TopicArn} already`);
      return subscribing.subscribe(TopicArn, Protocol, Endpoint, attributesOf(wanted)).arn;
    },
    read(arn) {
      const subscription = subscriptions.find(arn);
      return subscription && propertiesOf(subscription);
    },
    update(arn, desired) {
      const wanted = attributesOf(read(desired));
      const reset = {
        FilterPolicy: '',
        FilterPolicyScope: 'MessageAttributes',
        RawMessageDelivery: 'false',
        RedrivePolicy: '',
      };
      subscribing.change(subscriptions.byArn(arn), { ...reset, ...wanted });
    },
    delete: (arn) => subscriptions.remove(subscriptions.byArn(arn).arn),
    list: () => subscriptions.all().map(({ arn }) => arn),
  };
}

function attributesOf(wanted: WantedSubscription): Record<string, string> {
  const { FilterPolicyScope, RawMessageDelivery, FilterPolicy, RedrivePolicy } = wanted;
  const text = (value: string | object) => (typeof value === 'string' ? value : JSON.stringify(value));
  return {
    ...(FilterPolicyScope !== undefined && { FilterPolicyScope }),
    ...(FilterPolicy !== undefined && { FilterPolicy: text(FilterPolicy) }),
    ...(RawMessageDelivery !== undefined && { RawMessageDelivery: String(RawMessageDelivery) }),
    ...(RedrivePolicy !== undefined && { RedrivePolicy: text(RedrivePolicy) }),
  };
}

function propertiesOf({ arn, topicArn, protocol, endpoint, attributes }: Subscription) {
  const json = (name: keyof SubscriptionAttributes) => {
    const value = attributes[name];
    return value === undefined ? {} : { [name]: JSON.parse(value) };
  };
  return {
    Arn: arn,
    TopicArn: topicArn,
    Protocol: protocol,
    Endpoint: endpoint,
    ...json('FilterPolicy'),
    ...json('RedrivePolicy'),
    ...json('RawMessageDelivery'),
    ...(attributes.FilterPolicyScope !== undefined && { FilterPolicyScope: attributes.FilterPolicyScope }),
  };
}

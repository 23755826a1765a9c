import type * as sdk from '@aws-sdk/client-sns';
import { page, readToken } from '../../paging.js';
import { withGrant, withoutGrant } from '../../policy-statements.js';
import type { Operations } from '../../service.js';
import { type Tags, tagList, tagsOf } from '../../tags.js';
import { refuse } from './errors.js';
import type { Subscriptions } from './subscriptions.js';
import { checkedTopicAttribute, defaultPolicy, effectiveDeliveryPolicy } from './topic-attributes.js';
import type { Topic, Topics } from './topics.js';

/** Topics a page. */
const PAGE_SIZE = 100;
const MOST_TAGS = 50;

/** Creating, describing, changing, listing and deleting topics, and their tags and policies. */
export function topicOperations(topics: Topics, subscriptions: Subscriptions, accountId: string) {
  const policyOf = ({ arn, attributes }: Topic) => attributes.Policy ?? defaultPolicy(arn, accountId);

  function withAttributes(topic: Topic, changes: Readonly<Record<string, string>>): Topic {
    const attributes: Record<string, string> = { ...topic.attributes };
    for (const [name, value] of Object.entries(changes)) {
      const kept = checkedTopicAttribute(name, value);
      if (kept === undefined) delete attributes[name];
      else attributes[name] = kept;
    }
    return { ...topic, attributes };
  }

  function create(name: string, attributes: Readonly<Record<string, string>>, tags: Tags): Topic {
    if (name.endsWith('.fifo')) throw refuse.unbuilt(`FIFO topics (${name})`);
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(name)) throw refuse.parameter('Topic Name');
    checkTags(tags);
    const wanted = withAttributes({ name, arn: topics.arnOf(name), attributes: {}, tags }, attributes);
    const existing = topics.find(name);
    if (!existing) return topics.save(wanted);
    const differs = Object.entries(wanted.attributes).some(
      ([attribute, value]) => existing.attributes[attribute] !== value,
    );
    if (differs) throw refuse.parameter('Attributes Reason: Topic already exists with different attributes');
    const hasOtherTags = Object.entries(tags).some(([tag, value]) => existing.tags[tag] !== value);
    if (hasOtherTags) throw refuse.parameter('Tags Reason: Topic already exists with different tags');
    return existing;
  }

  function remove(topic: Topic): void {
    for (const { arn } of subscriptions.ofTopic(topic.arn)) subscriptions.remove(arn);
    topics.remove(topic.name);
  }

  const set = (topic: Topic, changes: Readonly<Record<string, string>>) =>
    topics.save(withAttributes(topic, changes));

  function resource(arn: string | undefined): Topic {
    const topic = topics.findByArn(arn ?? '');
    if (!topic) throw refuse.noResource();
    return topic;
  }

  const operations = {
    CreateTopic({ Name = '', Attributes = {}, Tags, DataProtectionPolicy }) {
      if (DataProtectionPolicy) throw refuse.unbuilt('DataProtectionPolicy of topics');
      return { TopicArn: create(Name, Attributes, tagsOf(Tags)).arn };
    },
    DeleteTopic({ TopicArn = '' }) {
      const topic = topics.findByArn(TopicArn);
      if (topic) remove(topic);
      return {};
    },
    GetTopicAttributes({ TopicArn }) {
      const topic = topics.byArn(TopicArn);
      const subscribed = subscriptions.ofTopic(topic.arn);
      const confirmed = subscribed.filter(({ isConfirmed }) => isConfirmed).length;
      return {
        Attributes: {
          TopicArn: topic.arn,
          Owner: accountId,
          DisplayName: '',
          Policy: policyOf(topic),
          EffectiveDeliveryPolicy: effectiveDeliveryPolicy(),
          SubscriptionsConfirmed: String(confirmed),
          SubscriptionsPending: String(subscribed.length - confirmed),
          SubscriptionsDeleted: '0',
          ...topic.attributes,
        },
      };
    },
    SetTopicAttributes({ TopicArn, AttributeName = '', AttributeValue = '' }) {
      set(topics.byArn(TopicArn), { [AttributeName]: AttributeValue });
      return {};
    },
    ListTopics({ NextToken }) {
      const { items, next } = page(
        (after) => topics.all(after),
        ({ name }) => name,
        readToken(NextToken, () => refuse.parameter('NextToken')),
        PAGE_SIZE,
      );
      return { Topics: items.map(({ arn }) => ({ TopicArn: arn })), NextToken: next };
    },
    AddPermission({ TopicArn, Label = '', AWSAccountId = [], ActionName = [] }) {
      const topic = topics.byArn(TopicArn);
      const Policy = withGrant(policyOf(topic), {
        label: Label,
        accountIds: AWSAccountId,
        actions: ActionName.map((action) => `SNS:${action}`),
        resource: topic.arn,
      });
      if (Policy === undefined) throw refuse.parameter('Statement already exists');
      set(topic, { Policy });
      return {};
    },
    RemovePermission({ TopicArn, Label = '' }) {
      const topic = topics.byArn(TopicArn);
      const Policy = withoutGrant(policyOf(topic), Label);
      if (Policy !== undefined) set(topic, { Policy });
      return {};
    },
    TagResource({ ResourceArn, Tags }) {
      const topic = resource(ResourceArn);
      const tags = { ...topic.tags, ...tagsOf(Tags) };
      checkTags(tags);
      topics.save({ ...topic, tags });
      return {};
    },
    UntagResource({ ResourceArn, TagKeys = [] }) {
      const topic = resource(ResourceArn);
      const left = Object.entries(topic.tags).filter(([name]) => !TagKeys.includes(name));
      topics.save({ ...topic, tags: Object.fromEntries(left) });
      return {};
    },
    ListTagsForResource: ({ ResourceArn }) => ({ Tags: tagList(resource(ResourceArn).tags) }),
  } satisfies Operations<typeof sdk>;
  return { operations, create, set, remove, policyOf };
}

/** What the resource types need of the operations. */
export type TopicAdministration = Pick<ReturnType<typeof topicOperations>, 'create' | 'set' | 'remove'>;

function checkTags(tags: Tags): void {
  if (Object.keys(tags).length > MOST_TAGS) throw refuse.tooManyTags();
  for (const [name, value] of Object.entries(tags)) {
    if (name === '' || name.length > 128 || value.length > 256 || /^aws:/i.test(name)) {
      throw refuse.parameter('Tags');
    }
  }
}

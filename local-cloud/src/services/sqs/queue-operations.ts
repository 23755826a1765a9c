import type * as sdk from '@aws-sdk/client-sqs';
import type { Clock } from '../../clock.js';
import { page, readToken } from '../../paging.js';
import { withGrant, withoutGrant } from '../../policy-statements.js';
import type { Call, Operations } from '../../service.js';
import { refuse } from './errors.js';
import type { Messages } from './messages.js';
import { given, whole } from './parameters.js';
import {
  checkedAttributes,
  DEFAULTS,
  KNOWN_NAMES,
  type QueueAttributes,
  redrivePolicyOf,
  takesDeadLettersOf,
} from './queue-attributes.js';
import type { Queue, Queues } from './queues.js';

export interface QueueOperationsNeeds {
  readonly queues: Queues;
  readonly messages: Messages;
  readonly clock: Clock;
  /** The URL of a queue, at the address by which the caller reached the local cloud. */
  readonly urlOf: (name: string, call: Call) => string;
}

const MOST_TAGS = 50;
/** Milliseconds that have to lie between two purges of a queue. */
const PURGE_PAUSE = 60_000;

/** Creating, describing, changing, listing, purging and deleting queues. */
export function queueOperations({ queues, messages, clock, urlOf }: QueueOperationsNeeds) {
  const purges = new Map<string, number>();

  function checkRedrive(arn: string, attributes: QueueAttributes): void {
    const redrive = redrivePolicyOf(attributes);
    if (!redrive) return;
    const target = queues.byArn(redrive.deadLetterTargetArn);
    if (!target) {
      throw refuse.attribute(
        `Value ${attributes.RedrivePolicy} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.`,
      );
    }
    if (!takesDeadLettersOf(target.attributes, arn)) {
      throw refuse.attribute(
        `Value ${attributes.RedrivePolicy} for parameter RedrivePolicy is invalid. Reason: Dead letter queue does not allow ${arn} as a source queue.`,
      );
    }
  }

  function checkTags(tags: Readonly<Record<string, string>>): void {
    if (Object.keys(tags).length > MOST_TAGS) {
      throw refuse.invalid(`Too many tags added for queue. The maximum is ${MOST_TAGS}.`);
    }
    for (const [name, value] of Object.entries(tags)) {
      if (name === '' || name.length > 128 || value.length > 256 || /^aws:/i.test(name)) {
        throw refuse.invalid(`The tag ${name} is not valid.`);
      }
    }
  }

  function set(queue: Queue, wanted: Record<string, string | undefined>): Queue {
    const attributes = { ...queue.attributes, ...wanted };
    for (const [name, value] of Object.entries(attributes)) if (value === undefined) delete attributes[name];
    const kept = attributes as QueueAttributes;
    checkRedrive(queue.arn, kept);
    return queues.change(queue.name, { attributes: kept });
  }

  function describe(queue: Queue): Record<string, string> {
    const { visible, inFlight, delayed } = messages.count(queue);
    const seconds = (time: number) => String(Math.floor(time / 1000));
    return {
      QueueArn: queue.arn,
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(inFlight),
      ApproximateNumberOfMessagesDelayed: String(delayed),
      CreatedTimestamp: seconds(queue.created),
      LastModifiedTimestamp: seconds(queue.modified),
      ...queue.attributes,
    };
  }

  function create(name: string, given: QueueAttributes, tags: Readonly<Record<string, string>>): Queue {
    if (name.endsWith('.fifo')) throw refuse.unbuilt(`FIFO queues (${name})`);
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name)) {
      throw refuse.invalid(
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
      );
    }
    const wanted = checkedAttributes(given);
    checkTags(tags);
    const existing = queues.find(name);
    if (existing) {
      const other = Object.keys(wanted).find(
        (attribute) => wanted[attribute] !== existing.attributes[attribute],
      );
      if (other !== undefined) throw refuse.exists(other);
      return existing;
    }
    const attributes = Object.fromEntries(
      Object.entries({ ...DEFAULTS, ...wanted }).flatMap(([attribute, value]) =>
        value === undefined ? [] : [[attribute, value]],
      ),
    );
    checkRedrive(queues.arnOf(name), attributes);
    return queues.create(name, attributes, tags);
  }

  function remove(queue: Queue): void {
    messages.clear(queue);
    queues.remove(queue.name);
  }

  function list(found: Iterable<Queue>, after: string | undefined, size: number, call: Call) {
    const { items, next } = page(
      (behind) => [...found].filter(({ name }) => behind === undefined || name > behind),
      ({ name }) => name,
      after,
      size,
    );
    return { urls: items.map(({ name }) => urlOf(name, call)), next };
  }
  const tokenOf = (token: string | undefined) =>
    readToken(token, () => refuse.invalid(`The token ${token} is not valid.`));

  const operations = {
    CreateQueue: ({ QueueName, Attributes = {}, tags = {} }, call) => ({
      QueueUrl: urlOf(create(given('QueueName', QueueName), Attributes as QueueAttributes, tags).name, call),
    }),
    DeleteQueue({ QueueUrl }) {
      remove(queues.byUrl(QueueUrl));
      return {};
    },
    GetQueueUrl({ QueueName, QueueOwnerAWSAccountId }, call) {
      if (QueueOwnerAWSAccountId !== undefined && QueueOwnerAWSAccountId !== call.accountId)
        throw refuse.noQueue();
      return { QueueUrl: urlOf(queues.get(given('QueueName', QueueName)).name, call) };
    },
    GetQueueAttributes({ QueueUrl, AttributeNames = [] }) {
      const all = describe(queues.byUrl(QueueUrl));
      const unknown = AttributeNames.find((name) => !KNOWN_NAMES.has(name));
      if (unknown !== undefined) throw refuse.noSuchAttribute(unknown);
      const wanted = new Set<string>(AttributeNames);
      const chosen = Object.entries(all).filter(([name]) => wanted.has('All') || wanted.has(name));
      return { Attributes: chosen.length > 0 ? Object.fromEntries(chosen) : undefined };
    },
    SetQueueAttributes({ QueueUrl, Attributes }) {
      const queue = queues.byUrl(QueueUrl);
      set(queue, checkedAttributes(given('Attributes', Attributes) as QueueAttributes));
      return {};
    },
    ListQueues({ QueueNamePrefix, MaxResults, NextToken }, call) {
      const size = whole('MaxResults', MaxResults, 1, 1000);
      const { urls, next } = list(queues.all(QueueNamePrefix), tokenOf(NextToken), size ?? 1000, call);
      return {
        QueueUrls: urls.length > 0 ? urls : undefined,
        NextToken: size === undefined ? undefined : next,
      };
    },
    ListDeadLetterSourceQueues({ QueueUrl, MaxResults, NextToken }, call) {
      const { arn } = queues.byUrl(QueueUrl);
      const size = whole('MaxResults', MaxResults, 1, 1000);
      const sources = [...queues.all()].filter(
        ({ attributes }) => redrivePolicyOf(attributes)?.deadLetterTargetArn === arn,
      );
      const { urls, next } = list(sources, tokenOf(NextToken), size ?? 1000, call);
      return { queueUrls: urls, NextToken: size === undefined ? undefined : next };
    },
    PurgeQueue({ QueueUrl }) {
      const queue = queues.byUrl(QueueUrl);
      if ((purges.get(queue.id) ?? Number.NEGATIVE_INFINITY) + PURGE_PAUSE > clock.now()) {
        throw refuse.purging(queue.name);
      }
      purges.set(queue.id, clock.now());
      messages.clear(queue);
      return {};
    },
    TagQueue({ QueueUrl, Tags }) {
      const queue = queues.byUrl(QueueUrl);
      const tags = { ...queue.tags, ...given('Tags', Tags) };
      checkTags(tags);
      queues.change(queue.name, { tags });
      return {};
    },
    UntagQueue({ QueueUrl, TagKeys }) {
      const queue = queues.byUrl(QueueUrl);
      const left = Object.entries(queue.tags).filter(([name]) => !given('TagKeys', TagKeys).includes(name));
      queues.change(queue.name, { tags: Object.fromEntries(left) });
      return {};
    },
    ListQueueTags({ QueueUrl }) {
      const { tags } = queues.byUrl(QueueUrl);
      return { Tags: Object.keys(tags).length > 0 ? { ...tags } : undefined };
    },
    AddPermission({ QueueUrl, Label, AWSAccountIds, Actions }) {
      const queue = queues.byUrl(QueueUrl);
      const policy = withGrant(queue.attributes.Policy, {
        label: labelOf(Label),
        accountIds: given('AWSAccountIds', AWSAccountIds),
        actions: given('Actions', Actions).map((action) => `SQS:${action}`),
        resource: queue.arn,
      });
      if (policy === undefined) {
        throw refuse.invalid(`Value ${Label} for parameter Label is invalid. Reason: Already exists.`);
      }
      set(queue, checkedAttributes({ Policy: policy }));
      return {};
    },
    RemovePermission({ QueueUrl, Label }) {
      const queue = queues.byUrl(QueueUrl);
      const policy = withoutGrant(queue.attributes.Policy, labelOf(Label));
      if (policy === undefined) {
        throw refuse.invalid(
          `Value ${Label} for parameter Label is invalid. Reason: can't find label on existing policy.`,
        );
      }
      set(queue, checkedAttributes({ Policy: policy }));
      return {};
    },
  } satisfies Operations<typeof sdk>;
  return { operations, create, set, remove };
}

/** What the resource types need of the operations. */
export type QueueAdministration = Omit<ReturnType<typeof queueOperations>, 'operations'>;

function labelOf(label: string | undefined): string {
  const text = given('Label', label);
  if (/^[A-Za-z0-9_-]{1,80}$/.test(text)) return text;
  throw refuse.invalid(
    `Value ${text} for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.`,
  );
}

import { randomUUID } from 'node:crypto';
import type { Base } from '../../plugin.js';
import type { Tags } from '../../tags.js';
import { refuse } from './errors.js';
import type { QueueAttributes } from './queue-attributes.js';

/** A queue as it is kept. */
export interface Queue {
  /** Another one for each queue that ever was, also of the same name. */
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  readonly attributes: QueueAttributes;
  readonly tags: Tags;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly modified: number;
}

/** The queues of the account. */
export interface Queues {
  arnOf(name: string): string;
  find(name: string): Queue | undefined;
  /** @throws QueueDoesNotExist */
  get(name: string): Queue;
  /** The queue that a URL means. @throws QueueDoesNotExist, AwsError `InvalidAddress`. */
  byUrl(url: string | undefined): Queue;
  /** The queue of an ARN; undefined when this account and region have none. */
  byArn(arn: string): Queue | undefined;
  create(name: string, attributes: QueueAttributes, tags: Tags): Queue;
  change(name: string, change: Partial<Pick<Queue, 'attributes' | 'tags'>>): Queue;
  remove(name: string): void;
  /** In order of their names. */
  all(prefix?: string, after?: string): Iterable<Queue>;
}

export function sqsQueues({ store, clock, region, accountId }: Base): Queues {
  const table = store.table<Queue>('sqs.queues');
  const arnOf = (name: string) => `arn:aws:sqs:${region}:${accountId}:${name}`;
  const get = (name: string) => {
    const queue = table.get(name);
    if (!queue) throw refuse.noQueue();
    return queue;
  };
  return {
    arnOf,
    find: (name) => (name === '' ? undefined : table.get(name)),
    get,
    byUrl(url) {
      if (url === undefined || url === '') throw refuse.missing('QueueUrl');
      // An address, a path, or a name alone: SQS takes all of them.
      const [name = '', account = accountId] = url
        .replace(/^https?:\/\/[^/]*\/?/, '')
        .split('/')
        .reverse();
      if (account !== accountId && account !== '') throw refuse.noQueue();
      if (!/^[A-Za-z0-9_-]{1,80}$/.test(name)) throw refuse.noQueue();
      return get(name);
    },
    byArn(arn) {
      const name = arn.split(':')[5] ?? '';
      return arn === arnOf(name) && name !== '' ? table.get(name) : undefined;
    },
    create(name, attributes, tags) {
      const now = clock.now();
      const queue = {
        id: randomUUID(),
        name,
        arn: arnOf(name),
        attributes,
        tags,
        created: now,
        modified: now,
      };
      table.put(name, queue);
      return queue;
    },
    change(name, change) {
      const queue = { ...get(name), ...change, modified: clock.now() };
      table.put(name, queue);
      return queue;
    },
    remove: (name) => {
      table.delete(name);
    },
    *all(prefix, after) {
      for (const [, queue] of table.entries({ prefix, after })) yield queue;
    },
  };
}

import type { Base } from '../../plugin.js';
import type { Tags } from '../../tags.js';
import { refuse } from './errors.js';

/** A topic as it is kept. */
export interface Topic {
  readonly name: string;
  readonly arn: string;
  /** Attributes that were set; see `topic-attributes.ts`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Tags;
}

/** The topics of the account. */
export interface Topics {
  arnOf(name: string): string;
  find(name: string): Topic | undefined;
  /** @throws NotFoundException; InvalidParameterException for what is no ARN of a topic. */
  byArn(arn: string | undefined): Topic;
  /** The topic of an ARN; undefined when there is none. */
  findByArn(arn: string): Topic | undefined;
  save(topic: Topic): Topic;
  remove(name: string): void;
  /** In order of their names. */
  all(after?: string): Iterable<Topic>;
}

export function snsTopics({ store, region, accountId }: Base): Topics {
  const table = store.table<Topic>('sns.topics');
  const prefix = `arn:aws:sns:${region}:${accountId}:`;
  const findByArn = (arn: string) => {
    const name = arn.slice(prefix.length);
    return arn.startsWith(prefix) && name !== '' ? table.get(name) : undefined;
  };
  return {
    arnOf: (name) => prefix + name,
    find: (name) => table.get(name),
    findByArn,
    byArn(arn = '') {
      if (!/^arn:[^:]+:sns:[^:]*:[^:]*:[^:]+$/.test(arn)) throw refuse.parameter('TopicArn');
      const topic = findByArn(arn);
      if (!topic) throw refuse.noTopic();
      return topic;
    },
    save(topic) {
      table.put(topic.name, topic);
      return topic;
    },
    remove: (name) => {
      table.delete(name);
    },
    *all(after) {
      for (const [, topic] of table.entries({ after })) yield topic;
    },
  };
}

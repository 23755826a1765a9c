import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Operations } from '../../service.js';
import { type Tags, tagList } from '../../tags.js';
import { resourceNotFound, validation } from './errors.js';
import type { TableRecord, Tables } from './tables.js';

const MOST_TAGS = 50;

/** Tags with more of them. @throws AwsError `ValidationException` for what can be no tag. */
export function checkedTags(
  current: Tags,
  more: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
): Tags {
  const tags = new Map(Object.entries(current));
  for (const { Key = '', Value = '' } of more) {
    if (Key === '' || Key.length > 128 || Value.length > 256) {
      throw validation('Tag keys must have 1 to 128 characters, and tag values must not have more than 256');
    }
    if (Key.toLowerCase().startsWith('aws:')) {
      throw validation(`Tag keys starting with 'aws:' are reserved for system use`);
    }
    tags.set(Key, Value);
  }
  if (tags.size > MOST_TAGS) throw validation('Too many tags: a table has 50 at most');
  return Object.fromEntries(tags);
}

/** Tags of tables, which are named by their ARNs. */
export function tagOperations(tables: Tables): Operations<typeof sdk> {
  const tagged = (arn = ''): TableRecord => {
    if (!arn.startsWith('arn:')) throw validation(`Invalid TableArn: ${arn}`);
    const table = tables.get(arn);
    if (!table) throw resourceNotFound(`Requested resource not found: ResourceArn: ${arn} not found`);
    return table;
  };
  return {
    TagResource({ ResourceArn, Tags }) {
      const table = tagged(ResourceArn);
      tables.put({ ...table, tags: checkedTags(table.tags, Tags) });
      return {};
    },
    UntagResource({ ResourceArn, TagKeys = [] }) {
      const table = tagged(ResourceArn);
      const left = Object.entries(table.tags).filter(([name]) => !TagKeys.includes(name));
      tables.put({ ...table, tags: Object.fromEntries(left) });
      return {};
    },
    ListTagsOfResource: ({ ResourceArn }) => ({ Tags: tagList(tagged(ResourceArn).tags) }),
  };
}

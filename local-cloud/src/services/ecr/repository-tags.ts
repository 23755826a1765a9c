import * as sdk from '@aws-sdk/client-ecr';
import type { Tags } from '../../tags.js';

/** Tags of a resource, and characters of their keys and values (ECR user guide, "Tag restrictions"). */
const MOST_TAGS = 50;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 256;

/**
 * The tags of a resource that had `before`, with more added.
 *
 * @throws InvalidTagParameterException, TooManyTagsException
 */
export function checkedTags(before: Tags, added: readonly sdk.Tag[] = []): Tags {
  for (const { Key = '', Value = '' } of added) {
    if (Key === '' || Key.length > LONGEST_KEY || Value.length > LONGEST_VALUE || /^aws:/i.test(Key)) {
      throw new sdk.InvalidTagParameterException({
        message: `Invalid tag '${Key}': keys have 1 to ${LONGEST_KEY} characters and do not begin with 'aws:', values at most ${LONGEST_VALUE}`,
        $metadata: {},
      });
    }
  }
  const tags = { ...before, ...Object.fromEntries(added.map(({ Key = '', Value = '' }) => [Key, Value])) };
  if (Object.keys(tags).length > MOST_TAGS) {
    throw new sdk.TooManyTagsException({
      message: `The list of tags on the repository is over the limit of ${MOST_TAGS}`,
      $metadata: {},
    });
  }
  return tags;
}

import type * as sdk from '@aws-sdk/client-lambda';
import type { Operations } from '../../service.js';
import { refuse } from './errors.js';
import type { Functions } from './functions.js';

const TAG_LIMIT = 50;

/** Tags of functions; a change of tags is no change of the function's revision. */
export function tagOperations(functions: Functions) {
  const operations: Pick<Operations<typeof sdk>, 'TagResource' | 'UntagResource' | 'ListTags'> = {
    TagResource({ Resource, Tags = {} }) {
      const lambda = functions.get(Resource);
      const tags = { ...lambda.tags, ...Tags };
      if (Object.keys(tags).length > TAG_LIMIT) {
        throw refuse.invalidParameter(`The number of tags exceeds ${TAG_LIMIT}.`);
      }
      functions.setTags(lambda.name, tags);
      return {};
    },
    UntagResource({ Resource, TagKeys = [] }) {
      const lambda = functions.get(Resource);
      const left = Object.entries(lambda.tags).filter(([name]) => !TagKeys.includes(name));
      functions.setTags(lambda.name, Object.fromEntries(left));
      return {};
    },
    ListTags: ({ Resource }) => ({ Tags: { ...functions.get(Resource).tags } }),
  };
  return operations;
}

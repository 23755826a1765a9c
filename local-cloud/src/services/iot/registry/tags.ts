import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { tagList, tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { invalid, notFound } from '../errors.js';
import type { Tables } from '../tables.js';

/** Knows whether there is a resource of its type. */
interface Holder {
  get(name: string): unknown;
}

/** The tags of taggable resources. */
export function tagging(
  tables: Tables,
  changes: Changes,
  arns: IotArns,
  others: Readonly<Record<string, Holder>>,
) {
  const holders: Readonly<Record<string, Holder>> = {
    thingtype: tables.thingTypes,
    thinggroup: tables.thingGroups,
    policy: tables.policies,
    rolealias: tables.roleAliases,
    provisioningtemplate: tables.templates,
    ...others,
  };

  function taggable(arn: string | undefined): string {
    const { type = '', name = '' } = arns.parse(arn ?? '') ?? {};
    const holder = Object.hasOwn(holders, type) ? holders[type] : undefined;
    if (!holder || arn === undefined) throw invalid(`The resource ${arn} cannot be tagged`);
    if (!holder.get(name)) throw notFound(`The resource ${arn} does not exist`);
    return arn;
  }

  const operations = {
    TagResource(input: sdk.TagResourceCommandInput) {
      return changes.transaction(() => {
        const arn = taggable(input.resourceArn);
        const tags = { ...tables.tags.get(arn), ...tagsOf(input.tags) };
        if (Object.keys(tags).length > 50) throw invalid(`The resource ${arn} can have at most 50 tags`);
        tables.tags.put(arn, tags);
        return {};
      });
    },

    UntagResource(input: sdk.UntagResourceCommandInput) {
      return changes.transaction(() => {
        const arn = taggable(input.resourceArn);
        const tags = { ...tables.tags.get(arn) };
        for (const name of input.tagKeys ?? []) delete tags[name];
        tables.tags.put(arn, tags);
        return {};
      });
    },

    ListTagsForResource({ resourceArn }: sdk.ListTagsForResourceCommandInput) {
      return {
        tags: tagList(tables.tags.get(taggable(resourceArn)) ?? {}),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

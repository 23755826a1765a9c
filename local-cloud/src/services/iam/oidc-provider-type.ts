import { z } from 'zod';
import { parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceType } from '../../resource-type.js';
import { tagList } from '../../tags.js';
import { invalidInput } from './errors.js';
import type { IamResources } from './iam-resources.js';
import { tagRecord } from './paging.js';

const schema = z.strictObject({
  Url: z.string().optional(),
  ClientIdList: z.array(z.string()).optional(),
  ThumbprintList: z.array(z.string()).optional(),
  Tags: tagsSchema.optional(),
  Arn: z.string().optional(),
});

/** `AWS::IAM::OIDCProvider`. */
export function oidcProviderType({ oidcProviders, store }: IamResources): ResourceType {
  const typeName = 'AWS::IAM::OIDCProvider';
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const {
        Url,
        ClientIdList = [],
        ThumbprintList = [],
        Tags,
      } = parseProperties(typeName, schema, desired);
      if (Url === undefined) throw invalidInput('Invalid Open ID Connect Provider URL');
      return oidcProviders.create({
        url: Url,
        clientIds: ClientIdList,
        thumbprints: ThumbprintList,
        tags: tagRecord(Tags),
      }).arn;
    },
    read(arn) {
      const provider = oidcProviders.find(arn);
      if (!provider) return undefined;
      const { url, clientIds, thumbprints, tags } = provider;
      return {
        Arn: arn,
        Url: url,
        ClientIdList: clientIds,
        ThumbprintList: thumbprints,
        ...(Object.keys(tags).length > 0 ? { Tags: tagList(tags) } : {}),
      };
    },
    update(arn, desired) {
      const { ClientIdList = [], ThumbprintList, Tags } = parseProperties(typeName, schema, desired);
      store.transaction(() => {
        oidcProviders.setClientIds(arn, ClientIdList);
        if (ThumbprintList) oidcProviders.setThumbprints(arn, ThumbprintList);
        oidcProviders.setTags(arn, tagRecord(Tags));
      });
    },
    delete(arn) {
      oidcProviders.get(arn);
      oidcProviders.delete(arn);
    },
    list: () => oidcProviders.all().map(({ arn }) => arn),
  };
}

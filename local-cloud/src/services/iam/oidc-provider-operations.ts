import type * as sdk from '@aws-sdk/client-iam';
import type { Operations } from '../../service.js';
import { tagList } from '../../tags.js';
import { type OidcProviders, withoutScheme } from './oidc-providers.js';
import { page, tagRecord } from './paging.js';

/**
 * OpenID Connect providers. IAM looks up the thumbprints that are not given; here nobody is asked over the network,
 * and the list is what was given.
 */
export function oidcProviderOperations(providers: OidcProviders): Operations<typeof sdk> {
  return {
    CreateOpenIDConnectProvider({ Url = '', ClientIDList = [], ThumbprintList = [], Tags }) {
      const { arn, tags } = providers.create({
        url: Url,
        clientIds: ClientIDList,
        thumbprints: ThumbprintList,
        tags: tagRecord(Tags),
      });
      return { OpenIDConnectProviderArn: arn, ...(Tags ? { Tags: tagList(tags) } : {}) };
    },
    GetOpenIDConnectProvider({ OpenIDConnectProviderArn = '' }) {
      const { url, clientIds, thumbprints, created, tags } = providers.get(OpenIDConnectProviderArn);
      return {
        Url: withoutScheme(url),
        ClientIDList: [...clientIds],
        ThumbprintList: [...thumbprints],
        CreateDate: new Date(created),
        Tags: tagList(tags),
      };
    },
    ListOpenIDConnectProviders: () => ({
      OpenIDConnectProviderList: providers.all().map(({ arn }) => ({ Arn: arn })),
    }),
    DeleteOpenIDConnectProvider({ OpenIDConnectProviderArn = '' }) {
      providers.delete(OpenIDConnectProviderArn);
      return {};
    },
    UpdateOpenIDConnectProviderThumbprint({ OpenIDConnectProviderArn = '', ThumbprintList = [] }) {
      providers.setThumbprints(OpenIDConnectProviderArn, ThumbprintList);
      return {};
    },
    AddClientIDToOpenIDConnectProvider({ OpenIDConnectProviderArn = '', ClientID = '' }) {
      const { clientIds } = providers.get(OpenIDConnectProviderArn);
      providers.setClientIds(OpenIDConnectProviderArn, [...new Set([...clientIds, ClientID])]);
      return {};
    },
    RemoveClientIDFromOpenIDConnectProvider({ OpenIDConnectProviderArn = '', ClientID = '' }) {
      const { clientIds } = providers.get(OpenIDConnectProviderArn);
      providers.setClientIds(
        OpenIDConnectProviderArn,
        clientIds.filter((id) => id !== ClientID),
      );
      return {};
    },
    TagOpenIDConnectProvider({ OpenIDConnectProviderArn = '', Tags }) {
      const { tags } = providers.get(OpenIDConnectProviderArn);
      const all = tagList({ ...tags, ...tagRecord(Tags) });
      providers.setTags(OpenIDConnectProviderArn, tagRecord(all));
      return {};
    },
    UntagOpenIDConnectProvider({ OpenIDConnectProviderArn = '', TagKeys = [] }) {
      const { tags } = providers.get(OpenIDConnectProviderArn);
      const left = Object.entries(tags).filter(([name]) => !TagKeys.includes(name));
      providers.setTags(OpenIDConnectProviderArn, Object.fromEntries(left));
      return {};
    },
    ListOpenIDConnectProviderTags({ OpenIDConnectProviderArn = '', Marker, MaxItems }) {
      const { tags } = providers.get(OpenIDConnectProviderArn);
      const { items, ...rest } = page(
        tagList(tags).sort((a, b) => (a.Key < b.Key ? -1 : 1)),
        ({ Key }) => Key,
        { Marker, MaxItems },
      );
      return { Tags: items, ...rest };
    },
  };
}

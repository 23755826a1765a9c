import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cloudfront';
import { parseProperties } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import type { Call } from '../../service.js';
import { tagList, tagsOf } from '../../tags.js';
import {
  distributionProperties,
  distributionSchema,
  toDistributionConfig,
} from './distribution-properties.js';
import type { Distributions } from './distributions.js';
import type { OriginAccessControls } from './origin-access-controls.js';
import { policyProperties, policySchema, toPolicyConfig } from './policy-properties.js';
import type { ResponseHeadersPolicies } from './response-headers-policies.js';

/** What the operations know of a call besides its input, they do not use. */
const call = {} as Call;

interface DistributionTypeNeeds {
  readonly distributions: Distributions;
  readonly domainNameOf: (id: string) => Promise<string>;
  readonly forget: (id: string) => void;
}

/** `AWS::CloudFront::Distribution`. */
export function distributionType(needs: DistributionTypeNeeds): ResourceType {
  const typeName = 'AWS::CloudFront::Distribution';
  const { distributions, domainNameOf, forget } = needs;
  const { table } = distributions;
  const parse = (desired: ResourceProperties) => parseProperties(typeName, distributionSchema, desired);
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { DistributionConfig, Tags } = parse(desired);
      const config = toDistributionConfig(DistributionConfig, randomUUID());
      return distributions.create(config, tagsOf(Tags)).id;
    },
    async read(id) {
      const found = table.find(id);
      if (!found) return undefined;
      const tags = tagList(found.tags);
      return {
        Id: id,
        DomainName: await domainNameOf(id),
        DistributionConfig: distributionProperties(found.config),
        ...(tags.length > 0 && { Tags: tags }),
      };
    },
    async update(id, desired) {
      const { DistributionConfig, Tags } = parse(desired);
      const { etag, config } = table.get(id);
      await distributions.operations.UpdateDistribution(
        {
          ...{ Id: id, IfMatch: etag },
          DistributionConfig: toDistributionConfig(DistributionConfig, config.CallerReference ?? ''),
        },
        call,
      );
      table.save({ ...table.get(id), tags: tagsOf(Tags) });
    },
    // As the handler on AWS, which disables it first.
    delete(id) {
      table.get(id);
      table.remove(id);
      forget(id);
    },
    list: () => table.all().map(({ id }) => id),
  };
}

/** `AWS::CloudFront::OriginAccessControl`. */
export function originAccessControlType({ operations, table }: OriginAccessControls): ResourceType {
  const typeName = 'AWS::CloudFront::OriginAccessControl';
  // The schema was checked before; the operations check what it does not say.
  const configOf = (desired: ResourceProperties) =>
    desired.OriginAccessControlConfig as sdk.OriginAccessControlConfig;
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    async create(desired) {
      const made = await operations.CreateOriginAccessControl(
        { OriginAccessControlConfig: configOf(desired) },
        call,
      );
      return made.OriginAccessControl?.Id ?? '';
    },
    read(id) {
      const found = table.find(id);
      if (!found) return undefined;
      const { Description, ...config } = found.config;
      return {
        Id: id,
        OriginAccessControlConfig: { ...config, ...(Description && { Description }) },
      };
    },
    async update(id, desired) {
      const config = { OriginAccessControlConfig: configOf(desired) };
      await operations.UpdateOriginAccessControl({ Id: id, IfMatch: table.get(id).etag, ...config }, call);
    },
    async delete(id) {
      await operations.DeleteOriginAccessControl({ Id: id, IfMatch: table.get(id).etag }, call);
    },
    list: () => table.all().map(({ id }) => id),
  };
}

/** `AWS::CloudFront::ResponseHeadersPolicy`. */
export function responseHeadersPolicyType({ operations, table }: ResponseHeadersPolicies): ResourceType {
  const typeName = 'AWS::CloudFront::ResponseHeadersPolicy';
  const configOf = (desired: ResourceProperties) => ({
    ResponseHeadersPolicyConfig: toPolicyConfig(
      parseProperties(typeName, policySchema, desired).ResponseHeadersPolicyConfig,
    ),
  });
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    async create(desired) {
      const made = await operations.CreateResponseHeadersPolicy(configOf(desired), call);
      return made.ResponseHeadersPolicy?.Id ?? '';
    },
    read(id) {
      const found = table.find(id);
      return (
        found && {
          Id: id,
          LastModifiedTime: new Date(found.lastModified).toISOString(),
          ResponseHeadersPolicyConfig: policyProperties(found.config),
        }
      );
    },
    async update(id, desired) {
      const version = { Id: id, IfMatch: table.get(id).etag };
      await operations.UpdateResponseHeadersPolicy({ ...version, ...configOf(desired) }, call);
    },
    async delete(id) {
      await operations.DeleteResponseHeadersPolicy({ Id: id, IfMatch: table.get(id).etag }, call);
    },
    list: () => table.all().map(({ id }) => id),
  };
}

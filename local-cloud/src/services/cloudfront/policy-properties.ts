import type * as sdk from '@aws-sdk/client-cloudfront';
import { z } from 'zod';
import type { ResourceProperties } from '../../resource-type.js';

/** How CloudFormation spells a response headers policy, and how the CloudFront API does. */

const text = z.string().optional();
const flag = z.boolean().optional();
const items = z.strictObject({ Items: z.array(z.string()) });
const override = { Override: z.boolean() };

const config = z.strictObject({
  Name: z.string(),
  Comment: text,
  CorsConfig: z
    .strictObject({
      AccessControlAllowOrigins: items,
      AccessControlAllowHeaders: items,
      AccessControlAllowMethods: items,
      AccessControlAllowCredentials: z.boolean(),
      AccessControlExposeHeaders: items.optional(),
      AccessControlMaxAgeSec: z.number().optional(),
      OriginOverride: z.boolean(),
    })
    .optional(),
  CustomHeadersConfig: z
    .strictObject({
      Items: z.array(z.strictObject({ Header: z.string(), Value: z.string(), ...override })),
    })
    .optional(),
  RemoveHeadersConfig: z.strictObject({ Items: z.array(z.strictObject({ Header: z.string() })) }).optional(),
  SecurityHeadersConfig: z
    .strictObject({
      ContentSecurityPolicy: z.strictObject({ ContentSecurityPolicy: z.string(), ...override }).optional(),
      ContentTypeOptions: z.strictObject(override).optional(),
      FrameOptions: z.strictObject({ FrameOption: z.enum(['DENY', 'SAMEORIGIN']), ...override }).optional(),
      ReferrerPolicy: z.strictObject({ ReferrerPolicy: z.string(), ...override }).optional(),
      StrictTransportSecurity: z
        .strictObject({
          AccessControlMaxAgeSec: z.number(),
          IncludeSubdomains: flag,
          Preload: flag,
          ...override,
        })
        .optional(),
      XSSProtection: z
        .strictObject({ Protection: z.boolean(), ModeBlock: flag, ReportUri: text, ...override })
        .optional(),
    })
    .optional(),
  ServerTimingHeadersConfig: z
    .strictObject({ Enabled: z.boolean(), SamplingRate: z.number().optional() })
    .optional(),
});

export const policySchema = z.strictObject({
  ResponseHeadersPolicyConfig: config,
  // Read-only ones come back in documents that were read before.
  Id: text,
  LastModifiedTime: text,
});

/** The lists of a policy; the API counts their items, CloudFormation does not. */
const LISTS = new Set([
  'AccessControlAllowOrigins',
  'AccessControlAllowHeaders',
  'AccessControlAllowMethods',
  'AccessControlExposeHeaders',
  'CustomHeadersConfig',
  'RemoveHeadersConfig',
]);

/** The configuration as the API takes it, which checks its words. */
export function toPolicyConfig(wanted: z.infer<typeof config>): sdk.ResponseHeadersPolicyConfig {
  return convert(wanted, (list) => ({
    Quantity: list.length,
    Items: list,
  })) as sdk.ResponseHeadersPolicyConfig;
}

/** A configuration as CloudFormation reads it. */
export function policyProperties(kept: sdk.ResponseHeadersPolicyConfig): ResourceProperties {
  return convert(kept, (list) => ({ Items: list })) as ResourceProperties;
}

function convert(value: object, write: (items: readonly unknown[]) => object): object {
  const members = Object.entries(value).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'object' || member === null) return [name, member];
    if (LISTS.has(name) && 'Items' in member && Array.isArray(member.Items)) {
      return [name, write(member.Items)];
    }
    return [name, Array.isArray(member) ? member : convert(member, write)];
  });
  return Object.fromEntries(members);
}

import type { Tag } from '@aws-sdk/client-iot';
import { z } from 'zod';
import type { ResourceProperties } from '../../../resource-type.js';
import { tagList, tagsOf } from '../../../tags.js';
import type { Changes } from '../changes.js';
import { invalid } from '../errors.js';
import type { Tables } from '../tables.js';

/** Attributes as CloudFormation writes them. */
export const attributePayload = z
  .object({ Attributes: z.record(z.string(), z.string()).optional() })
  .optional();

/**
 * Reads the properties of a resource.
 *
 * @throws InvalidRequestException naming the first property that is wrong.
 */
export function readProperties<T>(schema: z.ZodType<T>, properties: ResourceProperties): T {
  const result = schema.safeParse(properties);
  if (result.success) return result.data;
  throw invalid(z.prettifyError(result.error).replace(/\s*\n\s*/g, ' '));
}

/** Tags of resources by their ARN, for Cloud Control. */
export class ResourceTags {
  constructor(
    private readonly tables: Tables,
    private readonly changes: Changes,
  ) {}

  /** As a property, left out when there are none. */
  read(arn: string): { Tags?: { Key: string; Value: string }[] } {
    const tags = tagList(this.tables.tags.get(arn) ?? {});
    return tags.length > 0 ? { Tags: tags } : {};
  }

  /** Replaces all tags. */
  write(arn: string, tags: readonly Tag[] | undefined): void {
    this.changes.transaction(() => {
      if (tags && tags.length > 0) this.tables.tags.put(arn, tagsOf(tags));
      else this.tables.tags.delete(arn);
    });
  }
}

import { z } from 'zod';
import { generatedName, tagsSchema } from '../../../resource-properties.js';
import { loadResourceSchema } from '../../../resource-schema.js';
import type { ResourceType } from '../../../resource-type.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import type { ThingGroups } from '../registry/thing-groups.js';
import type { ThingTypes } from '../registry/thing-types.js';
import type { Things } from '../registry/things.js';
import type { Tables } from '../tables.js';
import { attributePayload, type ResourceTags, readProperties } from './property-values.js';

const thingSchema = z.object({ ThingName: z.string().optional(), AttributePayload: attributePayload });
const typeSchema = z.object({
  ThingTypeName: z.string().optional(),
  DeprecateThingType: z.boolean().optional(),
  ThingTypeProperties: z
    .object({
      ThingTypeDescription: z.string().optional(),
      SearchableAttributes: z.array(z.string()).optional(),
    })
    .optional(),
  Tags: tagsSchema.optional(),
});
const groupSchema = z.object({
  ThingGroupName: z.string().optional(),
  ParentGroupName: z.string().optional(),
  QueryString: z.undefined({ error: 'dynamic thing groups are not built in the local cloud' }).optional(),
  ThingGroupProperties: z
    .object({ ThingGroupDescription: z.string().optional(), AttributePayload: attributePayload })
    .optional(),
  Tags: tagsSchema.optional(),
});

/** Parts of the registry that these resource types manage. */
export interface ThingResourceParts {
  readonly tables: Tables;
  readonly changes: Changes;
  readonly arns: IotArns;
  readonly tags: ResourceTags;
  readonly things: Things;
  readonly types: ThingTypes;
  readonly groups: ThingGroups;
}

/** AWS::IoT::Thing, AWS::IoT::ThingType and AWS::IoT::ThingGroup. */
export function thingResourceTypes(parts: ThingResourceParts): ResourceType[] {
  return [thing(parts), thingType(parts), thingGroup(parts)];
}

function thing({ tables, arns, things }: ThingResourceParts): ResourceType {
  const typeName = 'AWS::IoT::Thing';
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { ThingName: thingName = generatedName('Thing'), AttributePayload } = readProperties(
        thingSchema,
        desired,
      );
      const attributes = AttributePayload?.Attributes;
      things.operations.CreateThing({ thingName, ...(attributes && { attributePayload: { attributes } }) });
      return thingName;
    },
    read(thingName) {
      const record = tables.things.get(thingName);
      if (!record) return undefined;
      const hasAttributes = Object.keys(record.attributes).length > 0;
      return {
        ThingName: thingName,
        Id: record.thingId,
        Arn: arns.thing(thingName),
        ...(hasAttributes && { AttributePayload: { Attributes: record.attributes } }),
      };
    },
    update(thingName, desired) {
      const { AttributePayload } = readProperties(thingSchema, desired);
      const attributePayload = { attributes: AttributePayload?.Attributes ?? {} };
      things.operations.UpdateThing({ thingName, attributePayload });
    },
    delete(thingName) {
      things.operations.DeleteThing({ thingName });
    },
    list: () => [...tables.things.entries()].map(([name]) => name),
  };
}

function thingType({ tables, changes, arns, tags, types }: ThingResourceParts): ResourceType {
  const typeName = 'AWS::IoT::ThingType';
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const found = readProperties(typeSchema, desired);
      const { ThingTypeName: thingTypeName = generatedName('ThingType'), Tags, ThingTypeProperties } = found;
      return changes.transaction(() => {
        types.operations.CreateThingType({
          thingTypeName,
          thingTypeProperties: {
            thingTypeDescription: ThingTypeProperties?.ThingTypeDescription,
            searchableAttributes: ThingTypeProperties?.SearchableAttributes,
          },
          tags: Tags,
        });
        if (found.DeprecateThingType) types.operations.DeprecateThingType({ thingTypeName });
        return thingTypeName;
      });
    },
    read(thingTypeName) {
      const record = tables.thingTypes.get(thingTypeName);
      if (!record) return undefined;
      const arn = arns.thingType(thingTypeName);
      const properties = {
        ...(record.description !== undefined && { ThingTypeDescription: record.description }),
        ...(record.searchableAttributes.length > 0 && { SearchableAttributes: record.searchableAttributes }),
      };
      return {
        ThingTypeName: thingTypeName,
        Id: record.thingTypeId,
        Arn: arn,
        ...(Object.keys(properties).length > 0 && { ThingTypeProperties: properties }),
        ...(record.deprecated !== undefined && { DeprecateThingType: true }),
        ...tags.read(arn),
      };
    },
    update(thingTypeName, desired) {
      const { DeprecateThingType, ThingTypeProperties, Tags } = readProperties(typeSchema, desired);
      changes.transaction(() => {
        types.operations.UpdateThingType({
          thingTypeName,
          thingTypeProperties: {
            thingTypeDescription: ThingTypeProperties?.ThingTypeDescription,
            searchableAttributes: ThingTypeProperties?.SearchableAttributes,
          },
        });
        types.operations.DeprecateThingType({ thingTypeName, undoDeprecate: !DeprecateThingType });
        tags.write(arns.thingType(thingTypeName), Tags);
      });
    },
    delete(thingTypeName) {
      types.delete(thingTypeName);
    },
    list: () => [...tables.thingTypes.entries()].map(([name]) => name),
  };
}

function thingGroup({ tables, changes, arns, tags, groups }: ThingResourceParts): ResourceType {
  const typeName = 'AWS::IoT::ThingGroup';
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const found = readProperties(groupSchema, desired);
      const { ThingGroupName: thingGroupName = generatedName('ThingGroup'), ThingGroupProperties } = found;
      const attributes = ThingGroupProperties?.AttributePayload?.Attributes;
      groups.operations.CreateThingGroup({
        thingGroupName,
        parentGroupName: found.ParentGroupName,
        thingGroupProperties: {
          thingGroupDescription: ThingGroupProperties?.ThingGroupDescription,
          ...(attributes && { attributePayload: { attributes } }),
        },
        tags: found.Tags,
      });
      return thingGroupName;
    },
    read(thingGroupName) {
      const record = tables.thingGroups.get(thingGroupName);
      if (!record) return undefined;
      const arn = arns.thingGroup(thingGroupName);
      const hasAttributes = Object.keys(record.attributes).length > 0;
      const properties = {
        ...(record.description !== undefined && { ThingGroupDescription: record.description }),
        ...(hasAttributes && { AttributePayload: { Attributes: record.attributes } }),
      };
      return {
        ThingGroupName: thingGroupName,
        Id: record.thingGroupId,
        Arn: arn,
        ...(record.parentGroupName !== undefined && { ParentGroupName: record.parentGroupName }),
        ...(Object.keys(properties).length > 0 && { ThingGroupProperties: properties }),
        ...tags.read(arn),
      };
    },
    update(thingGroupName, desired) {
      const { ThingGroupProperties, Tags } = readProperties(groupSchema, desired);
      changes.transaction(() => {
        groups.operations.UpdateThingGroup({
          thingGroupName,
          thingGroupProperties: {
            thingGroupDescription: ThingGroupProperties?.ThingGroupDescription ?? '',
            attributePayload: { attributes: ThingGroupProperties?.AttributePayload?.Attributes ?? {} },
          },
        });
        tags.write(arns.thingGroup(thingGroupName), Tags);
      });
    },
    delete(thingGroupName) {
      groups.operations.DeleteThingGroup({ thingGroupName });
    },
    list: () => [...tables.thingGroups.entries()].map(([name]) => name),
  };
}

import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked, invalid, notFound, REGISTRY_NAME } from '../errors.js';
import { page } from '../paging.js';
import type { Tables, ThingTypeRecord } from '../tables.js';

/** How long a thing type must have been deprecated before it can be deleted. */
const DELETION_DELAY = 5 * 60 * 1000;

/** As many as the schema of AWS::IoT::ThingType allows. */
const SEARCHABLE_ATTRIBUTES = 3;

function checkSearchable(attributes: readonly string[] = []): void {
  if (attributes.length > SEARCHABLE_ATTRIBUTES) {
    throw invalid(
      `A thing type has at most ${SEARCHABLE_ATTRIBUTES} searchable attributes, not ${attributes.length}`,
    );
  }
}

/** The registry's thing types. */
export function thingTypes(tables: Tables, changes: Changes, arns: IotArns, clock: Clock) {
  function existing(name: string | undefined): ThingTypeRecord {
    const record = tables.thingTypes.get(checked(name, 'thingTypeName', REGISTRY_NAME, 128));
    if (!record) throw notFound(`Thing type ${name} cannot be found.`);
    return record;
  }

  function remove(thingTypeName: string): void {
    for (const [, thing] of tables.things.entries()) {
      if (thing.thingTypeName === thingTypeName) {
        throw invalid(`Cannot delete thing type : ${thingTypeName}. It is still associated with things`);
      }
    }
    tables.thingTypes.delete(thingTypeName);
    tables.tags.delete(arns.thingType(thingTypeName));
  }

  const operations = {
    CreateThingType(input: sdk.CreateThingTypeCommandInput) {
      const thingTypeName = checked(input.thingTypeName, 'thingTypeName', REGISTRY_NAME, 128);
      const { thingTypeDescription: description, searchableAttributes = [] } =
        input.thingTypeProperties ?? {};
      checkSearchable(searchableAttributes);
      const thingTypeArn = arns.thingType(thingTypeName);
      return changes.transaction(() => {
        let record = tables.thingTypes.get(thingTypeName);
        if (record) {
          const same =
            record.description === description &&
            record.searchableAttributes.join() === searchableAttributes.join();
          if (!same) {
            throw alreadyExists(
              `ThingType ${thingTypeName} already exists in account with different properties`,
              record.thingTypeId,
              thingTypeArn,
            );
          }
        } else {
          record = {
            thingTypeName,
            thingTypeId: randomUUID(),
            ...(description !== undefined && { description }),
            searchableAttributes,
            created: clock.now(),
          };
          tables.thingTypes.put(thingTypeName, record);
          if (input.tags?.length) tables.tags.put(thingTypeArn, tagsOf(input.tags));
        }
        return { thingTypeName, thingTypeArn, thingTypeId: record.thingTypeId };
      });
    },

    DescribeThingType({ thingTypeName }: sdk.DescribeThingTypeCommandInput) {
      return described(existing(thingTypeName));
    },

    UpdateThingType(input: sdk.UpdateThingTypeCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.thingTypeName);
        const { thingTypeDescription, searchableAttributes } = input.thingTypeProperties ?? {};
        checkSearchable(searchableAttributes);
        tables.thingTypes.put(record.thingTypeName, {
          ...record,
          ...(thingTypeDescription !== undefined && { description: thingTypeDescription }),
          ...(searchableAttributes && { searchableAttributes }),
        });
        return {};
      });
    },

    DeprecateThingType(input: sdk.DeprecateThingTypeCommandInput) {
      return changes.transaction(() => {
        const { deprecated, ...record } = existing(input.thingTypeName);
        tables.thingTypes.put(
          record.thingTypeName,
          input.undoDeprecate ? record : { ...record, deprecated: deprecated ?? clock.now() },
        );
        return {};
      });
    },

    DeleteThingType({ thingTypeName }: sdk.DeleteThingTypeCommandInput) {
      return changes.transaction(() => {
        const record = existing(thingTypeName);
        const name = record.thingTypeName;
        if (record.deprecated === undefined) {
          throw invalid(
            `Cannot delete thing type : ${name}. Deprecate it first and then delete it after 5 minutes`,
          );
        }
        if (clock.now() - record.deprecated < DELETION_DELAY) {
          throw invalid(
            `Cannot delete thing type : ${name}. Please wait for 5 minutes after deprecation and then retry`,
          );
        }
        remove(name);
        return {};
      });
    },

    ListThingTypes(input: sdk.ListThingTypesCommandInput) {
      const listFrom = function* (after: string | undefined) {
        for (const [name, record] of tables.thingTypes.entries(after === undefined ? {} : { after })) {
          if (input.thingTypeName === undefined || input.thingTypeName === name) yield record;
        }
      };
      const { items, next } = page(
        listFrom,
        ({ thingTypeName }) => thingTypeName,
        input.nextToken,
        input.maxResults,
      );
      return {
        thingTypes: items.map((record) => {
          const { thingTypeId: _, ...type } = described(record);
          return type;
        }),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  function described(record: ThingTypeRecord) {
    const { thingTypeName, thingTypeId, description, searchableAttributes, created, deprecated } = record;
    return {
      thingTypeName,
      thingTypeId,
      thingTypeArn: arns.thingType(thingTypeName),
      thingTypeProperties: {
        ...(description !== undefined && { thingTypeDescription: description }),
        searchableAttributes,
      },
      thingTypeMetadata: {
        deprecated: deprecated !== undefined,
        creationDate: new Date(created),
        ...(deprecated !== undefined && { deprecationDate: new Date(deprecated) }),
      },
    };
  }

  return {
    operations,
    /** Deletes a thing type without the delay, which CloudFormation waits for on its own. */
    delete(thingTypeName: string): void {
      changes.transaction(() => remove(existing(thingTypeName).thingTypeName));
    },
  };
}

export type ThingTypes = ReturnType<typeof thingTypes>;

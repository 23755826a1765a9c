import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked, checkVersion, invalid, notFound, REGISTRY_NAME } from '../errors.js';
import { page } from '../paging.js';
import { secondParts, type Tables, type ThingRecord } from '../tables.js';
import type { RegistryEvents } from './registry-events.js';

/** AWS IoT Core quotas: attributes of a thing without and with a thing type. */
const ATTRIBUTES_WITHOUT_TYPE = 3;
const ATTRIBUTES_WITH_TYPE = 50;
const ATTRIBUTE_NAME = /^[a-zA-Z0-9_.,@/:#-]+$/;
const ATTRIBUTE_VALUE = /^[a-zA-Z0-9_.,@/:#=[\]-]*$/;

/** The registry's things. */
export function things(tables: Tables, changes: Changes, arns: IotArns, events: RegistryEvents) {
  function existing(name: string | undefined): ThingRecord {
    const record = tables.things.get(checked(name, 'thingName', REGISTRY_NAME, 128));
    if (!record) throw notFound(`Thing ${name} cannot be found.`);
    return record;
  }

  function checkType(thingTypeName: string | undefined): void {
    if (thingTypeName === undefined) return;
    const type = tables.thingTypes.get(checked(thingTypeName, 'thingTypeName', REGISTRY_NAME, 128));
    if (!type) throw notFound(`Thing type ${thingTypeName} cannot be found.`);
    if (type.deprecated !== undefined) {
      throw invalid(`Can not create new thing with deprecated thing type:${thingTypeName}`);
    }
  }

  function save(record: ThingRecord): void {
    checkAttributes(record.attributes, record.thingTypeName === undefined);
    tables.things.put(record.thingName, record);
    changes.touch(`thing/${record.thingName}`);
  }

  const operations = {
    CreateThing(input: sdk.CreateThingCommandInput) {
      const thingName = checked(input.thingName, 'thingName', REGISTRY_NAME, 128);
      if (input.billingGroupName !== undefined)
        throw invalid('Billing groups are not built in the local cloud');
      const attributes = mergeAttributes({}, input.attributePayload, false);
      return changes.transaction(() => {
        let record = tables.things.get(thingName);
        if (record) {
          const same =
            record.thingTypeName === input.thingTypeName && sameAttributes(record.attributes, attributes);
          if (!same) {
            throw alreadyExists(
              `Thing ${thingName} already exists in account with different attributes`,
              record.thingId,
              arns.thing(thingName),
            );
          }
        } else {
          checkType(input.thingTypeName);
          const { thingTypeName } = input;
          record = {
            thingName,
            thingId: randomUUID(),
            ...(thingTypeName && { thingTypeName }),
            attributes,
            version: 1,
          };
          save(record);
          events.thing('created', record);
        }
        return { thingName, thingArn: arns.thing(thingName), thingId: record.thingId };
      });
    },

    DescribeThing({ thingName }: sdk.DescribeThingCommandInput) {
      const record = existing(thingName);
      return { ...record, defaultClientId: record.thingName, thingArn: arns.thing(record.thingName) };
    },

    UpdateThing(input: sdk.UpdateThingCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.thingName);
        checkVersion(input.expectedVersion, record.version, `thing ${record.thingName}`);
        if (input.removeThingType && input.thingTypeName !== undefined) {
          throw invalid('thingTypeName and removeThingType cannot be given together');
        }
        checkType(input.thingTypeName);
        const next: ThingRecord = { ...record, version: record.version + 1 };
        if (input.removeThingType) delete next.thingTypeName;
        else if (input.thingTypeName !== undefined) next.thingTypeName = input.thingTypeName;
        if (input.attributePayload !== undefined) {
          next.attributes = mergeAttributes(
            record.attributes,
            input.attributePayload,
            input.attributePayload.merge ?? false,
          );
        }
        save(next);
        events.thing('updated', next);
        return {};
      });
    },

    /** Deleting a thing that does not exist succeeds, as in AWS. */
    DeleteThing(input: sdk.DeleteThingCommandInput) {
      const thingName = checked(input.thingName, 'thingName', REGISTRY_NAME, 128);
      return changes.transaction(() => {
        const record = tables.things.get(thingName);
        if (!record) return {};
        checkVersion(input.expectedVersion, record.version, `thing ${thingName}`);
        if (!secondParts(tables.thingPrincipals, thingName).next().done) {
          throw invalid(`Cannot delete. Thing ${thingName} is still attached to one or more principals`);
        }
        for (const [group] of [...secondParts(tables.thingMemberships, thingName)]) {
          tables.thingMemberships.delete(key(thingName, group));
          tables.groupMembers.delete(key(group, thingName));
        }
        tables.things.delete(thingName);
        tables.connectivity.delete(thingName);
        changes.touch(`thing/${thingName}`);
        events.thing('deleted', record);
        return {};
      });
    },

    ListThings(input: sdk.ListThingsCommandInput) {
      const { attributeName, attributeValue, thingTypeName, usePrefixAttributeValue } = input;
      if (attributeValue !== undefined && attributeName === undefined) {
        throw invalid('attributeValue is given without attributeName');
      }
      const matches = ({ attributes, thingTypeName: type }: ThingRecord) => {
        if (thingTypeName !== undefined && type !== thingTypeName) return false;
        if (attributeName === undefined) return true;
        const value = attributes[attributeName];
        if (value === undefined) return false;
        if (attributeValue === undefined) return true;
        return usePrefixAttributeValue ? value.startsWith(attributeValue) : value === attributeValue;
      };
      function* listFrom(after: string | undefined) {
        for (const [, record] of tables.things.entries(after === undefined ? {} : { after })) {
          if (matches(record)) yield record;
        }
      }
      const { items, next } = page(listFrom, ({ thingName }) => thingName, input.nextToken, input.maxResults);
      return {
        things: items.map(({ thingId: _, ...thing }) => ({
          ...thing,
          thingArn: arns.thing(thing.thingName),
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, existing };
}

export type Things = ReturnType<typeof things>;

function checkAttributes(attributes: Readonly<Record<string, string>>, withoutType: boolean): void {
  const limit = withoutType ? ATTRIBUTES_WITHOUT_TYPE : ATTRIBUTES_WITH_TYPE;
  const count = Object.keys(attributes).length;
  if (count <= limit) return;
  throw invalid(
    `Cannot have ${count} attributes. A thing ${withoutType ? 'without' : 'with'} a thing type has at most ${limit}`,
  );
}

/** The attributes after an update: replaced, or merged with an empty value removing one. */
export function mergeAttributes(
  before: Readonly<Record<string, string>>,
  payload: sdk.AttributePayload | undefined,
  merge: boolean,
): Record<string, string> {
  const attributes: Record<string, string> = merge ? { ...before } : {};
  for (const [name, value] of Object.entries(payload?.attributes ?? {})) {
    checked(name, 'attributePayload.attributes', ATTRIBUTE_NAME, 128);
    if (value === '') delete attributes[name];
    else attributes[name] = checked(value, `attributePayload.attributes.${name}`, ATTRIBUTE_VALUE, 800);
  }
  return attributes;
}

export function sameAttributes(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

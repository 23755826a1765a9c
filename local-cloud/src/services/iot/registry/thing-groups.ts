import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import { tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import {
  alreadyExists,
  checked,
  checkVersion,
  invalid,
  limitExceeded,
  notFound,
  REGISTRY_NAME,
} from '../errors.js';
import { page } from '../paging.js';
import { secondParts, type Tables, type ThingGroupRecord } from '../tables.js';
import { mergeAttributes, sameAttributes } from './things.js';

/** AWS IoT Core quota: depth of a hierarchy of thing groups. */
const DEEPEST = 7;

/** The registry's static thing groups and their hierarchy. */
export function thingGroups(tables: Tables, changes: Changes, arns: IotArns, clock: Clock) {
  function existing(name: string | undefined): ThingGroupRecord {
    const record = tables.thingGroups.get(checked(name, 'thingGroupName', REGISTRY_NAME, 128));
    if (!record) throw notFound(`Thing group ${name} cannot be found.`);
    return record;
  }

  /** The groups above a group, the nearest first. */
  function ancestors(record: ThingGroupRecord): ThingGroupRecord[] {
    const above: ThingGroupRecord[] = [];
    for (let current = record; current.parentGroupName !== undefined; ) {
      const parent = tables.thingGroups.get(current.parentGroupName);
      if (!parent) break;
      above.push(parent);
      current = parent;
    }
    return above;
  }

  function* children(name: string): Generator<string> {
    for (const [child, record] of tables.thingGroups.entries()) {
      if (record.parentGroupName === name) yield child;
    }
  }

  const nameAndArn = (name: string) => ({ groupName: name, groupArn: arns.thingGroup(name) });

  const operations = {
    CreateThingGroup(input: sdk.CreateThingGroupCommandInput) {
      const name = checked(input.thingGroupName, 'thingGroupName', REGISTRY_NAME, 128);
      const { thingGroupDescription: description, attributePayload } = input.thingGroupProperties ?? {};
      const attributes = mergeAttributes({}, attributePayload, false);
      const { parentGroupName } = input;
      return changes.transaction(() => {
        let record = tables.thingGroups.get(name);
        if (record) {
          const same =
            record.description === description &&
            record.parentGroupName === parentGroupName &&
            sameAttributes(record.attributes, attributes);
          if (!same) {
            throw alreadyExists(
              `Thing Group ${name} already exists in current account with different properties`,
              record.thingGroupId,
              arns.thingGroup(name),
            );
          }
        } else {
          if (parentGroupName !== undefined) {
            const parent = existing(parentGroupName);
            if (ancestors(parent).length + 2 > DEEPEST) {
              throw limitExceeded(`The hierarchy of thing groups is at most ${DEEPEST} levels deep`);
            }
          }
          record = {
            thingGroupName: name,
            thingGroupId: randomUUID(),
            ...(parentGroupName !== undefined && { parentGroupName }),
            ...(description !== undefined && { description }),
            attributes,
            version: 1,
            created: clock.now(),
          };
          tables.thingGroups.put(name, record);
          if (input.tags?.length) tables.tags.put(arns.thingGroup(name), tagsOf(input.tags));
          changes.touch(`thinggroup/${name}`);
        }
        return {
          thingGroupName: name,
          thingGroupArn: arns.thingGroup(name),
          thingGroupId: record.thingGroupId,
        };
      });
    },

    DescribeThingGroup({ thingGroupName }: sdk.DescribeThingGroupCommandInput) {
      const record = existing(thingGroupName);
      const above = ancestors(record).map(({ thingGroupName: name }) => nameAndArn(name));
      return {
        thingGroupName: record.thingGroupName,
        thingGroupId: record.thingGroupId,
        thingGroupArn: arns.thingGroup(record.thingGroupName),
        version: record.version,
        thingGroupProperties: {
          ...(record.description !== undefined && { thingGroupDescription: record.description }),
          attributePayload: { attributes: record.attributes },
        },
        thingGroupMetadata: {
          creationDate: new Date(record.created),
          ...(record.parentGroupName !== undefined && { parentGroupName: record.parentGroupName }),
          ...(above.length > 0 && { rootToParentThingGroups: above.reverse() }),
        },
      };
    },

    UpdateThingGroup(input: sdk.UpdateThingGroupCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.thingGroupName);
        checkVersion(input.expectedVersion, record.version, `thing group ${record.thingGroupName}`);
        const { thingGroupDescription, attributePayload } = input.thingGroupProperties ?? {};
        const next: ThingGroupRecord = { ...record, version: record.version + 1 };
        if (thingGroupDescription) next.description = thingGroupDescription;
        else if (thingGroupDescription !== undefined) delete next.description;
        if (attributePayload !== undefined) {
          next.attributes = mergeAttributes(
            record.attributes,
            attributePayload,
            attributePayload.merge ?? false,
          );
        }
        tables.thingGroups.put(record.thingGroupName, next);
        return { version: next.version };
      });
    },

    /** Deleting a group that does not exist succeeds, as in AWS; its things stay. */
    DeleteThingGroup(input: sdk.DeleteThingGroupCommandInput) {
      const name = checked(input.thingGroupName, 'thingGroupName', REGISTRY_NAME, 128);
      return changes.transaction(() => {
        const record = tables.thingGroups.get(name);
        if (!record) return {};
        checkVersion(input.expectedVersion, record.version, `thing group ${name}`);
        if (!children(name).next().done) {
          throw invalid(
            `Cannot delete thing group : ${name} when there are still child groups attached to it`,
          );
        }
        for (const [thing] of [...secondParts(tables.groupMembers, name)]) leave(name, thing);
        const arn = arns.thingGroup(name);
        for (const [policy] of [...secondParts(tables.targetPolicies, arn)]) {
          tables.targetPolicies.delete(key(arn, policy));
          tables.policyTargets.delete(key(policy, arn));
        }
        tables.thingGroups.delete(name);
        tables.tags.delete(arn);
        changes.touch(`thinggroup/${name}`);
        return {};
      });
    },

    ListThingGroups(input: sdk.ListThingGroupsCommandInput) {
      const { parentGroup, namePrefixFilter: prefix = '' } = input;
      if (parentGroup !== undefined) existing(parentGroup);
      const recursive = input.recursive ?? true;
      const matches = (record: ThingGroupRecord) => {
        if (!record.thingGroupName.startsWith(prefix)) return false;
        if (parentGroup === undefined) return recursive || record.parentGroupName === undefined;
        if (!recursive) return record.parentGroupName === parentGroup;
        return ancestors(record).some(({ thingGroupName }) => thingGroupName === parentGroup);
      };
      const listFrom = function* (after: string | undefined) {
        for (const [, record] of tables.thingGroups.entries({
          prefix,
          ...(after !== undefined && { after }),
        })) {
          if (matches(record)) yield nameAndArn(record.thingGroupName);
        }
      };
      const { items, next } = page(listFrom, ({ groupName }) => groupName, input.nextToken, input.maxResults);
      return { thingGroups: items, ...(next !== undefined && { nextToken: next }) };
    },

    AddThingToThingGroup(input: sdk.AddThingToThingGroupCommandInput) {
      return changes.transaction(() => {
        const { group, thing } = namesOf(input);
        join(group, thing);
        return {};
      });
    },

    RemoveThingFromThingGroup(input: sdk.RemoveThingFromThingGroupCommandInput) {
      return changes.transaction(() => {
        const { group, thing } = namesOf(input);
        leave(group, thing);
        return {};
      });
    },

    UpdateThingGroupsForThing(input: sdk.UpdateThingGroupsForThingCommandInput) {
      return changes.transaction(() => {
        const thing = existingThing(input.thingName);
        for (const name of input.thingGroupsToRemove ?? []) leave(existing(name).thingGroupName, thing);
        for (const name of input.thingGroupsToAdd ?? []) join(existing(name).thingGroupName, thing);
        return {};
      });
    },

    ListThingsInThingGroup(input: sdk.ListThingsInThingGroupCommandInput) {
      const name = existing(input.thingGroupName).thingGroupName;
      const groups = [name];
      if (input.recursive) for (const group of groups) groups.push(...children(group));
      const members = new Set(
        groups.flatMap((group) => [...secondParts(tables.groupMembers, group)].map(([thing]) => thing)),
      );
      const sorted = [...members].sort();
      const { items, next } = page(
        (after) => (after === undefined ? sorted : sorted.filter((thing) => thing > after)),
        (thing) => thing,
        input.nextToken,
        input.maxResults,
      );
      return { things: items, ...(next !== undefined && { nextToken: next }) };
    },

    ListThingGroupsForThing(input: sdk.ListThingGroupsForThingCommandInput) {
      const thing = existingThing(input.thingName);
      const groups = [...secondParts(tables.thingMemberships, thing)].map(([group]) => group);
      const { items, next } = page(
        (after) => (after === undefined ? groups : groups.filter((group) => group > after)),
        (group) => group,
        input.nextToken,
        input.maxResults,
      );
      return { thingGroups: items.map(nameAndArn), ...(next !== undefined && { nextToken: next }) };
    },
  } satisfies Operations<typeof sdk>;

  function existingThing(name: string | undefined): string {
    const thing = checked(name, 'thingName', REGISTRY_NAME, 128);
    if (!tables.things.get(thing)) throw notFound(`Thing ${thing} cannot be found.`);
    return thing;
  }

  function namesOf(input: sdk.AddThingToThingGroupCommandInput): { group: string; thing: string } {
    const group = input.thingGroupName ?? arns.parse(input.thingGroupArn ?? '')?.name;
    const thing = input.thingName ?? arns.parse(input.thingArn ?? '')?.name;
    return { group: existing(group).thingGroupName, thing: existingThing(thing) };
  }

  function join(group: string, thing: string): void {
    if (tables.groupMembers.get(key(group, thing))) return;
    const rootOf = (record: ThingGroupRecord) => (ancestors(record).at(-1) ?? record).thingGroupName;
    const root = rootOf(existing(group));
    for (const [other] of secondParts(tables.thingMemberships, thing)) {
      if (rootOf(existing(other)) !== root) continue;
      throw invalid(
        `Thing ${thing} cannot be added to thing group ${group}: it is in ${other} of the same hierarchy`,
      );
    }
    tables.groupMembers.put(key(group, thing), true);
    tables.thingMemberships.put(key(thing, group), true);
    changes.touch(`thing/${thing}`);
  }

  function leave(group: string, thing: string): void {
    tables.groupMembers.delete(key(group, thing));
    tables.thingMemberships.delete(key(thing, group));
    changes.touch(`thing/${thing}`);
  }

  return {
    operations,
    existing,
    ancestors,
    /** The things in a group and in the groups below it; none when there is no such group. */
    *membersOf(name: string): Generator<string> {
      const below = [name];
      for (const group of below) {
        for (const [thing] of secondParts(tables.groupMembers, group)) yield thing;
        below.push(...children(group));
      }
    },
    /** The groups of a thing and those above them. */
    allGroupsOf(thing: string): string[] {
      const names = new Set<string>();
      for (const [group] of secondParts(tables.thingMemberships, thing)) {
        names.add(group);
        const record = tables.thingGroups.get(group);
        for (const above of record ? ancestors(record) : []) names.add(above.thingGroupName);
      }
      return [...names];
    },
  };
}

export type ThingGroups = ReturnType<typeof thingGroups>;

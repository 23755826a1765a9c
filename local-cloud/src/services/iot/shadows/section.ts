import { isObject, type Json, type JsonObject, member, sameJson } from './json.js';

/** The desired or the reported section of a shadow; `metadata` has the shape of `state`, times instead of leaves. */
export interface Section {
  readonly state: JsonObject;
  readonly metadata: JsonObject;
}

export const EMPTY_SECTION: Section = { state: {}, metadata: {} };

/**
 * A section after an update: objects are merged member by member, null removes a member, all else (lists too)
 * replaces what was there.
 *
 * @param timestamp seconds since 1970, noted for each leaf that the update names.
 */
export function mergeSection(section: Section, update: JsonObject, timestamp: number): Section {
  const state = new Map(Object.entries(section.state));
  const metadata = new Map(Object.entries(section.metadata));
  for (const [name, value] of Object.entries(update)) {
    if (value === null) {
      state.delete(name);
      metadata.delete(name);
    } else if (isObject(value)) {
      const under = mergeSection(within(section, name) ?? EMPTY_SECTION, value, timestamp);
      state.set(name, under.state);
      metadata.set(name, under.metadata);
    } else {
      state.set(name, value);
      metadata.set(name, stamp(value, timestamp));
    }
  }
  return { state: Object.fromEntries(state), metadata: Object.fromEntries(metadata) };
}

/**
 * What of the desired section is not so in the reported one, with its metadata; empty when nothing is. What only
 * the reported section has is no difference.
 */
export function difference(desired: Section, reported: Section): Section {
  const state: [string, Json][] = [];
  const metadata: [string, Json][] = [];
  for (const [name, value] of Object.entries(desired.state)) {
    const actual = member(reported.state, name);
    if (actual !== undefined && sameJson(value, actual)) continue;
    const [own, other] = [within(desired, name), within(reported, name)];
    const part = own && other && difference(own, other);
    if (part && isEmpty(part)) continue;
    state.push([name, part?.state ?? value]);
    metadata.push([name, part?.metadata ?? member(desired.metadata, name) ?? {}]);
  }
  return { state: Object.fromEntries(state), metadata: Object.fromEntries(metadata) };
}

export function isEmpty({ state }: Section): boolean {
  return Object.keys(state).length === 0;
}

/** Of a section's metadata what an update set: the members that it names and that are there. */
export function metadataOf(update: JsonObject, metadata: JsonObject): JsonObject {
  const named: [string, Json][] = [];
  for (const [name, value] of Object.entries(update)) {
    const times = member(metadata, name);
    if (value === null || times === undefined) continue;
    named.push([name, isObject(value) && isObject(times) ? metadataOf(value, times) : times]);
  }
  return Object.fromEntries(named);
}

/** A member that is an object, as a section of its own. */
function within({ state, metadata }: Section, name: string): Section | undefined {
  const value = member(state, name);
  if (!isObject(value)) return undefined;
  const times = member(metadata, name);
  return { state: value, metadata: isObject(times) ? times : {} };
}

/** The metadata of a value that is new: lists have it for each item. */
function stamp(value: Json, timestamp: number): Json {
  if (Array.isArray(value)) return value.map((item) => stamp(item, timestamp));
  if (!isObject(value)) return { timestamp };
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, stamp(item, timestamp)]));
}

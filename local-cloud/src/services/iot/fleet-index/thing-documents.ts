import type * as sdk from '@aws-sdk/client-iot';
import { isObject, type Json, type JsonObject } from '../shadows/json.js';
import type { ShadowDocument, Shadows } from '../shadows/shadows.js';
import { secondParts, type Tables, type ThingRecord } from '../tables.js';
import type { IndexSources } from './indexing-configuration.js';
import type { IndexedFields, Value } from './matching.js';

/** What is known of a thing's connection. */
export interface Connectivity {
  readonly connected: boolean;
  /** Milliseconds since 1970; undefined when it never connected. */
  readonly at?: number;
  readonly disconnectReason?: string;
  readonly clientId: string;
}

export interface ThingSources {
  readonly tables: Tables;
  readonly shadows: Pick<Shadows, 'get'>;
  readonly connectivity: (thingName: string) => Connectivity;
}

/** A thing in the index: the document that a search returns, and the fields that it looks at. */
export interface IndexedThing {
  readonly document: sdk.ThingDocument;
  readonly fields: IndexedFields;
}

/** Makes the document of a thing from what is now. */
export function indexThing(thing: ThingRecord, sources: IndexSources, from: ThingSources): IndexedThing {
  const { thingName, thingId, thingTypeName, attributes } = thing;
  const thingGroupNames = [...secondParts(from.tables.thingMemberships, thingName)].map(([group]) => group);
  const fields = new Map<string, Value[]>([
    ['thingName', [thingName]],
    ['thingId', [thingId]],
    ['thingGroupNames', thingGroupNames],
    ['registry.version', [thing.version]],
    ...Object.entries(attributes).map(([name, value]): [string, Value[]] => [`attributes.${name}`, [value]]),
  ]);
  if (thingTypeName !== undefined) fields.set('thingTypeName', [thingTypeName]);
  const shadow = indexShadows(thingName, sources, from, fields);
  const connectivity = sources.connectivity ? from.connectivity(thingName) : undefined;
  if (connectivity) {
    fields.set('connectivity.connected', [connectivity.connected]);
    if (connectivity.at !== undefined) fields.set('connectivity.timestamp', [connectivity.at]);
    if (connectivity.disconnectReason !== undefined) {
      fields.set('connectivity.disconnectReason', [connectivity.disconnectReason]);
    }
  }
  return {
    fields,
    document: {
      thingName,
      thingId,
      ...(thingTypeName !== undefined && { thingTypeName }),
      ...(thingGroupNames.length > 0 && { thingGroupNames }),
      ...(Object.keys(attributes).length > 0 && { attributes }),
      ...(shadow && { shadow: JSON.stringify(shadow) }),
      ...(connectivity && {
        connectivity: {
          connected: connectivity.connected,
          ...(connectivity.at !== undefined && { timestamp: connectivity.at }),
          ...(connectivity.disconnectReason !== undefined && {
            disconnectReason: connectivity.disconnectReason,
          }),
          ...(connectivity.at !== undefined && { clientId: connectivity.clientId }),
        },
      }),
    },
  };
}

function indexShadows(
  thingName: string,
  { shadow, namedShadows }: IndexSources,
  { shadows }: ThingSources,
  fields: Map<string, Value[]>,
): JsonObject | undefined {
  const classic = shadow ? shadows.get(thingName, undefined) : undefined;
  const named = namedShadows.flatMap((name) => {
    const document = shadows.get(thingName, name);
    return document ? [[name, document] as const] : [];
  });
  if (classic) addShadow('shadow', classic, fields);
  for (const [name, document] of named) addShadow(`shadow.name.${name}`, document, fields);
  if (!classic && named.length === 0) return undefined;
  return {
    ...(classic && shown(classic)),
    ...(named.length > 0 && {
      name: Object.fromEntries(named.map(([name, document]) => [name, shown(document)])),
    }),
  };
}

/** As a search returns it. */
function shown({ state, metadata, version }: ShadowDocument): JsonObject {
  return {
    ...(state as JsonObject),
    metadata: metadata as unknown as JsonObject,
    hasDelta: hasDelta(state),
    version,
  };
}

function addShadow(prefix: string, { state, metadata }: ShadowDocument, fields: Map<string, Value[]>): void {
  fields.set(`${prefix}.hasDelta`, [hasDelta(state)]);
  for (const [name, section] of Object.entries(state))
    addValues(`${prefix}.${name}`, section as Json, fields);
  addValues(`${prefix}.metadata`, metadata as unknown as Json, fields);
}

function hasDelta(state: ShadowDocument['state']): boolean {
  return 'delta' in state;
}

/** The leaves of a document, by the way to them; items of lists are values of the list's field. */
function addValues(path: string, value: Json, fields: Map<string, Value[]>): void {
  if (isList(value)) for (const item of value) addValues(path, item, fields);
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) addValues(`${path}.${name}`, member, fields);
  } else if (value !== null) {
    const known = fields.get(path);
    if (known) known.push(value);
    else fields.set(path, [value]);
  }
}

/** What Array.isArray does not tell of lists that are read only. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

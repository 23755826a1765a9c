import type * as sdk from '@aws-sdk/client-iot';
import { rangeViolation } from '../../../constraints.js';
import { page, readToken } from '../../../paging.js';
import type { Operations } from '../../../service.js';
import type { Changes } from '../changes.js';
import { invalid, notFound } from '../errors.js';
import { type IndexSources, indexingConfiguration } from './indexing-configuration.js';
import { fieldsOf, matches } from './matching.js';
import { invalidQuery, readQuery } from './query.js';
import { indexThing, type ThingSources } from './thing-documents.js';

/** Things of a page (AWS IoT API reference, SearchIndex). */
const PAGE_SIZE = 100;
const THINGS = 'AWS_Things';
const QUERY_VERSION = '2017-09-30';

/**
 * The fleet index of things (AWS IoT developer guide, "Fleet indexing"). There is nothing to build: a search looks at
 * the registry, the shadows and the connections as they are. Groups, aggregations and fleet metrics are not built.
 */
export function fleetIndex(changes: Changes, from: ThingSources) {
  const configuration = indexingConfiguration(from.tables);

  function existing(indexName: string | undefined): IndexSources {
    const name = indexName ?? THINGS;
    const sources = name === THINGS ? configuration.sources() : undefined;
    if (sources) return sources;
    throw notFound(
      `Index ${name} does not exist. Please enable index by calling UpdateIndexingConfiguration`,
    );
  }

  const operations = {
    GetIndexingConfiguration() {
      return {
        thingIndexingConfiguration: { ...configuration.get(), managedFields: MANAGED_FIELDS },
        thingGroupIndexingConfiguration: { thingGroupIndexingMode: 'OFF' as const },
      };
    },

    UpdateIndexingConfiguration(input: sdk.UpdateIndexingConfigurationCommandInput) {
      if (input.thingGroupIndexingConfiguration?.thingGroupIndexingMode === 'ON') {
        throw invalid('Indexing thing groups is not built in the local cloud');
      }
      const { thingIndexingConfiguration } = input;
      if (thingIndexingConfiguration) {
        changes.transaction(() => configuration.put(thingIndexingConfiguration));
      }
      return {};
    },

    ListIndices() {
      return { indexNames: configuration.sources() ? [THINGS] : [] };
    },

    DescribeIndex({ indexName }: sdk.DescribeIndexCommandInput) {
      const { shadow, connectivity, namedShadows } = existing(indexName);
      const schema = [
        shadow ? 'REGISTRY_AND_SHADOW' : 'REGISTRY',
        ...(connectivity ? ['CONNECTIVITY_STATUS'] : []),
      ].join('_AND_');
      return {
        indexName: THINGS,
        indexStatus: 'ACTIVE' as const,
        schema: namedShadows.length > 0 ? 'MULTI_INDEXING_MODE' : schema,
      };
    },

    SearchIndex(input: sdk.SearchIndexCommandInput) {
      const sources = existing(input.indexName);
      if (input.queryVersion !== undefined && input.queryVersion !== QUERY_VERSION) {
        throw invalid(`The query version ${input.queryVersion} is not supported, use ${QUERY_VERSION}`);
      }
      const size = input.maxResults ?? PAGE_SIZE;
      const problem = rangeViolation(size, 'maxResults', 1, PAGE_SIZE);
      if (problem !== undefined) throw invalid(problem);
      const query = readQuery(input.queryString ?? '');
      for (const field of fieldsOf(query)) checkField(field, sources);
      function* found(after: string | undefined) {
        for (const [, thing] of from.tables.things.entries(after === undefined ? {} : { after })) {
          const { document, fields } = indexThing(thing, sources, from);
          if (matches(query, fields)) yield { thingName: thing.thingName, document };
        }
      }
      const after = readToken(input.nextToken, () => invalid('Invalid pagination token'));
      const { items, next } = page(found, ({ thingName }) => thingName, after, size);
      return {
        things: items.map(({ document }) => document),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

/** @throws InvalidQueryException when the index has no such field. */
function checkField(field: string, { shadow, namedShadows, connectivity }: IndexSources): void {
  if (/^(thingName|thingId|thingTypeName|thingGroupNames|registry\.version|attributes\..+)$/.test(field))
    return;
  if (field.startsWith('shadow.name.')) {
    const name = namedShadows.find((known) => field.startsWith(`shadow.name.${known}.`));
    if (name !== undefined && SHADOW_FIELD.test(field.slice(`shadow.name.${name}.`.length))) return;
  } else if (field.startsWith('shadow.')) {
    if (shadow && SHADOW_FIELD.test(field.slice('shadow.'.length))) return;
  } else if (connectivity && /^connectivity\.(connected|timestamp|disconnectReason)$/.test(field)) return;
  throw invalidQuery(`Invalid query: the index has no field ${field}`);
}

const SHADOW_FIELD = /^(hasDelta|(desired|reported|delta|metadata)\..+)$/;

/** The fields that AWS IoT indexes by itself. */
const MANAGED_FIELDS: sdk.Field[] = [
  { name: 'thingId', type: 'String' },
  { name: 'thingName', type: 'String' },
  { name: 'registry.version', type: 'Number' },
  { name: 'registry.thingTypeName', type: 'String' },
  { name: 'registry.thingGroupNames', type: 'String' },
  { name: 'shadow.version', type: 'Number' },
  { name: 'shadow.hasDelta', type: 'Boolean' },
  { name: 'connectivity.timestamp', type: 'Number' },
  { name: 'connectivity.version', type: 'Number' },
  { name: 'connectivity.connected', type: 'Boolean' },
  { name: 'connectivity.disconnectReason', type: 'String' },
];

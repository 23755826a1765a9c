import type * as sdk from '@aws-sdk/client-iot';
import { checkEnum, invalid } from '../errors.js';
import { SHADOW_NAME } from '../shadows/limits.js';
import type { Tables } from '../tables.js';

/** What the index of things holds. */
export interface IndexSources {
  readonly registry: boolean;
  readonly shadow: boolean;
  readonly namedShadows: readonly string[];
  readonly connectivity: boolean;
}

/** Named shadows that can be indexed (AWS IoT Device Management quotas). */
const MOST_NAMED_SHADOWS = 10;

/** Which data of things is indexed: off at first, as in a new account. */
export function indexingConfiguration(tables: Tables) {
  const configuration = (): sdk.ThingIndexingConfiguration =>
    (tables.settings.get('thingIndexing') as sdk.ThingIndexingConfiguration | undefined) ?? {
      thingIndexingMode: 'OFF',
      thingConnectivityIndexingMode: 'OFF',
      deviceDefenderIndexingMode: 'OFF',
      namedShadowIndexingMode: 'OFF',
    };

  return {
    get: configuration,

    /** @throws InvalidRequestException when the modes do not go together, or are not built here. */
    put(input: sdk.ThingIndexingConfiguration): void {
      tables.settings.put('thingIndexing', checkedConfiguration(input));
    },

    /** Undefined when there is no index. */
    sources(): IndexSources | undefined {
      const { thingIndexingMode, thingConnectivityIndexingMode, namedShadowIndexingMode, filter } =
        configuration();
      if (thingIndexingMode === 'OFF') return undefined;
      return {
        registry: true,
        shadow: thingIndexingMode === 'REGISTRY_AND_SHADOW',
        namedShadows: namedShadowIndexingMode === 'ON' ? (filter?.namedShadowNames ?? []) : [],
        connectivity: thingConnectivityIndexingMode === 'STATUS',
      };
    },
  };
}

function checkedConfiguration(input: sdk.ThingIndexingConfiguration): sdk.ThingIndexingConfiguration {
  checkEnum(input.thingIndexingMode, 'thingIndexingMode', ['OFF', 'REGISTRY', 'REGISTRY_AND_SHADOW']);
  checkEnum(input.thingConnectivityIndexingMode, 'thingConnectivityIndexingMode', ['OFF', 'STATUS']);
  checkEnum(input.deviceDefenderIndexingMode, 'deviceDefenderIndexingMode', ['OFF', 'VIOLATIONS']);
  checkEnum(input.namedShadowIndexingMode, 'namedShadowIndexingMode', ['OFF', 'ON']);
  const { thingIndexingMode = 'OFF', customFields = [], filter } = input;
  const thingConnectivityIndexingMode = input.thingConnectivityIndexingMode ?? 'OFF';
  const namedShadowIndexingMode = input.namedShadowIndexingMode ?? 'OFF';
  if (input.deviceDefenderIndexingMode === 'VIOLATIONS') {
    throw invalid('Indexing violations of Device Defender is not built in the local cloud');
  }
  if (customFields.length > 0) throw invalid('Custom fields of the index are not built in the local cloud');
  if (filter?.geoLocations?.length) throw invalid('Geographic queries are not built in the local cloud');
  const names = filter?.namedShadowNames ?? [];
  if (names.length > MOST_NAMED_SHADOWS) {
    throw invalid(`At most ${MOST_NAMED_SHADOWS} named shadows can be indexed`);
  }
  const wrong = names.find((name) => !SHADOW_NAME.test(name));
  if (wrong !== undefined) throw invalid(`Invalid named shadow ${wrong}`);
  if (namedShadowIndexingMode === 'OFF' && names.length > 0) {
    throw invalid('namedShadowNames need namedShadowIndexingMode ON');
  }
  if (thingIndexingMode === 'OFF' && (thingConnectivityIndexingMode === 'STATUS' || names.length > 0)) {
    throw invalid('Nothing can be indexed of things while thingIndexingMode is OFF');
  }
  return {
    thingIndexingMode,
    thingConnectivityIndexingMode,
    deviceDefenderIndexingMode: 'OFF',
    namedShadowIndexingMode,
    ...(names.length > 0 && { filter: { namedShadowNames: [...names] } }),
  };
}

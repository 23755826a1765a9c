import type { ThingIndexingConfiguration } from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexed } from '../../src/deploy/account-settings.js';

const configurations: fc.Arbitrary<ThingIndexingConfiguration> = fc.record(
  {
    thingIndexingMode: fc.constantFrom('OFF', 'REGISTRY', 'REGISTRY_AND_SHADOW'),
    thingConnectivityIndexingMode: fc.constantFrom('OFF', 'STATUS'),
    deviceDefenderIndexingMode: fc.constantFrom('OFF', 'VIOLATIONS'),
    namedShadowIndexingMode: fc.constantFrom('OFF', 'ON'),
    managedFields: fc.constant([{ name: 'connectivity.connected', type: 'Boolean' as const }]),
    customFields: fc.array(fc.record({ name: fc.string(), type: fc.constantFrom('String', 'Number') })),
    filter: fc.record(
      {
        namedShadowNames: fc.array(fc.constantFrom('a', 'b', names.rotationShadow)),
        geoLocations: fc.array(fc.record({ name: fc.string() })),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['thingIndexingMode'] },
);

test('what the account indexes besides is kept, and nothing is missing afterwards', () => {
  fc.assert(
    fc.property(fc.option(configurations, { nil: undefined }), (before) => {
      const { wanted, missing } = indexed(before);
      expect(wanted).toMatchObject({
        thingIndexingMode: 'REGISTRY_AND_SHADOW',
        thingConnectivityIndexingMode: 'STATUS',
        namedShadowIndexingMode: 'ON',
      });
      const shadows = wanted.filter?.namedShadowNames ?? [];
      expect(new Set(shadows)).toEqual(
        new Set([...(before?.filter?.namedShadowNames ?? []), names.rotationShadow]),
      );
      expect(new Set(shadows).size).toBe(shadows.length);
      expect(wanted.customFields).toEqual(before?.customFields);
      expect(wanted.deviceDefenderIndexingMode).toBe(before?.deviceDefenderIndexingMode);
      expect(wanted.filter?.geoLocations).toEqual(before?.filter?.geoLocations);
      expect(wanted.managedFields).toBeUndefined();
      expect(indexed(wanted)).toEqual({ wanted, missing: [] });
      expect(missing.length === 0).toBe(
        before?.thingIndexingMode === 'REGISTRY_AND_SHADOW' &&
          before.thingConnectivityIndexingMode === 'STATUS' &&
          before.namedShadowIndexingMode === 'ON' &&
          before.filter?.namedShadowNames?.includes(names.rotationShadow) === true,
      );
    }),
  );
});

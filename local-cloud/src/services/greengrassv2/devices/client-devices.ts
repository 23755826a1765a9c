import { createHash } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-greengrassv2';
import type { Base } from '../../../plugin.js';
import { key } from '../../../store/store.js';
import { invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';

/** Largest number of entries of a batch (API reference). */
const LARGEST_BATCH = 100;

/** Client devices of core devices, and where client devices find a core device. */
export function clientDeviceOperations({ store, clock }: Base, thingExists: (thingName: string) => boolean) {
  /** key(core device, client device) to the time of association. */
  const associations = store.table<number>('greengrass.clientDevices');
  const connectivity = store.table<sdk.ConnectivityInfo[]>('greengrass.connectivityInfo');

  function checkThing(thingName = ''): string {
    if (thingExists(thingName)) return thingName;
    throw notFound(`Thing ${thingName} does not exist`, 'Thing', thingName);
  }

  function checkBatch<Entry>(entries: readonly Entry[] | undefined): readonly Entry[] {
    if (entries && entries.length >= 1 && entries.length <= LARGEST_BATCH) return entries;
    throw invalid(`entries must have 1 to ${LARGEST_BATCH} members`);
  }

  const missing = (thingName: string) => ({
    thingName,
    code: 'ResourceNotFoundException',
    message: `Thing ${thingName} does not exist`,
  });

  return {
    BatchAssociateClientDeviceWithCoreDevice(
      input: sdk.BatchAssociateClientDeviceWithCoreDeviceCommandInput,
    ) {
      const core = checkThing(input.coreDeviceThingName);
      const errorEntries: sdk.AssociateClientDeviceWithCoreDeviceErrorEntry[] = [];
      for (const { thingName = '' } of checkBatch(input.entries)) {
        if (!thingExists(thingName)) errorEntries.push(missing(thingName));
        else if (associations.get(key(core, thingName)) === undefined) {
          associations.put(key(core, thingName), clock.now());
        }
      }
      return { errorEntries };
    },

    BatchDisassociateClientDeviceFromCoreDevice(
      input: sdk.BatchDisassociateClientDeviceFromCoreDeviceCommandInput,
    ) {
      const core = checkThing(input.coreDeviceThingName);
      const errorEntries: sdk.DisassociateClientDeviceFromCoreDeviceErrorEntry[] = [];
      for (const { thingName = '' } of checkBatch(input.entries)) {
        if (!thingExists(thingName)) errorEntries.push(missing(thingName));
        associations.delete(key(core, thingName));
      }
      return { errorEntries };
    },

    ListClientDevicesAssociatedWithCoreDevice(
      input: sdk.ListClientDevicesAssociatedWithCoreDeviceCommandInput,
    ) {
      const core = checkThing(input.coreDeviceThingName);
      const prefix = key(core, '');
      const all = [...associations.entries({ prefix })].map(([name, at]) => ({
        thingName: name.slice(prefix.length),
        associationTimestamp: new Date(at),
      }));
      const { items, next } = pageOf(all, ({ thingName }) => thingName, input.nextToken, input.maxResults);
      return { associatedClientDevices: items, nextToken: next };
    },

    GetConnectivityInfo({ thingName }: sdk.GetConnectivityInfoCommandInput) {
      return { connectivityInfo: connectivity.get(checkThing(thingName)) ?? [] };
    },

    UpdateConnectivityInfo({ thingName, connectivityInfo = [] }: sdk.UpdateConnectivityInfoCommandInput) {
      const core = checkThing(thingName);
      for (const { portNumber = 0 } of connectivityInfo) {
        if (portNumber < 0 || portNumber > 65_535) throw invalid(`${portNumber} is not a port number`);
      }
      connectivity.put(core, connectivityInfo);
      const version = createHash('sha256').update(JSON.stringify(connectivityInfo)).digest('hex');
      return { version: version.slice(0, 32), message: 'Connectivity information was updated' };
    },
  };
}

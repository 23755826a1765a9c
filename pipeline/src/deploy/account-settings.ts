import {
  DescribeEventConfigurationsCommand,
  type EventType,
  GetIndexingConfigurationCommand,
  IoTClient,
  type ThingIndexingConfiguration,
  UpdateEventConfigurationsCommand,
  UpdateIndexingConfigurationCommand,
} from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import { clientConfig, type Target } from '../target.js';
import type { Plan } from './engine-ports.js';

/**
 * Settings of AWS IoT that an account has one of, and for which there is no resource type: which events it publishes
 * (the rules of the fleet's events select from them), and what it indexes of things (the dashboard's list is read from
 * it). What the account has set besides is kept.
 */

/** A plan of the infrastructure, and what would be turned on for the account, a line for people each. */
export interface FleetPlan extends Plan {
  readonly settings: readonly string[];
}

/** Events that rules of the infrastructure select from. */
const EVENTS: readonly EventType[] = ['THING', 'JOB_EXECUTION'];

/** A setting that is not as it has to be. */
interface SettingChange {
  /** For people: what is turned on. */
  readonly what: string;
  readonly apply: () => Promise<unknown>;
}

/**
 * What {@link settleAccount} would change, a line for people each. Changes nothing.
 *
 * @param target the cloud.
 */
export async function planAccountSettings(target: Target): Promise<string[]> {
  return onAccount(target, async (changes) => changes.map(({ what }) => what));
}

/**
 * Turns on what the fleet needs and the account has not; nothing when it has all of it.
 *
 * @returns what was changed, a line for people each.
 */
export async function settleAccount(target: Target): Promise<string[]> {
  return onAccount(target, async (changes) => {
    for (const { apply } of changes) await apply();
    return changes.map(({ what }) => what);
  });
}

async function onAccount<T>(
  target: Target,
  work: (changes: readonly SettingChange[]) => Promise<T>,
): Promise<T> {
  const iot = new IoTClient(clientConfig(target));
  try {
    return await work([...(await eventChanges(iot)), ...(await indexChanges(iot))]);
  } finally {
    iot.destroy();
  }
}

async function eventChanges(iot: IoTClient): Promise<SettingChange[]> {
  const { eventConfigurations = {} } = await iot.send(new DescribeEventConfigurationsCommand({}));
  const missing = EVENTS.filter((type) => eventConfigurations[type]?.Enabled !== true);
  if (missing.length === 0) return [];
  const wanted = Object.fromEntries(missing.map((type) => [type, { Enabled: true }]));
  return [
    {
      what: `events of AWS IoT: ${missing.join(', ')}`,
      apply: () =>
        iot.send(
          new UpdateEventConfigurationsCommand({
            eventConfigurations: { ...eventConfigurations, ...wanted },
          }),
        ),
    },
  ];
}

async function indexChanges(iot: IoTClient): Promise<SettingChange[]> {
  const { thingIndexingConfiguration } = await iot.send(new GetIndexingConfigurationCommand({}));
  const { wanted, missing } = indexed(thingIndexingConfiguration);
  if (missing.length === 0) return [];
  return [
    {
      what: `fleet index: ${missing.join(', ')}`,
      apply: () => iot.send(new UpdateIndexingConfigurationCommand({ thingIndexingConfiguration: wanted })),
    },
  ];
}

/** The configuration with what the fleet needs added, and what that is; AWS's own fields are not to be sent back. */
export function indexed(configuration: ThingIndexingConfiguration | undefined): {
  readonly wanted: ThingIndexingConfiguration;
  readonly missing: readonly string[];
} {
  const { managedFields: _, ...before } = configuration ?? { thingIndexingMode: 'OFF' };
  const shadows = before.filter?.namedShadowNames ?? [];
  const needed = {
    'things and their shadows': before.thingIndexingMode !== 'REGISTRY_AND_SHADOW',
    connectivity: before.thingConnectivityIndexingMode !== 'STATUS',
    [`the shadow ${names.rotationShadow}`]:
      before.namedShadowIndexingMode !== 'ON' || !shadows.includes(names.rotationShadow),
  };
  return {
    wanted: {
      ...before,
      thingIndexingMode: 'REGISTRY_AND_SHADOW',
      thingConnectivityIndexingMode: 'STATUS',
      namedShadowIndexingMode: 'ON',
      filter: { ...before.filter, namedShadowNames: [...new Set([...shadows, names.rotationShadow])] },
    },
    missing: Object.entries(needed)
      .filter(([, isMissing]) => isMissing)
      .map(([what]) => what),
  };
}

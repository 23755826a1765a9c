import { FREQUENCY_RANGE, names } from '@mooring/contracts';
import { Table } from '@pulumi/aws-native/dynamodb/index.js';
import type { LogGroup } from '@pulumi/aws-native/logs/index.js';
import type { Place } from './place.js';
import { expiresIn, storingRules } from './stored-messages.js';

/** How the two tables of the fleet's history are kept. */
export interface TableSettings {
  /** Whether the table can be restored to any second of the last 35 days, which costs by its size. */
  readonly recovery: boolean;
  /** Days until an item is deleted. */
  readonly days: number;
  /** Takes what could not be stored. */
  readonly failures: LogGroup;
}

/**
 * What LEDs tell of themselves, for as many days as the stack keeps it. The message comes by Basic Ingest, so the rule
 * has no FROM clause, and `topic(1)` is what is behind the rule's name (AWS IoT Core developer guide, "Reducing
 * messaging costs with Basic Ingest"): the thing, which the device's policy has checked.
 */
export function telemetry(place: Place, { recovery, days, failures }: TableSettings): void {
  const table = new Table('telemetry-table', {
    tableName: names.telemetryTable,
    billingMode: 'PAY_PER_REQUEST',
    attributeDefinitions: [
      { attributeName: 'thing', attributeType: 'S' },
      { attributeName: 'at', attributeType: 'N' },
    ],
    keySchema: [
      { attributeName: 'thing', keyType: 'HASH' },
      { attributeName: 'at', keyType: 'RANGE' },
    ],
    timeToLiveSpecification: { attributeName: 'expires', enabled: true },
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: recovery },
  });
  storingRules(place, {
    role: { name: 'telemetry-role', roleName: names.telemetryRole },
    table,
    tableName: names.telemetryTable,
    failures,
    rules: [{ name: 'telemetry-rule', ruleName: names.telemetryRule, sql: telemetrySql(days) }],
  });
}

/**
 * Of a message that is not as expected nothing is selected: a comparison with what is missing, or of another type, is
 * not true. Text that reads as a number would pass (AWS IoT SQL reference, "Operators"), hence the casts: items have
 * the types that readers expect.
 */
function telemetrySql(days: number): string {
  const { minimum, maximum } = FREQUENCY_RANGE;
  return [
    'SELECT topic(1) AS thing, timestamp() AS at, cast(frequency AS Decimal) AS frequency,',
    `cast(blinking AS Boolean) AS blinking, ${expiresIn(days)}`,
    `WHERE topic(2) = 'telemetry' AND frequency >= ${minimum} AND frequency <= ${maximum}`,
    'AND (blinking = true OR blinking = false)',
  ].join(' ');
}

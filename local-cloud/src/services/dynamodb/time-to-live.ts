import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Clock, Timer } from '../../clock.js';
import type { Operations } from '../../service.js';
import { tableNotFound, validation } from './errors.js';
import type { Items } from './items.js';
import type { TableRecord, Tables } from './tables.js';

/** How often expired items are deleted, in milliseconds; DynamoDB promises it within a few days. */
const INTERVAL = 20_000;
/** How many are deleted before others get their turn. */
const BATCH = 500;

/** Deletes what has expired, for as long as it is not closed. */
export function expiry(items: Items, clock: Clock): { close(): void } {
  let timer: Timer;
  const work = () => {
    const count = items.expire(clock.now() / 1000, BATCH);
    timer = clock.after(count < BATCH ? INTERVAL : 0, work);
  };
  timer = clock.after(INTERVAL, work);
  return { close: () => timer.cancel() };
}

/**
 * Sets or ends a table's time to live.
 *
 * @throws AwsError `ValidationException` where nothing would change, as DynamoDB does.
 */
export function setTimeToLive(
  items: Items,
  table: TableRecord,
  { Enabled, AttributeName }: { Enabled: boolean; AttributeName: string },
): void {
  const { timeToLive: current, ...others } = table;
  if (Enabled && current === AttributeName) throw validation('TimeToLive is already enabled');
  if (!Enabled && current === undefined) throw validation('TimeToLive is already disabled');
  if (current !== undefined && current !== AttributeName) {
    throw validation(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${current}`,
    );
  }
  const next: TableRecord = Enabled ? { ...others, timeToLive: AttributeName } : others;
  items.store.transaction(() => {
    items.tables.put(next);
    items.rebuild(table, next);
  });
}

export function timeToLiveOperations(tables: Tables, items: Items): Operations<typeof sdk> {
  const existing = (name = '') => {
    const table = tables.get(name);
    if (!table) throw tableNotFound(tables.nameOf(name));
    return table;
  };
  return {
    UpdateTimeToLive({ TableName, TimeToLiveSpecification }) {
      const { Enabled = false, AttributeName = '' } = TimeToLiveSpecification ?? {};
      if (AttributeName === '' || AttributeName.length > 255) {
        throw validation(
          `1 validation error detected: Value '${AttributeName}' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length between 1 and 255`,
        );
      }
      setTimeToLive(items, existing(TableName), { Enabled, AttributeName });
      return { TimeToLiveSpecification: { Enabled, AttributeName } };
    },
    DescribeTimeToLive({ TableName }) {
      const { timeToLive } = existing(TableName);
      return {
        TimeToLiveDescription:
          timeToLive === undefined
            ? { TimeToLiveStatus: 'DISABLED' }
            : { TimeToLiveStatus: 'ENABLED', AttributeName: timeToLive },
      };
    },
  };
}

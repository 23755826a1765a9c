import type * as sdk from '@aws-sdk/client-dynamodb';
import type { Operations } from '../../service.js';
import { validation } from './errors.js';
import { onlyMembers } from './members.js';
import type { TableRecord, Tables } from './tables.js';

/** Days that a table can be restored to, where nobody says how many. */
const DAYS = 35;

/** A table with or without point-in-time recovery. @throws AwsError `ValidationException` */
export function withRecovery(
  table: TableRecord,
  specification: Partial<sdk.PointInTimeRecoverySpecification>,
  now: number,
): TableRecord {
  onlyMembers('PointInTimeRecoverySpecification', specification, [
    'PointInTimeRecoveryEnabled',
    'RecoveryPeriodInDays',
  ]);
  const { PointInTimeRecoveryEnabled: enabled = false, RecoveryPeriodInDays: days } = specification;
  if (days !== undefined && (!enabled || days < 1 || days > DAYS)) {
    throw validation(
      'RecoveryPeriodInDays must be from 1 to 35, and only where point-in-time recovery is enabled',
    );
  }
  const { pointInTimeRecovery: current, ...others } = table;
  if (!enabled) return others;
  return {
    ...others,
    pointInTimeRecovery: { since: current?.since ?? now, days: days ?? current?.days ?? DAYS },
  };
}

/**
 * The setting of point-in-time recovery, as infrastructure tools read and write it. The operations that restore
 * are refused by name.
 */
export function continuousBackupOperations(tables: Tables, now: () => number): Operations<typeof sdk> {
  const describe = ({ pointInTimeRecovery }: TableRecord): sdk.ContinuousBackupsDescription => ({
    ContinuousBackupsStatus: 'ENABLED',
    PointInTimeRecoveryDescription: pointInTimeRecovery
      ? {
          PointInTimeRecoveryStatus: 'ENABLED',
          RecoveryPeriodInDays: pointInTimeRecovery.days,
          EarliestRestorableDateTime: new Date(pointInTimeRecovery.since),
          LatestRestorableDateTime: new Date(now()),
        }
      : { PointInTimeRecoveryStatus: 'DISABLED' },
  });
  return {
    DescribeContinuousBackups: ({ TableName }) => ({
      ContinuousBackupsDescription: describe(tables.existing(TableName)),
    }),
    UpdateContinuousBackups({ TableName, PointInTimeRecoverySpecification = {} }) {
      const table = withRecovery(tables.existing(TableName), PointInTimeRecoverySpecification, now());
      tables.put(table);
      return { ContinuousBackupsDescription: describe(table) };
    },
  };
}

import type { Base } from '../../../plugin.js';
import type { ResourceType } from '../../../resource-type.js';
import type { RuleTargets } from '../rules/targets.js';
import type { Tables } from '../tables.js';
import { type IotLog, iotLog, type LogSubject } from './iot-log.js';
import { LoggingLevels, loggingOperations } from './levels.js';
import { loggingResourceTypes } from './logging-resources.js';

/** AWS IoT's logging: its settings, and what writes by them. */
export interface Logging {
  readonly levels: LoggingLevels;
  readonly log: IotLog;
  readonly operations: ReturnType<typeof loggingOperations>;
  readonly resourceTypes: readonly ResourceType[];
}

export function logging(
  { clock, accountId, region }: Pick<Base, 'clock' | 'accountId' | 'region'>,
  tables: Tables,
  targets: RuleTargets,
  groupsOf: (subject: LogSubject) => readonly string[],
): Logging {
  const levels = new LoggingLevels(tables, targets.roles);
  return {
    levels,
    log: iotLog({ levels, clock, accountId, region, targets, groupsOf }),
    operations: loggingOperations(levels),
    resourceTypes: loggingResourceTypes(levels, accountId),
  };
}

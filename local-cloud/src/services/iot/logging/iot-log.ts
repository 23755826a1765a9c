import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../clock.js';
import type { RuleTargets } from '../rules/targets.js';
import { type Level, type LoggingLevels, type TargetLevel, verbosity } from './levels.js';

/** The log group that AWS IoT writes to. */
export const LOG_GROUP = 'AWSIotLogsV2';

/** Whose doing it is that is logged, as far as it is known. */
export interface LogSubject {
  readonly clientId?: string | undefined;
  readonly principalId?: string | undefined;
  readonly sourceIp?: string | undefined;
  readonly sourcePort?: number | undefined;
}

/** What happened: an entry without its common attributes. */
export interface LogEvent {
  /** `Connect`, `Publish-In` … (AWS IoT developer guide, "CloudWatch Logs AWS IoT log entries"). */
  readonly eventType: string;
  readonly protocol?: 'MQTT' | 'HTTP';
  readonly topicName?: string;
  /** Why it failed; without it, it succeeded. */
  readonly reason?: string;
  readonly details?: string;
  readonly [attribute: string]: string | number | Readonly<Record<string, string>> | undefined;
}

/** Takes what AWS IoT may log. */
export interface IotLog {
  /** Whether anything of this level is logged, of anybody: asked before an event is put together. */
  wants(level: Level): boolean;
  write(level: Exclude<Level, 'DISABLED'>, event: LogEvent, subject?: LogSubject): void;
}

export interface IotLogNeeds {
  readonly levels: LoggingLevels;
  readonly clock: Clock;
  readonly accountId: string;
  readonly region: string;
  readonly targets: Pick<RuleTargets, 'logs' | 'roles'>;
  /** Names of the thing groups that a client is in, the groups above them included. */
  readonly groupsOf: (subject: LogSubject) => readonly string[];
}

/** AWS IoT's logs in CloudWatch Logs, written with the role of the account's logging options. */
export function iotLog(needs: IotLogNeeds): IotLog {
  const { levels, clock, accountId, targets } = needs;
  /** The most verbose level of all, which decides that most of what happens need not be looked at. */
  let most = verbosity('DISABLED');
  const settle = () => {
    const { options } = levels;
    const set = [options?.defaultLogLevel ?? 'DISABLED', ...levels.targets.map(({ logLevel }) => logLevel)];
    most = !options || options.disableAllLogs ? verbosity('DISABLED') : Math.max(...set.map(verbosity));
  };
  settle();
  levels.listen(settle);
  const wants = (level: Level) => verbosity(level) <= most;

  /** Of several targets that an event is about, the most verbose; the account's when it is about none. */
  function levelFor(subject: LogSubject): Level {
    const named = levels.targets.filter((target) => isAbout(target, subject, needs.groupsOf));
    const [mostVerbose] = named.map(({ logLevel }) => logLevel).sort((a, b) => verbosity(b) - verbosity(a));
    return mostVerbose ?? levels.options?.defaultLogLevel ?? 'DISABLED';
  }

  return {
    wants,
    write(level, { reason, details, ...event }, subject = {}) {
      if (!wants(level) || verbosity(level) > verbosity(levelFor(subject))) return;
      if (!targets.logs || !mayWrite(needs)) return;
      const now = clock.now();
      const entry = {
        timestamp: new Date(now).toISOString().replace('T', ' ').replace('Z', ''),
        logLevel: level,
        traceId: randomUUID(),
        accountId,
        status: reason === undefined ? 'Success' : 'Failure',
        ...event,
        ...subject,
        ...(reason !== undefined && { reason }),
        ...(details !== undefined && { details }),
      };
      targets.logs.write(LOG_GROUP, `${accountId}_0`, [{ timestamp: now, message: JSON.stringify(entry) }]);
    },
  };
}

function isAbout(
  { targetType, targetName }: TargetLevel,
  subject: LogSubject,
  groupsOf: IotLogNeeds['groupsOf'],
): boolean {
  switch (targetType) {
    case 'CLIENT_ID':
      return subject.clientId === targetName;
    case 'PRINCIPAL_ID':
      return subject.principalId === targetName;
    case 'SOURCE_IP':
      return subject.sourceIp === targetName;
    case 'THING_GROUP':
      return groupsOf(subject).includes(targetName);
  }
}

/** Without the permission nothing is logged, and nobody told: as in AWS, the log is just empty. */
function mayWrite({ levels, targets: { roles, logs }, region, accountId }: IotLogNeeds): boolean {
  const role = levels.options && roles?.byArn(levels.options.roleArn);
  if (!role || !roles || !logs) return false;
  const resource = `arn:aws:logs:${region}:${accountId}:log-group:${LOG_GROUP}`;
  const needed = [
    ...(logs.hasGroup(LOG_GROUP) ? [] : [['logs:CreateLogGroup', resource] as const]),
    ['logs:CreateLogStream', `${resource}:*`] as const,
    ['logs:PutLogEvents', `${resource}:log-stream:${accountId}_0`] as const,
  ];
  return needed.every(
    ([action, about]) =>
      roles.decide(role.roleName, { action, resource: about, context: new Map() }) === 'allowed',
  );
}

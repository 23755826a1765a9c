import type * as sdk from '@aws-sdk/client-iot';
import { NotConfiguredException } from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import type { AuditRoles } from '../audit/roles.js';
import { checkEnum, checked, invalid } from '../errors.js';
import { pageOf } from '../paging.js';
import type { Tables } from '../tables.js';

/** From the tersest to the most verbose; each includes those before it. */
export const LEVELS = ['DISABLED', 'ERROR', 'WARN', 'INFO', 'DEBUG'] as const;
export type Level = (typeof LEVELS)[number];

export const TARGET_TYPES = ['THING_GROUP', 'CLIENT_ID', 'SOURCE_IP', 'PRINCIPAL_ID'] as const;
export type TargetType = (typeof TARGET_TYPES)[number];

/** How the account logs; undefined parts were never set. */
export interface LoggingOptions {
  readonly roleArn: string;
  readonly defaultLogLevel: Level;
  readonly disableAllLogs: boolean;
}

/** What is logged of one target. */
export interface TargetLevel {
  readonly targetType: TargetType;
  readonly targetName: string;
  readonly logLevel: Level;
}

const TARGET_NAME = /^[a-zA-Z0-9.:\s_-]+$/;
const ROLE_ARN = /^arn:[^:]+:iam::\d{12}:role\/.+$/;
const SERVICE = 'iot.amazonaws.com';

export const verbosity = (level: Level) => LEVELS.indexOf(level);

/** The options and levels of AWS IoT's logging (API reference, "SetV2LoggingOptions" and "SetV2LoggingLevel"). */
export class LoggingLevels {
  #options: LoggingOptions | undefined;
  #targets: readonly TargetLevel[];
  readonly #listeners: (() => void)[] = [];

  constructor(
    private readonly tables: Tables,
    private readonly roles: Pick<AuditRoles, 'byArn' | 'trusts'> | undefined,
  ) {
    // Read once: what is to be logged is asked for every message.
    this.#options = tables.settings.get('loggingOptions') as LoggingOptions | undefined;
    this.#targets = (tables.settings.get('loggingLevels') as TargetLevel[] | undefined) ?? [];
  }

  get options(): LoggingOptions | undefined {
    return this.#options;
  }

  get targets(): readonly TargetLevel[] {
    return this.#targets;
  }

  /** Calls `listener` when anything was set. */
  listen(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** @throws InvalidRequestException when AWS IoT cannot assume the role, or there is none. */
  setOptions({ roleArn, defaultLogLevel, disableAllLogs }: sdk.SetV2LoggingOptionsCommandInput): void {
    checkEnum(defaultLogLevel, 'defaultLogLevel', LEVELS);
    const role = roleArn ?? this.#options?.roleArn;
    const options = {
      roleArn: this.#assumable(role),
      defaultLogLevel: levelOf(defaultLogLevel) ?? this.#options?.defaultLogLevel ?? 'DISABLED',
      disableAllLogs: disableAllLogs ?? false,
    };
    this.tables.settings.put('loggingOptions', options);
    this.#options = options;
    this.#tell();
  }

  /** Ends all logging, but keeps who may write it. */
  disable(): void {
    if (this.#options) this.setOptions({ ...this.#options, disableAllLogs: true });
  }

  /** @throws NotConfiguredException before there are options; InvalidRequestException. */
  setLevel(target: sdk.LogTarget | undefined, logLevel: string | undefined): TargetLevel {
    if (!this.#options) throw notConfigured();
    const { targetType, targetName } = checkedTarget(target);
    checkEnum(logLevel, 'logLevel', LEVELS);
    const level = levelOf(logLevel);
    if (!level) throw invalid('logLevel must be given');
    const set = { targetType, targetName, logLevel: level };
    this.#putTargets([...this.#without(targetType, targetName), set]);
    return set;
  }

  deleteLevel(target: sdk.LogTarget): void {
    const { targetType, targetName } = checkedTarget(target);
    this.#putTargets(this.#without(targetType, targetName));
  }

  #without(type: string, name: string): TargetLevel[] {
    return this.#targets.filter(({ targetType, targetName }) => targetType !== type || targetName !== name);
  }

  #putTargets(targets: readonly TargetLevel[]): void {
    this.tables.settings.put('loggingLevels', targets);
    this.#targets = targets;
    this.#tell();
  }

  #assumable(role: string | undefined): string {
    const roleArn = checked(role, 'roleArn', ROLE_ARN, 2048);
    if (this.roles?.byArn(roleArn) && this.roles.trusts(roleArn, SERVICE)) return roleArn;
    throw invalid(
      `AWS IoT (${SERVICE}) is unable to assume role (sts:AssumeRole) on resource: ${roleArn}. If the role was just created or updated, please try again in a few seconds.`,
    );
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The operations on {@link LoggingLevels}. */
export function loggingOperations(levels: LoggingLevels) {
  return {
    SetV2LoggingOptions(input: sdk.SetV2LoggingOptionsCommandInput) {
      if (input.eventConfigurations?.length) {
        throw invalid('Levels of single events are not built in the local cloud');
      }
      levels.setOptions(input);
      return {};
    },

    GetV2LoggingOptions() {
      if (!levels.options) throw notConfigured();
      return { ...levels.options };
    },

    SetV2LoggingLevel({ logTarget, logLevel }: sdk.SetV2LoggingLevelCommandInput) {
      levels.setLevel(logTarget, logLevel);
      return {};
    },

    DeleteV2LoggingLevel({ targetType, targetName }: sdk.DeleteV2LoggingLevelCommandInput) {
      levels.deleteLevel({ targetType, targetName });
      return {};
    },

    ListV2LoggingLevels({ targetType, nextToken, maxResults }: sdk.ListV2LoggingLevelsCommandInput) {
      if (!levels.options) throw notConfigured();
      const found = levels.targets.filter(
        (target) => targetType === undefined || target.targetType === targetType,
      );
      const { items, next } = pageOf(found, targetId, nextToken, maxResults);
      return {
        logTargetConfigurations: items.map(({ targetType, targetName, logLevel }) => ({
          logTarget: { targetType, targetName },
          logLevel,
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;
}

/** As CloudFormation identifies a target. */
export function targetId({ targetType, targetName }: Pick<TargetLevel, 'targetType' | 'targetName'>): string {
  return `${targetType}:${targetName}`;
}

function checkedTarget(target: sdk.LogTarget | undefined) {
  const targetType = TARGET_TYPES.find((type) => type === target?.targetType);
  if (!targetType) {
    if (target?.targetType === 'DEFAULT') throw invalid('The default level is set by SetV2LoggingOptions');
    throw invalid(`targetType must be one of ${TARGET_TYPES.join(', ')}`);
  }
  return { targetType, targetName: checked(target?.targetName, 'targetName', TARGET_NAME, 128) };
}

function levelOf(text: string | undefined): Level | undefined {
  return LEVELS.find((level) => level === text);
}

function notConfigured(): NotConfiguredException {
  return new NotConfiguredException({
    message: 'V2 logging is not configured for this account.',
    $metadata: {},
  });
}

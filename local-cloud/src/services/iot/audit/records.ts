import type {
  AuditCheckRunStatus,
  AuditFindingSeverity,
  AuditFrequency,
  AuditMitigationActionsExecutionStatus,
  AuditMitigationActionsTaskStatus,
  AuditMitigationActionsTaskTarget,
  AuditTaskStatus,
  AuditTaskType,
  DayOfWeek,
  MitigationActionParams,
  RelatedResource,
  ResourceIdentifier,
  ResourceType,
  TaskStatisticsForAuditCheck,
} from '@aws-sdk/client-iot';
import type { Store, Table } from '../../../store/store.js';
import type { CheckName } from './catalog.js';

/** What audits keep. Times are milliseconds since 1970. */
export interface AuditTables {
  /** The account's configuration, at `configuration`; nothing before it is configured. */
  readonly settings: Table<AuditConfiguration>;
  /** By their ids, which begin with the time of their start. */
  readonly tasks: Table<AuditTask>;
  /** By their ids, which begin with the id of their task. */
  readonly findings: Table<Finding>;
  readonly schedules: Table<Schedule>;
  /** key(check name, resource) */
  readonly suppressions: Table<Suppression>;
  readonly actions: Table<Action>;
  readonly mitigations: Table<MitigationTask>;
  /** key(task id, finding id, action) */
  readonly executions: Table<Execution>;
  /** Notifications that are due, by the ids of their tasks. */
  readonly notices: Table<Notice>;
  /** key(kind, name): what was seen of connections. */
  readonly sightings: Table<Sighting>;
}

export interface AuditConfiguration {
  roleArn: string;
  /** The checks that were ever named. */
  checks: Record<string, CheckSetting>;
  target?: NotificationTarget;
}

export interface CheckSetting {
  enabled: boolean;
  configuration?: Record<string, string>;
}

export interface NotificationTarget {
  targetArn?: string;
  roleArn?: string;
  enabled: boolean;
}

export interface AuditTask {
  taskId: string;
  type: AuditTaskType;
  status: AuditTaskStatus;
  scheduledAuditName?: string;
  /** Only what happened since then is of interest to checks on what clients did. */
  since: number;
  started: number;
  ended?: number;
  /** In the order in which they are done. */
  checks: CheckRun[];
  /** Findings that were made. */
  findings: number;
}

export interface CheckRun {
  name: CheckName;
  status: AuditCheckRunStatus;
  /** Key of the resource that was looked at last. */
  after?: string;
  total: number;
  nonCompliant: number;
  suppressed: number;
  /** Resources that could not be decided on. */
  undecided: number;
  errorCode?: string;
  message?: string;
}

export interface Finding {
  findingId: string;
  taskId: string;
  checkName: CheckName;
  taskStarted: number;
  found: number;
  severity: AuditFindingSeverity;
  resourceType: ResourceType;
  identifier: ResourceIdentifier;
  info?: Record<string, string>;
  related?: RelatedResource[];
  reasonCode: string;
  reason: string;
  suppressed: boolean;
}

export interface Schedule {
  name: string;
  frequency: AuditFrequency;
  dayOfMonth?: string;
  dayOfWeek?: DayOfWeek;
  checks: CheckName[];
  /** When it is run next. */
  next: number;
  last?: number;
}

export interface Suppression {
  checkName: CheckName;
  identifier: ResourceIdentifier;
  expires?: number;
  indefinitely: boolean;
  description?: string;
  /** The token of the request that made it. */
  token?: string;
}

export interface Action {
  name: string;
  id: string;
  roleArn: string;
  params: MitigationActionParams;
  created: number;
  modified: number;
}

export interface MitigationTask {
  taskId: string;
  token?: string;
  status: AuditMitigationActionsTaskStatus;
  started: number;
  ended?: number;
  target: AuditMitigationActionsTaskTarget;
  mapping: Record<string, string[]>;
  /** The actions as they were when it was started. */
  actions: Action[];
  /** Id of the finding that was done last. */
  after?: string;
  /** By check. */
  statistics: Record<string, FindingCounts>;
}

export type FindingCounts = { [Count in keyof TaskStatisticsForAuditCheck]-?: number };

export interface Execution {
  taskId: string;
  findingId: string;
  actionName: string;
  actionId: string;
  status: AuditMitigationActionsExecutionStatus;
  started: number;
  ended?: number;
  errorCode?: string;
  message?: string;
}

export interface Notice {
  taskId: string;
  topicArn: string;
  roleArn: string;
  message: string;
  failures: number;
}

/** Something about connections that an audit may find fault with. */
export interface Sighting {
  at: number;
  /** The latest first. */
  related: RelatedResource[];
}

export function openAuditTables(store: Store): AuditTables {
  return {
    settings: store.table('iot.audit.settings'),
    tasks: store.table('iot.audit.tasks'),
    findings: store.table('iot.audit.findings'),
    schedules: store.table('iot.audit.schedules'),
    suppressions: store.table('iot.audit.suppressions'),
    actions: store.table('iot.audit.actions'),
    mitigations: store.table('iot.audit.mitigations'),
    executions: store.table('iot.audit.executions'),
    notices: store.table('iot.audit.notices'),
    sightings: store.table('iot.audit.sightings'),
  };
}

/** How long audits and their findings are kept (AWS IoT API reference, ListAuditTasks). */
export const RETENTION = 90 * 24 * 60 * 60 * 1000;

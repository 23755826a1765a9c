import * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../../clock.js';
import type { Operations } from '../../../../service.js';
import { key } from '../../../../store/store.js';
import type { Changes } from '../../changes.js';
import { checkEnum, checked, invalid, notFound } from '../../errors.js';
import { page, pageOf } from '../../paging.js';
import { checkName, checkOf } from '../catalog.js';
import type { Findings } from '../findings.js';
import {
  type Action,
  type AuditTables,
  type Execution,
  type Finding,
  type FindingCounts,
  type MitigationTask,
  RETENTION,
} from '../records.js';
import { timeRange } from '../time-range.js';
import { type MitigationActions, typeOf } from './actions.js';
import type { EffectFailure } from './effect.js';

const TASK_ID = /^[a-zA-Z0-9_-]+$/;
const PAGE = 25;
/** AWS IoT API reference: findings of a target, actions of a check. */
const MOST_FINDINGS = 25;
const MOST_ACTIONS = 5;
/** Findings that are done before others have their turn. */
const SOME = 20;

export interface MitigationParts {
  readonly tables: AuditTables;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly actions: MitigationActions;
  readonly findings: Findings;
  readonly takeEffect: (action: Action, finding: Finding) => Promise<EffectFailure | undefined>;
  readonly failed: (error: unknown) => void;
}

/**
 * Applies mitigation actions to findings. Each finding that was done is kept at once; after a restart a task goes on
 * behind it, so that the actions on one finding may be taken twice.
 */
export class MitigationTasks {
  #closed = false;
  #running: Promise<void> | undefined;

  constructor(private readonly parts: MitigationParts) {}

  /** Goes on with tasks that an earlier process began. */
  go(): void {
    if (this.#closed || this.#running) return;
    this.#running = this.#run()
      .catch(this.parts.failed)
      .finally(() => {
        this.#running = undefined;
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  readonly operations = {
    StartAuditMitigationActionsTask: (input: sdk.StartAuditMitigationActionsTaskCommandInput) => {
      const { tables, changes, clock } = this.parts;
      const taskId = checked(input.taskId, 'taskId', TASK_ID, 128);
      const target = this.#target(input.target);
      const { mapping, actions } = this.#mapping(input.auditCheckToActionsMapping);
      const token = input.clientRequestToken;
      changes.transaction(() => {
        this.#checkNew(taskId, token);
        tables.mitigations.put(taskId, {
          ...{
            taskId,
            status: 'IN_PROGRESS',
            started: clock.now(),
            target,
            mapping,
            actions,
            statistics: {},
          },
          ...(token !== undefined && { token }),
        });
      });
      this.go();
      return { taskId };
    },

    DescribeAuditMitigationActionsTask: ({ taskId }: sdk.DescribeAuditMitigationActionsTaskCommandInput) => {
      const task = this.#existing(taskId);
      return {
        taskStatus: task.status,
        startTime: new Date(task.started),
        ...(task.ended !== undefined && { endTime: new Date(task.ended) }),
        taskStatistics: task.statistics,
        target: task.target,
        auditCheckToActionsMapping: task.mapping,
        actionsDefinition: task.actions.map(({ name, id, roleArn, params }) => ({
          ...{ name, id, roleArn, actionParams: params },
        })),
      };
    },

    ListAuditMitigationActionsTasks: (input: sdk.ListAuditMitigationActionsTasksCommandInput) => {
      const { start, end } = timeRange(input.startTime, input.endTime, this.parts.clock.now() - RETENTION);
      checkEnum(input.taskStatus, 'taskStatus', Object.values(sdk.AuditMitigationActionsTaskStatus));
      const { auditTaskId, findingId, taskStatus } = input;
      const all = [...this.parts.tables.mitigations.entries()]
        .map(([, task]) => task)
        .filter(({ started, ended }) => started >= start && (ended ?? started) <= end)
        .filter(({ status }) => taskStatus === undefined || status === taskStatus)
        .filter(({ target }) => auditTaskId === undefined || target.auditTaskId === auditTaskId)
        .filter(({ target }) => findingId === undefined || (target.findingIds?.includes(findingId) ?? false));
      const { items, next } = pageOf(all, ({ taskId }) => taskId, input.nextToken, input.maxResults ?? PAGE);
      return {
        tasks: items.map(({ taskId, started, status }) => ({
          ...{ taskId, startTime: new Date(started), taskStatus: status },
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    ListAuditMitigationActionsExecutions: (input: sdk.ListAuditMitigationActionsExecutionsCommandInput) => {
      checkEnum(input.actionStatus, 'actionStatus', Object.values(sdk.AuditMitigationActionsExecutionStatus));
      const prefix = `${key(input.taskId ?? '', input.findingId ?? '')}\u001f`;
      const { executions } = this.parts.tables;
      const { items, next } = page(
        (after) =>
          matching(executions.entries({ prefix, ...(after !== undefined && { after }) }), input.actionStatus),
        ([name]) => name,
        input.nextToken,
        input.maxResults ?? PAGE,
      );
      return {
        actionsExecutions: items.map(([, { started, ended, ...execution }]) => ({
          ...execution,
          startTime: new Date(started),
          ...(ended !== undefined && { endTime: new Date(ended) }),
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    CancelAuditMitigationActionsTask: ({ taskId }: sdk.CancelAuditMitigationActionsTaskCommandInput) => {
      const { tables, changes, clock } = this.parts;
      changes.transaction(() => {
        const task = this.#existing(taskId);
        if (task.status !== 'IN_PROGRESS') {
          throw invalid(`Audit mitigation actions task ${taskId} is not in progress: it is ${task.status}.`);
        }
        const statistics = { ...task.statistics };
        for (const finding of this.#left(task)) {
          const counts = statistics[finding.checkName] ?? NO_COUNTS;
          statistics[finding.checkName] = {
            ...counts,
            totalFindingsCount: counts.totalFindingsCount + 1,
            canceledFindingsCount: counts.canceledFindingsCount + 1,
          };
        }
        tables.mitigations.put(task.taskId, { ...task, statistics, status: 'CANCELED', ended: clock.now() });
      });
      return {};
    },
  } satisfies Operations<typeof sdk>;

  #existing(taskId: string | undefined): MitigationTask {
    const task = this.parts.tables.mitigations.get(taskId ?? '');
    if (task) return task;
    throw notFound(`Audit mitigation actions task ${taskId} does not exist.`);
  }

  #checkNew(taskId: string, token: string | undefined): void {
    for (const [, task] of this.parts.tables.mitigations.entries()) {
      if (task.taskId !== taskId && (token === undefined || task.token !== token)) continue;
      throw new sdk.TaskAlreadyExistsException({
        message: `Audit mitigation actions task ${task.taskId} already exists.`,
        $metadata: {},
      });
    }
  }

  #target(target: sdk.AuditMitigationActionsTaskTarget | undefined): sdk.AuditMitigationActionsTaskTarget {
    const { auditTaskId, findingIds, auditCheckToReasonCodeFilter } = target ?? {};
    if ((auditTaskId === undefined) === (findingIds === undefined)) {
      throw invalid('The target must have either the auditTaskId or the findingIds.');
    }
    if (findingIds && auditCheckToReasonCodeFilter) {
      throw invalid(
        'The auditCheckToReasonCodeFilter filters the findings of an audit; it goes with auditTaskId.',
      );
    }
    if (findingIds && (findingIds.length === 0 || findingIds.length > MOST_FINDINGS)) {
      throw invalid(`The findingIds must be 1 to ${MOST_FINDINGS}.`);
    }
    for (const name of Object.keys(auditCheckToReasonCodeFilter ?? {})) checkName(name);
    if (auditTaskId !== undefined && !this.parts.tables.tasks.get(auditTaskId)) {
      throw invalid(`Audit task ${auditTaskId} does not exist.`);
    }
    for (const findingId of findingIds ?? []) {
      if (!this.parts.tables.findings.get(findingId))
        throw invalid(`Audit finding ${findingId} does not exist.`);
    }
    return {
      ...(auditTaskId !== undefined && { auditTaskId }),
      ...(findingIds && { findingIds: [...new Set(findingIds)].sort() }),
      ...(auditCheckToReasonCodeFilter && { auditCheckToReasonCodeFilter }),
    };
  }

  #mapping(given: Record<string, string[]> | undefined) {
    const mapping: Record<string, string[]> = {};
    const actions = new Map<string, Action>();
    for (const [check, names] of Object.entries(given ?? {})) {
      const known = checkName(check);
      if (names.length === 0 || names.length > MOST_ACTIONS) {
        throw invalid(`An audit check must be mapped to 1 to ${MOST_ACTIONS} mitigation actions.`);
      }
      for (const name of names) {
        const action = this.parts.actions.get(name);
        if (!action) throw invalid(`Mitigation action ${name} does not exist.`);
        const type = typeOf(action.params);
        if (!checkOf(known).mitigations.some((one) => one === type)) {
          throw invalid(`Mitigation action ${name} of type ${type} cannot be applied to ${known}.`);
        }
        actions.set(name, action);
      }
      mapping[known] = names;
    }
    if (actions.size === 0)
      throw invalid('auditCheckToActionsMapping must name at least one mitigation action.');
    return { mapping, actions: [...actions.values()] };
  }

  async #run(): Promise<void> {
    for (;;) {
      // Others have their turn first, so that who starts a task hears of it before it is done.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#closed) return;
      const [next] = [...this.parts.tables.mitigations.entries()].filter(
        ([, { status }]) => status === 'IN_PROGRESS',
      );
      if (!next) return;
      await this.#some(next[1].taskId);
    }
  }

  /** Does some of the findings that are left to a task. */
  async #some(taskId: string): Promise<void> {
    const { tables, changes, clock } = this.parts;
    const some: Finding[] = [];
    for (const finding of this.#left(this.#existing(taskId))) {
      some.push(finding);
      if (some.length === SOME) break;
    }
    for (const finding of some) {
      const before = this.#existing(taskId);
      if (this.#closed || before.status !== 'IN_PROGRESS') return;
      const executions = await this.#mitigate(before, finding);
      changes.transaction(() => {
        for (const one of executions)
          tables.executions.put(key(taskId, finding.findingId, one.actionName), one);
        const task = this.#existing(taskId);
        const counts = counted(task.statistics[finding.checkName] ?? NO_COUNTS, executions);
        const statistics = { ...task.statistics, [finding.checkName]: counts };
        // Canceled in between, the task has counted this finding among the canceled ones.
        if (task.status === 'IN_PROGRESS') {
          tables.mitigations.put(taskId, { ...task, statistics, after: finding.findingId });
        }
      });
    }
    if (some.length === SOME) return;
    changes.transaction(() => {
      const task = this.#existing(taskId);
      if (task.status !== 'IN_PROGRESS') return;
      const all = Object.values(task.statistics);
      const failed = all.some((counts) => counts.failedFindingsCount > 0);
      const succeeded = all.some((counts) => counts.succeededFindingsCount > 0);
      tables.mitigations.put(taskId, {
        ...task,
        status: failed && !succeeded ? 'FAILED' : 'COMPLETED',
        ended: clock.now(),
      });
    });
  }

  /** The findings that a task has not done yet. */
  *#left(task: MitigationTask): Generator<Finding> {
    const { auditTaskId, findingIds = [] } = task.target;
    if (auditTaskId !== undefined) {
      for (const [, finding] of this.parts.findings.ofTask(auditTaskId, task.after)) {
        if (task.mapping[finding.checkName]) yield finding;
      }
    }
    for (const findingId of findingIds) {
      const finding = this.parts.tables.findings.get(findingId);
      if (!finding || (task.after !== undefined && findingId <= task.after)) continue;
      if (task.mapping[finding.checkName]) yield finding;
    }
  }

  async #mitigate(task: MitigationTask, finding: Finding): Promise<Execution[]> {
    const { clock } = this.parts;
    const codes = task.target.auditCheckToReasonCodeFilter?.[finding.checkName];
    const filtered = task.target.auditCheckToReasonCodeFilter && !codes?.includes(finding.reasonCode);
    const executions: Execution[] = [];
    for (const name of task.mapping[finding.checkName] ?? []) {
      const action = task.actions.find((one) => one.name === name);
      if (!action) continue;
      const started = clock.now();
      const skipped = finding.suppressed || filtered;
      const failure = skipped ? undefined : await this.parts.takeEffect(action, finding);
      executions.push({
        ...{
          taskId: task.taskId,
          findingId: finding.findingId,
          actionName: name,
          actionId: action.id,
          started,
        },
        status: skipped ? 'SKIPPED' : failure ? 'FAILED' : 'COMPLETED',
        ended: clock.now(),
        ...failure,
      });
    }
    return executions;
  }
}

const NO_COUNTS: FindingCounts = {
  totalFindingsCount: 0,
  failedFindingsCount: 0,
  succeededFindingsCount: 0,
  skippedFindingsCount: 0,
  canceledFindingsCount: 0,
};

function counted(counts: FindingCounts, executions: readonly Execution[]): FindingCounts {
  const any = (status: Execution['status']) => executions.some((execution) => execution.status === status);
  const outcome = any('FAILED')
    ? 'failedFindingsCount'
    : any('SKIPPED')
      ? 'skippedFindingsCount'
      : 'succeededFindingsCount';
  return { ...counts, totalFindingsCount: counts.totalFindingsCount + 1, [outcome]: counts[outcome] + 1 };
}

function* matching(
  entries: Iterable<[name: string, execution: Execution]>,
  status: Execution['status'] | undefined,
): Generator<[name: string, execution: Execution]> {
  for (const entry of entries) if (status === undefined || entry[1].status === status) yield entry;
}

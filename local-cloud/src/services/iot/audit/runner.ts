import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../clock.js';
import type { Changes } from '../changes.js';
import { notFound } from '../errors.js';
import { type CheckName, checkOf } from './catalog.js';
import type { Evaluation, Fault } from './checks/check.js';
import type { AccountConfiguration } from './configuration.js';
import { auditNotification } from './notification.js';
import { type AuditTables, type AuditTask, type CheckRun, type Finding, RETENTION } from './records.js';
import type { ServiceRoles } from './roles.js';
import type { Suppressions } from './suppressions.js';

/** How far back an audit that nothing went before looks at what clients did. */
const LOOK_BACK = 31 * 24 * 60 * 60 * 1000;
/** Findings of audits that are forgotten, which are removed in one go. */
const SWEPT = 500;

/** What the runner is made of. */
export interface RunnerParts {
  readonly tables: AuditTables;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly accountId: string;
  readonly roles: ServiceRoles;
  readonly configuration: AccountConfiguration;
  readonly suppressions: Suppressions;
  /** How the checks that can be decided here are. */
  readonly evaluations: Readonly<Partial<Record<CheckName, Evaluation>>>;
  /** Told when an audit has ended and its notification is kept. */
  readonly ended: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Does audits, one part of one check after the other, between which others have their turn. Each part is kept with
 * its findings at once, so that after a restart an audit goes on where it was.
 */
export class AuditRunner {
  #closed = false;
  #waiting: NodeJS.Immediate | undefined;

  constructor(private readonly parts: RunnerParts) {}

  /** Goes on with audits that an earlier process began. */
  resume(): void {
    this.#wake();
  }

  /** Begins an audit; in a transaction. */
  begin(
    checks: readonly CheckName[],
    scheduled: { readonly name: string; readonly last: number | undefined } | undefined,
  ): string {
    const { tables, clock } = this.parts;
    const started = clock.now();
    const taskId = started.toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
    const none = { total: 0, nonCompliant: 0, suppressed: 0, undecided: 0 };
    tables.tasks.put(taskId, {
      taskId,
      type: scheduled ? 'SCHEDULED_AUDIT_TASK' : 'ON_DEMAND_AUDIT_TASK',
      status: 'IN_PROGRESS',
      ...(scheduled && { scheduledAuditName: scheduled.name }),
      since: scheduled?.last ?? started - LOOK_BACK,
      started,
      checks: checks.map((name) => ({ name, status: 'IN_PROGRESS', ...none })),
      findings: 0,
    });
    this.#wake();
    return taskId;
  }

  /** An audit, unless it is older than audits are kept. */
  find(taskId: string): AuditTask | undefined {
    const task = this.parts.tables.tasks.get(taskId);
    return task && task.started > this.parts.clock.now() - RETENTION ? task : undefined;
  }

  /** @throws ResourceNotFoundException */
  existing(taskId: string | undefined): AuditTask {
    const task = this.find(taskId ?? '');
    if (task) return task;
    throw notFound(`Audit task ${taskId} does not exist.`);
  }

  /** Those that are kept, the oldest first. */
  tasks(): AuditTask[] {
    const oldest = this.parts.clock.now() - RETENTION;
    return [...this.parts.tables.tasks.entries()]
      .map(([, task]) => task)
      .filter(({ started }) => started > oldest);
  }

  /** Ends an audit that is in progress; what it has not finished is canceled. In a transaction. */
  cancel(task: AuditTask): void {
    const checks = task.checks.map((run): CheckRun => {
      return run.status === 'IN_PROGRESS' ? { ...run, status: 'CANCELED' } : run;
    });
    this.#end({ ...task, checks }, 'CANCELED');
  }

  close(): void {
    this.#closed = true;
    if (this.#waiting) clearImmediate(this.#waiting);
  }

  #wake(): void {
    if (this.#closed || this.#waiting) return;
    this.#waiting = setImmediate(() => {
      this.#waiting = undefined;
      if (this.#closed) return;
      try {
        if (this.#step()) this.#wake();
      } catch (error) {
        this.parts.failed(error);
      }
    });
  }

  /** Does the next part of the oldest audit; returns whether something may be left to do. */
  #step(): boolean {
    const { changes, tables } = this.parts;
    return changes.transaction(() => {
      const task = this.#next();
      if (!task) return this.#sweep();
      const index = task.checks.findIndex(({ status }) => status === 'IN_PROGRESS');
      const run = task.checks[index];
      if (!run) {
        const failed = task.checks.every(({ status }) => status === 'FAILED');
        this.#end(task, failed ? 'FAILED' : 'COMPLETED');
        return true;
      }
      const { run: after, findings } = this.#part(task, run);
      tables.tasks.put(task.taskId, { ...task, findings, checks: task.checks.with(index, after) });
      return true;
    });
  }

  #next(): AuditTask | undefined {
    for (const [, task] of this.parts.tables.tasks.entries()) if (task.status === 'IN_PROGRESS') return task;
    return undefined;
  }

  #part(task: AuditTask, run: CheckRun): { run: CheckRun; findings: number } {
    const evaluation = this.parts.evaluations[run.name];
    const problem = this.#obstacle(run.name, evaluation);
    if (!evaluation || problem)
      return { run: { ...run, status: 'FAILED', ...problem }, findings: task.findings };
    let part: ReturnType<Evaluation['next']>;
    try {
      part = evaluation.next(run.after, task);
    } catch (error) {
      this.parts.failed(error);
      const failure = { errorCode: 'INTERNAL_FAILURE', message: `${run.name} failed.` };
      return { run: { ...run, status: 'FAILED', ...failure }, findings: task.findings };
    }
    let { findings } = task;
    let suppressed = 0;
    for (const faults of part.faults) {
      const hidden =
        faults[0] !== undefined && this.parts.suppressions.covers(run.name, faults[0].identifier);
      if (hidden) suppressed += 1;
      for (const fault of faults) {
        this.#keep(task, run.name, fault, findings, hidden);
        findings += 1;
      }
    }
    const { after: _after, ...counts } = run;
    const after: CheckRun = {
      ...counts,
      total: run.total + part.total,
      nonCompliant: run.nonCompliant + part.faults.length,
      suppressed: run.suppressed + suppressed,
      undecided: run.undecided + (part.undecided ?? 0),
      ...(part.after !== undefined && { after: part.after }),
    };
    return { run: part.after === undefined ? concluded(after, evaluation) : after, findings };
  }

  /** What keeps a check from being done. */
  #obstacle(
    name: CheckName,
    evaluation: Evaluation | undefined,
  ): { errorCode: string; message: string } | undefined {
    const configuration = this.parts.configuration.get();
    if (!configuration?.checks[name]?.enabled) {
      return { errorCode: 'AUDIT_CHECK_DISABLED', message: `The audit check ${name} is not enabled.` };
    }
    const { needs, undecidable } = checkOf(name);
    const missing = this.parts.roles.missing(configuration.roleArn, needs);
    if (missing !== undefined) {
      return { errorCode: 'INSUFFICIENT_PERMISSIONS', message: `AWS IoT cannot audit: ${missing}.` };
    }
    if (evaluation && undecidable === undefined) return undefined;
    return notDecided(`${name} cannot be evaluated: ${undecidable ?? 'it is not built in the local cloud'}.`);
  }

  #keep(task: AuditTask, checkName: CheckName, fault: Fault, number: number, suppressed: boolean): void {
    const findingId = task.taskId + number.toString(16).padStart(8, '0');
    const { taskId, started } = task;
    const finding: Finding = {
      ...{ findingId, taskId, checkName, taskStarted: started, found: this.parts.clock.now() },
      severity: checkOf(checkName).severity,
      ...fault,
      suppressed,
    };
    this.parts.tables.findings.put(findingId, finding);
  }

  #end(task: AuditTask, status: AuditTask['status']): void {
    const { tables, clock, configuration, accountId, ended } = this.parts;
    const done: AuditTask = { ...task, status, ended: clock.now() };
    tables.tasks.put(task.taskId, done);
    const { target } = configuration.get() ?? {};
    if (!target?.enabled || target.targetArn === undefined || target.roleArn === undefined) return;
    const { targetArn: topicArn, roleArn } = target;
    const message = JSON.stringify(auditNotification(done, accountId));
    tables.notices.put(task.taskId, { taskId: task.taskId, topicArn, roleArn, message, failures: 0 });
    setImmediate(ended);
  }

  /** Removes some of what is older than it is kept. */
  #sweep(): boolean {
    const { tables, clock } = this.parts;
    for (const [, { taskId, started }] of tables.tasks.entries({ limit: 1 })) {
      if (started > clock.now() - RETENTION) return false;
      const findings = [...tables.findings.entries({ prefix: taskId, limit: SWEPT })];
      for (const [findingId] of findings) tables.findings.delete(findingId);
      if (findings.length < SWEPT) tables.tasks.delete(taskId);
      return true;
    }
    return false;
  }
}

function concluded(run: CheckRun, { undecidedBecause }: Evaluation): CheckRun {
  if (run.undecided > 0) {
    const message = `${run.undecided} of ${run.total} resources could not be evaluated: ${undecidedBecause}.`;
    return { ...run, status: 'FAILED', ...notDecided(message) };
  }
  const faulty = run.nonCompliant > run.suppressed;
  return { ...run, status: faulty ? 'COMPLETED_NON_COMPLIANT' : 'COMPLETED_COMPLIANT' };
}

/** AWS has no code for this: it can evaluate all of its checks. */
function notDecided(message: string) {
  return { errorCode: 'AUDIT_CHECK_NOT_SUPPORTED', message };
}

import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { invalid, notFound } from '../errors.js';
import { page, pageOf } from '../paging.js';
import { checkName } from './catalog.js';
import type { AuditTables, Finding } from './records.js';
import { identityOf } from './resource-identifiers.js';
import type { AuditRunner } from './runner.js';
import { timeRange } from './time-range.js';

const PAGE = 25;
const TASK_ID_LENGTH = 32;

/** What audits found. */
export class Findings {
  constructor(
    private readonly tables: AuditTables,
    private readonly runner: AuditRunner,
  ) {}

  /** @throws ResourceNotFoundException */
  existing(findingId: string | undefined): Finding {
    const finding = this.tables.findings.get(findingId ?? '');
    if (finding && this.runner.find(finding.taskId)) return finding;
    throw notFound(`Audit finding ${findingId} does not exist.`);
  }

  /** The findings of an audit behind one of them, in the order in which they were found. */
  ofTask(taskId: string, after?: string): Iterable<[findingId: string, finding: Finding]> {
    return this.tables.findings.entries({ prefix: taskId, ...(after !== undefined && { after }) });
  }

  readonly operations = {
    ListAuditFindings: (input: sdk.ListAuditFindingsCommandInput) => {
      const { taskId } = input;
      const byTime = input.startTime !== undefined || input.endTime !== undefined;
      if ((taskId !== undefined) === byTime) {
        throw invalid('You must specify either the taskId or the startTime and endTime, but not both.');
      }
      const name = input.checkName === undefined ? undefined : checkName(input.checkName);
      const identity = input.resourceIdentifier && identityOf(input.resourceIdentifier);
      const range = byTime ? timeRange(input.startTime, input.endTime) : undefined;
      const wanted = (finding: Finding) =>
        (name === undefined || finding.checkName === name) &&
        (identity === undefined || identityOf(finding.identifier) === identity) &&
        (range === undefined || (finding.found >= range.start && finding.found <= range.end)) &&
        (input.listSuppressedFindings === undefined || finding.suppressed === input.listSuppressedFindings);
      const { items, next } = page(
        (after) => this.#wanted(this.#taskIds(taskId, range), wanted, after),
        ({ findingId }) => findingId,
        input.nextToken,
        input.maxResults ?? PAGE,
      );
      return { findings: items.map(describedFinding), ...(next !== undefined && { nextToken: next }) };
    },

    DescribeAuditFinding: ({ findingId }: sdk.DescribeAuditFindingCommandInput) => ({
      finding: describedFinding(this.existing(findingId)),
    }),

    ListRelatedResourcesForAuditFinding: (input: sdk.ListRelatedResourcesForAuditFindingCommandInput) => {
      const { related = [] } = this.existing(input.findingId);
      const numbered = related.map((resource, index) => ({
        resource,
        number: String(index).padStart(6, '0'),
      }));
      const { items, next } = pageOf(
        numbered,
        ({ number }) => number,
        input.nextToken,
        input.maxResults ?? PAGE,
      );
      return {
        relatedResources: items.map(({ resource }) => resource),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  /** Audits that may have findings of the one asked for, or within a time. */
  #taskIds(taskId: string | undefined, range: { start: number; end: number } | undefined): string[] {
    return this.runner
      .tasks()
      .filter((task) => taskId === undefined || task.taskId === taskId)
      .filter(
        ({ started, ended }) =>
          range === undefined || (started <= range.end && (ended ?? Number.POSITIVE_INFINITY) >= range.start),
      )
      .map((task) => task.taskId);
  }

  *#wanted(
    taskIds: readonly string[],
    wanted: (finding: Finding) => boolean,
    after: string | undefined,
  ): Generator<Finding> {
    for (const taskId of taskIds) {
      // Findings before the one that a page ended with are those of tasks before its own.
      if (after !== undefined && taskId < after.slice(0, TASK_ID_LENGTH)) continue;
      for (const [, finding] of this.ofTask(taskId, after)) if (wanted(finding)) yield finding;
    }
  }
}

/** A finding as the API tells it. */
export function describedFinding(finding: Finding): sdk.AuditFinding {
  return {
    findingId: finding.findingId,
    taskId: finding.taskId,
    checkName: finding.checkName,
    taskStartTime: new Date(finding.taskStarted),
    findingTime: new Date(finding.found),
    severity: finding.severity,
    nonCompliantResource: {
      resourceType: finding.resourceType,
      resourceIdentifier: finding.identifier,
      ...(finding.info && { additionalInfo: finding.info }),
    },
    ...(finding.related && { relatedResources: finding.related }),
    reasonForNonCompliance: finding.reason,
    reasonForNonComplianceCode: finding.reasonCode,
    isSuppressed: finding.suppressed,
  };
}

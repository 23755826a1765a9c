import * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import { tagsOf } from '../../../tags.js';
import type { ObjectReader } from '../../s3/object-reader.js';
import type { IotArns } from '../arns.js';
import { checkEnum, checked, invalid, notFound } from '../errors.js';
import { page } from '../paging.js';
import type { Tables } from '../tables.js';
import { documentFrom } from './document-source.js';
import { checkJobId, checkReason, checkSettings } from './errors.js';
import type { JobTemplates } from './job-templates.js';
import type { Jobs } from './jobs.js';
import type { JobRecord } from './records.js';
import { refuseNotBuilt, refusePresignedUrls, settingsOf } from './settings.js';

/** The operations of the control plane on jobs. */
export function jobOperations(
  jobs: Jobs,
  tables: Tables,
  arns: IotArns,
  readObject: ObjectReader | undefined,
  templates: Pick<JobTemplates, 'byArn'>,
) {
  const summaryOf = (job: JobRecord) => ({
    jobArn: arns.job(job.jobId),
    jobId: job.jobId,
    targetSelection: job.targetSelection,
    status: job.status,
    createdAt: new Date(job.created),
    lastUpdatedAt: new Date(job.updated),
    ...(job.completed !== undefined && { completedAt: new Date(job.completed) }),
    isConcurrent: isConcurrent(job),
  });

  function described(job: JobRecord): sdk.Job {
    const { counts } = job;
    return {
      ...summaryOf(job),
      ...(job.forceCanceled && { forceCanceled: true }),
      ...(job.reasonCode !== undefined && { reasonCode: job.reasonCode }),
      ...(job.comment !== undefined && { comment: job.comment }),
      targets: [...job.targets],
      ...(job.description !== undefined && { description: job.description }),
      presignedUrlConfig: {},
      jobExecutionsRolloutConfig: job.rollout ?? {},
      ...(job.abort && { abortConfig: job.abort }),
      ...(job.retry && { jobExecutionsRetryConfig: job.retry }),
      timeoutConfig: job.timeout ?? {},
      ...(job.namespaceId !== undefined && { namespaceId: job.namespaceId }),
      ...(job.jobTemplateArn !== undefined && { jobTemplateArn: job.jobTemplateArn }),
      jobProcessDetails: {
        // Null once the rollout has come to all targets.
        ...(job.nextRollout !== undefined && { processingTargets: [...job.targets] }),
        numberOfCanceledThings: counts.CANCELED,
        numberOfSucceededThings: counts.SUCCEEDED,
        numberOfFailedThings: counts.FAILED,
        numberOfRejectedThings: counts.REJECTED,
        numberOfQueuedThings: counts.QUEUED,
        numberOfInProgressThings: counts.IN_PROGRESS,
        numberOfRemovedThings: counts.REMOVED,
        numberOfTimedOutThings: counts.TIMED_OUT,
      },
    };
  }

  /** The group's ARN that a list is to be restricted to. */
  function groupArn({ thingGroupName, thingGroupId }: sdk.ListJobsCommandInput): string | undefined {
    if (thingGroupName === undefined && thingGroupId === undefined) return undefined;
    for (const [name, group] of tables.thingGroups.entries(
      thingGroupName === undefined ? {} : { prefix: thingGroupName },
    )) {
      const fits =
        (thingGroupName === undefined || name === thingGroupName) &&
        (thingGroupId === undefined || group.thingGroupId === thingGroupId);
      if (fits) return arns.thingGroup(name);
    }
    throw notFound(`Thing group ${thingGroupName ?? thingGroupId} cannot be found.`);
  }

  const operations = {
    async CreateJob(input: sdk.CreateJobCommandInput) {
      refuseNotBuilt(input);
      const jobId = checkJobId(input.jobId);
      const template = input.jobTemplateArn === undefined ? undefined : templates.byArn(input.jobTemplateArn);
      const isGiven = input.document !== undefined || input.documentSource !== undefined;
      const document = template && !isGiven ? template.document : await documentFrom(input, readObject);
      refusePresignedUrls(document);
      const { namespaceId, jobTemplateArn, tags = [] } = input;
      const { documentSource } = isGiven ? input : (template ?? {});
      const description = input.description ?? template?.description;
      if (tags.length > 50) throw invalid(`Job ${jobId} can have at most 50 tags.`);
      return jobs.run(() => {
        const { jobArn } = jobs.create({
          jobId,
          targets: [...new Set(input.targets ?? [])],
          targetSelection: input.targetSelection ?? 'SNAPSHOT',
          document,
          ...(documentSource !== undefined && { documentSource }),
          ...(description !== undefined && { description }),
          ...(namespaceId !== undefined && { namespaceId }),
          ...(jobTemplateArn !== undefined && { jobTemplateArn }),
          ...template?.settings,
          ...settingsOf(input),
        });
        if (tags.length > 0) tables.tags.put(jobArn, tagsOf(tags));
        return { jobArn, jobId, ...(description !== undefined && { description }) };
      });
    },

    DescribeJob({ jobId }: sdk.DescribeJobCommandInput) {
      const job = jobs.store.existing(jobId);
      return {
        ...(job.documentSource !== undefined && { documentSource: job.documentSource }),
        job: described(job),
      };
    },

    GetJobDocument({ jobId }: sdk.GetJobDocumentCommandInput) {
      return { document: jobs.store.document(jobs.store.existing(jobId).jobId) };
    },

    ListJobs(input: sdk.ListJobsCommandInput) {
      const { status, targetSelection, namespaceId } = input;
      checkEnum(status, 'status', Object.values(sdk.JobStatus));
      checkEnum(targetSelection, 'targetSelection', Object.values(sdk.TargetSelection));
      const group = groupArn(input);
      function* listFrom(after: string | undefined) {
        for (const job of jobs.store.list(after)) {
          const fits =
            (status === undefined || job.status === status) &&
            (targetSelection === undefined || job.targetSelection === targetSelection) &&
            (namespaceId === undefined || job.namespaceId === namespaceId) &&
            (group === undefined || job.targets.includes(group));
          if (fits) yield job;
        }
      }
      const { items, next } = page(
        listFrom,
        (job) => jobs.store.placeOf(job),
        input.nextToken,
        input.maxResults,
      );
      return { jobs: items.map(summaryOf), ...(next !== undefined && { nextToken: next }) };
    },

    UpdateJob(input: sdk.UpdateJobCommandInput) {
      refuseNotBuilt(input);
      const { jobId = '', description } = input;
      const patch = { ...settingsOf(input), ...(description !== undefined && { description }) };
      checkSettings(patch);
      checkNamespace(jobs.store.existing(jobId), input.namespaceId);
      jobs.update(jobId, patch);
      return {};
    },

    CancelJob({ jobId = '', force, ...input }: sdk.CancelJobCommandInput) {
      const { description } = jobs.store.existing(jobId);
      const reason = {
        ...(input.reasonCode !== undefined && { reasonCode: input.reasonCode }),
        ...(input.comment !== undefined && { comment: input.comment }),
      };
      checkReason(reason);
      jobs.cancel(jobId, { force: force ?? false, ...reason });
      return { jobArn: arns.job(jobId), jobId, ...(description !== undefined && { description }) };
    },

    DeleteJob({ jobId = '', force, namespaceId }: sdk.DeleteJobCommandInput) {
      checkNamespace(jobs.store.existing(jobId), namespaceId);
      jobs.delete(jobId, { force: force ?? false });
      return {};
    },

    AssociateTargetsWithJob(input: sdk.AssociateTargetsWithJobCommandInput) {
      const { jobId = '', targets = [], comment, namespaceId } = input;
      checkNamespace(jobs.store.existing(jobId), namespaceId);
      checkReason({ ...(comment !== undefined && { comment }) });
      if (targets.length === 0) throw invalid('At least one target must be given.');
      const { description } = jobs.associate(jobId, targets, comment);
      return { jobArn: arns.job(jobId), jobId, ...(description !== undefined && { description }) };
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

/** Whether a job is handing out or taking back executions. */
function isConcurrent({ nextRollout, sweep }: JobRecord): boolean {
  return nextRollout !== undefined || sweep !== undefined;
}

function checkNamespace(job: JobRecord, namespaceId: string | undefined): void {
  if (namespaceId === undefined) return;
  checked(namespaceId, 'namespaceId', /^[a-zA-Z0-9_-]+$/, 64);
  if (job.namespaceId !== namespaceId) throw notFound(`Job ${job.jobId} cannot be found.`);
}

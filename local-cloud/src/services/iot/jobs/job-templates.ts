import * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import { AwsError } from '../../../errors.js';
import type { Operations } from '../../../service.js';
import type { Store, Table } from '../../../store/store.js';
import { tagsOf } from '../../../tags.js';
import type { ObjectReader } from '../../s3/object-reader.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { checked, invalid, notFound } from '../errors.js';
import { page } from '../paging.js';
import type { Tables } from '../tables.js';
import { documentFrom } from './document-source.js';
import { checkDocument, checkSettings } from './errors.js';
import type { Jobs } from './jobs.js';
import type { JobTemplateRecord } from './records.js';
import { refuseNotBuilt, refusePresignedUrls, settingsOf } from './settings.js';

export interface JobTemplateCapabilities {
  readonly store: Store;
  readonly clock: Clock;
  readonly arns: IotArns;
  readonly changes: Changes;
  readonly registry: Tables;
  readonly jobs: Jobs;
  readonly readObject: ObjectReader | undefined;
}

/** The account's own job templates. AWS's managed ones are not there. */
export function jobTemplates(capabilities: JobTemplateCapabilities) {
  const { store, clock, arns, changes, registry, jobs, readObject } = capabilities;
  const templates: Table<JobTemplateRecord> = store.table('iot.jobTemplates');

  function existing(jobTemplateId: string | undefined): JobTemplateRecord {
    const template = templates.get(jobTemplateId ?? '');
    if (template) return template;
    throw notFound(`Job template ${jobTemplateId} cannot be found.`);
  }

  const named = ({ jobTemplateId, description, created }: JobTemplateRecord) => ({
    jobTemplateArn: arns.jobTemplate(jobTemplateId),
    jobTemplateId,
    description,
    createdAt: new Date(created),
  });

  /** The document of a new template: its own, or that of the job that it is made of. */
  async function contentOf(input: sdk.CreateJobTemplateCommandInput) {
    const settings = settingsOf(input);
    const { jobArn, documentSource } = input;
    if (jobArn === undefined) {
      const document = await documentFrom(input, readObject);
      return { document, settings, ...(documentSource !== undefined && { documentSource }) };
    }
    if (input.document !== undefined || documentSource !== undefined) {
      throw invalid('A job template is made of either a job or a document.');
    }
    const { type, name } = arns.parse(jobArn) ?? {};
    const { rollout, abort, timeout, retry, ...job } = jobs.store.existing(type === 'job' ? name : undefined);
    return {
      document: jobs.store.document(job.jobId),
      ...(job.documentSource !== undefined && { documentSource: job.documentSource }),
      settings: {
        ...(rollout && { rollout }),
        ...(abort && { abort }),
        ...(timeout && { timeout }),
        ...(retry && { retry }),
        ...settings,
      },
    };
  }

  const operations = {
    async CreateJobTemplate(input: sdk.CreateJobTemplateCommandInput) {
      refuseNotBuilt(input);
      const jobTemplateId = checked(input.jobTemplateId, 'jobTemplateId', /^[a-zA-Z0-9_-]+$/, 64);
      const description = checked(input.description, 'description', /^[^\p{C}]+$/u, 2028);
      const content = await contentOf(input);
      checkDocument(content.document);
      refusePresignedUrls(content.document);
      checkSettings(content.settings);
      return changes.transaction(() => {
        const jobTemplateArn = arns.jobTemplate(jobTemplateId);
        if (templates.get(jobTemplateId)) {
          throw new sdk.ConflictException({
            message: `Job template ${jobTemplateId} already exists.`,
            resourceId: jobTemplateId,
            $metadata: {},
          });
        }
        templates.put(jobTemplateId, { jobTemplateId, description, ...content, created: clock.now() });
        if (input.tags?.length) registry.tags.put(jobTemplateArn, tagsOf(input.tags));
        return { jobTemplateArn, jobTemplateId };
      });
    },

    DescribeJobTemplate({ jobTemplateId }: sdk.DescribeJobTemplateCommandInput) {
      const template = existing(jobTemplateId);
      const { rollout, abort, timeout, retry } = template.settings;
      return {
        ...named(template),
        document: template.document,
        ...(template.documentSource !== undefined && { documentSource: template.documentSource }),
        presignedUrlConfig: {},
        jobExecutionsRolloutConfig: rollout ?? {},
        ...(abort && { abortConfig: abort }),
        timeoutConfig: timeout ?? {},
        ...(retry && { jobExecutionsRetryConfig: retry }),
      };
    },

    ListJobTemplates({ nextToken, maxResults }: sdk.ListJobTemplatesCommandInput) {
      function* listFrom(after: string | undefined) {
        for (const [, template] of templates.entries(after === undefined ? {} : { after })) yield template;
      }
      const { items, next } = page(listFrom, ({ jobTemplateId }) => jobTemplateId, nextToken, maxResults);
      return { jobTemplates: items.map(named), ...(next !== undefined && { nextToken: next }) };
    },

    DeleteJobTemplate({ jobTemplateId }: sdk.DeleteJobTemplateCommandInput) {
      return changes.transaction(() => {
        const template = existing(jobTemplateId);
        templates.delete(template.jobTemplateId);
        registry.tags.delete(arns.jobTemplate(template.jobTemplateId));
        return {};
      });
    },
  } satisfies Operations<typeof sdk>;

  return {
    operations,
    get: (jobTemplateId: string) => templates.get(jobTemplateId),
    /** @throws ResourceNotFoundException; AwsError `NotImplementedException` for AWS's managed templates. */
    byArn(arn: string): JobTemplateRecord {
      if (/^arn:aws:iot:[^:]*::jobtemplate\//.test(arn)) {
        throw new AwsError(
          'NotImplementedException',
          `The managed job template ${arn} is not built in the local cloud`,
          501,
        );
      }
      const { type, name } = arns.parse(arn) ?? {};
      if (type === 'jobtemplate') return existing(name);
      throw notFound(`Job template ${arn} cannot be found.`);
    },
  };
}

export type JobTemplates = ReturnType<typeof jobTemplates>;

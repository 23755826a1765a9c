import * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import { tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked, deleteConflict, invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import { secondParts, type Tables, type TemplateRecord, type TemplateVersionRecord } from '../tables.js';
import { parseTemplateBody, type TemplateBody, TemplateError } from './template-body.js';

const TEMPLATE_NAME = /^[0-9A-Za-z_-]+$/;
const PAYLOAD_VERSION = '2020-04-01';
/** AWS IoT Core quota: versions of a fleet provisioning template. */
const MOST_VERSIONS = 5;

/** The provisioning templates and their versions. */
export function templates(tables: Tables, changes: Changes, arns: IotArns, clock: Clock) {
  function existing(name: string | undefined): TemplateRecord {
    const record = tables.templates.get(checked(name, 'templateName', TEMPLATE_NAME, 36));
    if (!record) throw notFound(`Provisioning template not found: ${name}`);
    return record;
  }

  const versionKey = (name: string, id: number) => key(name, String(id).padStart(10, '0'));

  function version(name: string, id: number | undefined): TemplateVersionRecord {
    const record = id === undefined ? undefined : tables.templateVersions.get(versionKey(name, id));
    if (!record) throw notFound(`Version ${id} of provisioning template ${name} not found`);
    return record;
  }

  const versionsOf = (name: string) =>
    [...secondParts(tables.templateVersions, name)].map(([, record]) => record).reverse();

  function addVersion(name: string, versionId: number, body: string): void {
    tables.templateVersions.put(versionKey(name, versionId), { versionId, body, created: clock.now() });
  }

  const operations = {
    CreateProvisioningTemplate(input: sdk.CreateProvisioningTemplateCommandInput) {
      const templateName = checked(input.templateName, 'templateName', TEMPLATE_NAME, 36);
      const body = checkBody(input.templateBody);
      const type = input.type ?? 'FLEET_PROVISIONING';
      const hook = hookOf(input.preProvisioningHook);
      const { description, provisioningRoleArn = '' } = input;
      const templateArn = arns.template(templateName);
      return changes.transaction(() => {
        if (tables.templates.get(templateName)) {
          throw alreadyExists(
            `Provisioning template already exists: ${templateName}`,
            templateName,
            templateArn,
          );
        }
        const now = clock.now();
        tables.templates.put(templateName, {
          templateName,
          ...(description !== undefined && { description }),
          enabled: input.enabled ?? false,
          provisioningRoleArn,
          ...(hook && { hook }),
          type,
          defaultVersionId: 1,
          lastVersion: 1,
          created: now,
          modified: now,
        });
        addVersion(templateName, 1, body);
        if (input.tags?.length) tables.tags.put(templateArn, tagsOf(input.tags));
        return { templateArn, templateName, defaultVersionId: 1 };
      });
    },

    DescribeProvisioningTemplate({ templateName }: sdk.DescribeProvisioningTemplateCommandInput) {
      const record = existing(templateName);
      return {
        ...summary(record),
        defaultVersionId: record.defaultVersionId,
        templateBody: version(record.templateName, record.defaultVersionId).body,
        provisioningRoleArn: record.provisioningRoleArn,
        ...(record.hook && { preProvisioningHook: record.hook }),
      };
    },

    UpdateProvisioningTemplate(input: sdk.UpdateProvisioningTemplateCommandInput) {
      const hook = hookOf(input.preProvisioningHook);
      if (hook && input.removePreProvisioningHook) {
        throw invalid('preProvisioningHook and removePreProvisioningHook cannot be given together');
      }
      return changes.transaction(() => {
        const record: TemplateRecord = { ...existing(input.templateName), modified: clock.now() };
        if (input.description) record.description = input.description;
        else if (input.description !== undefined) delete record.description;
        if (input.enabled !== undefined) record.enabled = input.enabled;
        if (input.provisioningRoleArn !== undefined) record.provisioningRoleArn = input.provisioningRoleArn;
        if (input.defaultVersionId !== undefined) {
          record.defaultVersionId = version(record.templateName, input.defaultVersionId).versionId;
        }
        if (input.removePreProvisioningHook) delete record.hook;
        if (hook) record.hook = hook;
        tables.templates.put(record.templateName, record);
        return {};
      });
    },

    DeleteProvisioningTemplate({ templateName }: sdk.DeleteProvisioningTemplateCommandInput) {
      return changes.transaction(() => {
        const { templateName: name } = existing(templateName);
        const versions = versionsOf(name);
        if (versions.length > 1) {
          throw deleteConflict(
            `Provisioning template ${name} has more than one version; delete the others first`,
          );
        }
        for (const { versionId } of versions) tables.templateVersions.delete(versionKey(name, versionId));
        tables.templates.delete(name);
        tables.tags.delete(arns.template(name));
        return {};
      });
    },

    ListProvisioningTemplates(input: sdk.ListProvisioningTemplatesCommandInput) {
      const all = [...tables.templates.entries()].map(([, record]) => record);
      const { items, next } = pageOf(
        all,
        ({ templateName }) => templateName,
        input.nextToken,
        input.maxResults,
      );
      return { templates: items.map(summary), ...(next !== undefined && { nextToken: next }) };
    },

    CreateProvisioningTemplateVersion(input: sdk.CreateProvisioningTemplateVersionCommandInput) {
      const body = checkBody(input.templateBody);
      return changes.transaction(() => {
        const record = existing(input.templateName);
        const { templateName } = record;
        if (versionsOf(templateName).length >= MOST_VERSIONS) {
          throw new sdk.VersionsLimitExceededException({
            message: `Provisioning template ${templateName} already has the maximum number of versions (${MOST_VERSIONS})`,
            $metadata: {},
          });
        }
        const versionId = record.lastVersion + 1;
        addVersion(templateName, versionId, body);
        const isDefaultVersion = input.setAsDefault ?? false;
        tables.templates.put(templateName, {
          ...record,
          lastVersion: versionId,
          ...(isDefaultVersion && { defaultVersionId: versionId, modified: clock.now() }),
        });
        return { templateArn: arns.template(templateName), templateName, versionId, isDefaultVersion };
      });
    },

    DescribeProvisioningTemplateVersion(input: sdk.DescribeProvisioningTemplateVersionCommandInput) {
      const record = existing(input.templateName);
      const { versionId, body, created } = version(record.templateName, input.versionId);
      return {
        versionId,
        creationDate: new Date(created),
        templateBody: body,
        isDefaultVersion: versionId === record.defaultVersionId,
      };
    },

    ListProvisioningTemplateVersions(input: sdk.ListProvisioningTemplateVersionsCommandInput) {
      const record = existing(input.templateName);
      const { items, next } = pageOf(
        versionsOf(record.templateName),
        ({ versionId }) => String(versionId),
        input.nextToken,
        input.maxResults,
      );
      return {
        versions: items.map(({ versionId, created }) => ({
          versionId,
          creationDate: new Date(created),
          isDefaultVersion: versionId === record.defaultVersionId,
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    DeleteProvisioningTemplateVersion(input: sdk.DeleteProvisioningTemplateVersionCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.templateName);
        const { versionId } = version(record.templateName, input.versionId);
        if (versionId === record.defaultVersionId) {
          throw deleteConflict('Cannot delete the default version of a provisioning template');
        }
        tables.templateVersions.delete(versionKey(record.templateName, versionId));
        return {};
      });
    },
  } satisfies Operations<typeof sdk>;

  function summary(record: TemplateRecord) {
    return {
      templateArn: arns.template(record.templateName),
      templateName: record.templateName,
      ...(record.description !== undefined && { description: record.description }),
      creationDate: new Date(record.created),
      lastModifiedDate: new Date(record.modified),
      enabled: record.enabled,
      type: record.type,
    };
  }

  return {
    operations,
    /** The template and its default version's body. */
    inForce(templateName: string): { record: TemplateRecord; body: TemplateBody } {
      const record = existing(templateName);
      return { record, body: parseTemplateBody(version(record.templateName, record.defaultVersionId).body) };
    },
  };
}

export type Templates = ReturnType<typeof templates>;

function checkBody(text: string | undefined): string {
  try {
    parseTemplateBody(text ?? '');
  } catch (error) {
    if (error instanceof TemplateError) throw invalid(error.message);
    throw error;
  }
  return text ?? '';
}

function hookOf(hook: sdk.ProvisioningHook | undefined): TemplateRecord['hook'] {
  if (!hook) return undefined;
  const { targetArn = '', payloadVersion = PAYLOAD_VERSION } = hook;
  if (payloadVersion !== PAYLOAD_VERSION) {
    throw invalid(
      `The payload version of a pre-provisioning hook is ${PAYLOAD_VERSION}, not ${payloadVersion}`,
    );
  }
  return { targetArn, payloadVersion };
}

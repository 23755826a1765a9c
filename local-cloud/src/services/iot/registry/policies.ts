import { randomUUID } from 'node:crypto';
import * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { key } from '../../../store/store.js';
import { tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked, deleteConflict, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import { PolicyDocumentError, parsePolicyDocument } from '../policy/document.js';
import { type PolicyRecord, type PolicyVersionRecord, secondParts, type Tables } from '../tables.js';

const POLICY_NAME = /^[\w+=,.@-]+$/;
/** AWS IoT Core quota: versions of a policy. */
const MOST_VERSIONS = 5;

/** The policies and their versions. */
export function policies(tables: Tables, changes: Changes, arns: IotArns, clock: Clock) {
  function existing(name: string | undefined): PolicyRecord {
    const record = tables.policies.get(checked(name, 'policyName', POLICY_NAME, 128));
    if (!record) throw notFound(`Policy not found (name=${name})`);
    return record;
  }

  function version(policyName: string, versionId: string | undefined): PolicyVersionRecord {
    const record = tables.policyVersions.get(key(policyName, versionId ?? ''));
    if (!record) throw notFound(`Policy version not found (name=${policyName}, version=${versionId})`);
    return record;
  }

  const versionsOf = (policyName: string) =>
    [...secondParts(tables.policyVersions, policyName)]
      .map(([, record]) => record)
      .sort((a, b) => Number(b.versionId) - Number(a.versionId));

  function addVersion(policyName: string, versionId: string, document: string): void {
    tables.policyVersions.put(key(policyName, versionId), { versionId, document, created: clock.now() });
  }

  function setDefault(record: PolicyRecord, versionId: string): void {
    tables.policies.put(record.policyName, { ...record, defaultVersionId: versionId, modified: clock.now() });
    changes.touch(`policy/${record.policyName}`);
  }

  const reference = (policyName: string) => ({ policyName, policyArn: arns.policy(policyName) });

  const operations = {
    CreatePolicy(input: sdk.CreatePolicyCommandInput) {
      const policyName = checked(input.policyName, 'policyName', POLICY_NAME, 128);
      const policyDocument = checkDocument(input.policyDocument);
      return changes.transaction(() => {
        if (tables.policies.get(policyName)) {
          throw alreadyExists(
            `Policy cannot be created - name already exists (name=${policyName})`,
            policyName,
            arns.policy(policyName),
          );
        }
        const now = clock.now();
        const dates = { created: now, modified: now };
        const versions = { defaultVersionId: '1', lastVersion: 1 };
        tables.policies.put(policyName, { policyName, ...versions, ...dates, generationId: randomUUID() });
        addVersion(policyName, '1', policyDocument);
        if (input.tags?.length) tables.tags.put(arns.policy(policyName), tagsOf(input.tags));
        changes.touch(`policy/${policyName}`);
        return { ...reference(policyName), policyDocument, policyVersionId: '1' };
      });
    },

    GetPolicy({ policyName }: sdk.GetPolicyCommandInput) {
      const record = existing(policyName);
      return {
        ...reference(record.policyName),
        policyDocument: version(record.policyName, record.defaultVersionId).document,
        defaultVersionId: record.defaultVersionId,
        creationDate: new Date(record.created),
        lastModifiedDate: new Date(record.modified),
        generationId: record.generationId,
      };
    },

    ListPolicies(input: sdk.ListPoliciesCommandInput) {
      const names = [...tables.policies.entries()].map(([name]) => name);
      if (input.ascendingOrder === false) names.reverse();
      const { items, next } = pageOf(names, (name) => name, input.marker, input.pageSize);
      return { policies: items.map(reference), ...(next !== undefined && { nextMarker: next }) };
    },

    DeletePolicy({ policyName }: sdk.DeletePolicyCommandInput) {
      return changes.transaction(() => {
        const { policyName: name } = existing(policyName);
        if (!secondParts(tables.policyTargets, name).next().done) {
          throw deleteConflict(
            `The policy cannot be deleted as the policy is attached to one or more principals (name=${name})`,
          );
        }
        const versions = versionsOf(name);
        if (versions.length > 1) {
          throw deleteConflict(
            `Cannot delete the policy because it has one or more policy versions attached to it (name=${name})`,
          );
        }
        for (const { versionId } of versions) tables.policyVersions.delete(key(name, versionId));
        tables.policies.delete(name);
        tables.tags.delete(arns.policy(name));
        changes.touch(`policy/${name}`);
        return {};
      });
    },

    CreatePolicyVersion(input: sdk.CreatePolicyVersionCommandInput) {
      const policyDocument = checkDocument(input.policyDocument);
      return changes.transaction(() => {
        const record = existing(input.policyName);
        const { policyName } = record;
        if (versionsOf(policyName).length >= MOST_VERSIONS) {
          throw new sdk.VersionsLimitExceededException({
            message: `The policy ${policyName} already has the maximum number of versions (${MOST_VERSIONS})`,
            $metadata: {},
          });
        }
        const lastVersion = record.lastVersion + 1;
        const policyVersionId = String(lastVersion);
        addVersion(policyName, policyVersionId, policyDocument);
        const next = { ...record, lastVersion };
        if (input.setAsDefault) setDefault(next, policyVersionId);
        else tables.policies.put(policyName, next);
        return {
          policyArn: arns.policy(policyName),
          policyDocument,
          policyVersionId,
          isDefaultVersion: input.setAsDefault ?? false,
        };
      });
    },

    GetPolicyVersion(input: sdk.GetPolicyVersionCommandInput) {
      const record = existing(input.policyName);
      const { versionId, document, created } = version(record.policyName, input.policyVersionId);
      return {
        ...reference(record.policyName),
        policyDocument: document,
        policyVersionId: versionId,
        isDefaultVersion: versionId === record.defaultVersionId,
        creationDate: new Date(created),
        lastModifiedDate: new Date(created),
        generationId: record.generationId,
      };
    },

    ListPolicyVersions({ policyName }: sdk.ListPolicyVersionsCommandInput) {
      const record = existing(policyName);
      return {
        policyVersions: versionsOf(record.policyName).map(({ versionId, created }) => ({
          versionId,
          isDefaultVersion: versionId === record.defaultVersionId,
          createDate: new Date(created),
        })),
      };
    },

    SetDefaultPolicyVersion(input: sdk.SetDefaultPolicyVersionCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.policyName);
        setDefault(record, version(record.policyName, input.policyVersionId).versionId);
        return {};
      });
    },

    DeletePolicyVersion(input: sdk.DeletePolicyVersionCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.policyName);
        const { versionId } = version(record.policyName, input.policyVersionId);
        if (versionId === record.defaultVersionId) {
          throw deleteConflict('Cannot delete the default version of a policy');
        }
        tables.policyVersions.delete(key(record.policyName, versionId));
        return {};
      });
    },
  } satisfies Operations<typeof sdk>;

  return {
    operations,
    existing,
    /** The document in force. */
    document: (policyName: string): string | undefined => {
      const record = tables.policies.get(policyName);
      return record && tables.policyVersions.get(key(policyName, record.defaultVersionId))?.document;
    },
  };
}

export type Policies = ReturnType<typeof policies>;

function checkDocument(text: string | undefined): string {
  try {
    parsePolicyDocument(text ?? '');
  } catch (error) {
    if (!(error instanceof PolicyDocumentError)) throw error;
    throw new sdk.MalformedPolicyException({
      message: `Policy document is Malformed: ${error.message}`,
      $metadata: {},
    });
  }
  return text ?? '';
}

import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-greengrassv2';
import type { Base } from '../../../plugin.js';
import type { Call } from '../../../service.js';
import type { IotArns } from '../../iot/arns.js';
import type { GreengrassAccess } from '../access.js';
import type { GreengrassArns } from '../arns.js';
import type { ClientTokens } from '../client-tokens.js';
import type { ComponentStore } from '../components/component-store.js';
import { conflict, invalid, invalidInput, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import type { Delivery } from './delivery.js';
import { withDefaults } from './deployment-document.js';
import type { DeploymentRecord, DeploymentStore, Target } from './deployment-store.js';
import { checkDeployment, parseTarget } from './deployment-validation.js';

/** What deployments need to know of the registry of AWS IoT. */
export interface TargetRegistry {
  thingExists(thingName: string): boolean;
  thingGroupExists(thingGroupName: string): boolean;
}

export interface DeploymentParts {
  readonly base: Base;
  readonly arns: GreengrassArns;
  readonly iotArns: IotArns;
  readonly components: ComponentStore;
  readonly deployments: DeploymentStore;
  readonly delivery: Delivery;
  readonly tokens: ClientTokens;
  readonly registry: TargetRegistry;
  readonly access: GreengrassAccess;
}

/** Deployments to things and thing groups. */
export function deploymentOperations(parts: DeploymentParts) {
  const { base, arns, iotArns, components, deployments, delivery, tokens, registry, access } = parts;
  const jobArn = (jobId: string) => iotArns.of(`job/${jobId}`);

  function existing(deploymentId: string | undefined): DeploymentRecord {
    const record = deployments.get(deploymentId ?? '');
    if (record) return record;
    throw notFound(`Deployment ${deploymentId} does not exist`, 'Deployment', deploymentId ?? '');
  }

  /** @throws ResourceNotFoundException when there is no such thing or group in this account and region. */
  function existingTarget(arn: string, member?: string): Target {
    const target = parseTarget(arn, member);
    const { type, name } = target;
    const own = type === 'thing' ? iotArns.thing(name) : iotArns.thingGroup(name);
    const exists = type === 'thing' ? registry.thingExists(name) : registry.thingGroupExists(name);
    if (own !== arn || !exists) {
      throw notFound(`${type === 'thing' ? 'Thing' : 'Thing group'} ${arn} does not exist`, type, arn);
    }
    return target;
  }

  function checkParent(target: Target, parentTargetArn: string): void {
    const parent = existingTarget(parentTargetArn, 'parentTargetArn');
    if (target.type !== 'thinggroup' || parent.type !== 'thinggroup') {
      throw invalidInput('A subdeployment and its parent can only target thing groups');
    }
    if (deployments.latest(parentTargetArn, undefined)) return;
    throw notFound(`There is no deployment for ${parentTargetArn}`, 'Deployment', parentTargetArn);
  }

  /** What Greengrass does to a job it does as its caller; without a call that is the account. */
  function requireJob(call: Call | undefined, action: string, { jobId }: DeploymentRecord): void {
    if (call && jobId !== undefined) access.require(call, action, jobArn(jobId));
  }

  function create(
    input: sdk.CreateDeploymentCommandInput,
    call: Call | undefined,
  ): sdk.CreateDeploymentResponse {
    const { targetArn = '', parentTargetArn, deploymentName } = input;
    const target = existingTarget(targetArn);
    if (parentTargetArn !== undefined) checkParent(target, parentTargetArn);
    checkDeployment(input, components);
    const draft = {
      deploymentId: randomUUID(),
      targetArn,
      target,
      ...(parentTargetArn !== undefined && { parentTargetArn }),
      ...(deploymentName !== undefined && { deploymentName }),
      components: input.components ?? {},
      policies: input.deploymentPolicies ?? {},
      jobConfiguration: input.iotJobConfiguration ?? {},
      ...(target.type === 'thinggroup' && { jobId: randomUUID() }),
      created: base.clock.now(),
      sent: false,
      tags: input.tags ?? {},
    };
    const configuration = parentTargetArn === undefined ? target : parseTarget(parentTargetArn);
    const configurationArn = (revision: number) =>
      arns.configuration(`${configuration.type}/${configuration.name}`, revision);
    delivery.checkSize({ ...draft, sequence: 0, revision: 0, configurationArn: configurationArn(0) });
    const previous = deployments.latest(targetArn, parentTargetArn);
    if (previous) requireJob(call, 'iot:CancelJob', previous);
    const record = deployments.add(draft, configurationArn);
    try {
      delivery.send(record);
    } catch (error) {
      deployments.delete(record, previous);
      throw error;
    }
    if (previous && !previous.canceled) delivery.cancel(previous, 'REVISED');
    return {
      deploymentId: record.deploymentId,
      ...(record.jobId !== undefined && { iotJobId: record.jobId, iotJobArn: jobArn(record.jobId) }),
    };
  }

  const described = (record: DeploymentRecord) => ({
    targetArn: record.targetArn,
    revisionId: String(record.revision),
    deploymentId: record.deploymentId,
    deploymentName: record.deploymentName,
    creationTimestamp: new Date(record.created),
    deploymentStatus: delivery.status(record),
    isLatestForTarget: deployments.isLatest(record),
    parentTargetArn: record.parentTargetArn,
  });

  return {
    CreateDeployment(
      input: sdk.CreateDeploymentCommandInput,
      call: Call | undefined,
    ): sdk.CreateDeploymentResponse {
      const { clientToken } = input;
      const before = tokens.answered<sdk.CreateDeploymentResponse>('CreateDeployment', clientToken);
      if (before) return before;
      const answer = create(input, call);
      return tokens.once('CreateDeployment', clientToken, () => answer);
    },

    GetDeployment({ deploymentId }: sdk.GetDeploymentCommandInput): sdk.GetDeploymentResponse {
      const record = existing(deploymentId);
      return {
        ...described(record),
        ...(record.jobId !== undefined && { iotJobId: record.jobId, iotJobArn: jobArn(record.jobId) }),
        components: { ...record.components },
        deploymentPolicies: withDefaults(record.policies),
        iotJobConfiguration: record.jobConfiguration,
        tags: { ...record.tags },
      };
    },

    ListDeployments(input: sdk.ListDeploymentsCommandInput): sdk.ListDeploymentsResponse {
      const { targetArn, historyFilter = 'LATEST_ONLY', parentTargetArn, maxResults, nextToken } = input;
      if (historyFilter !== 'LATEST_ONLY' && historyFilter !== 'ALL') {
        throw invalid(`Invalid historyFilter ${String(historyFilter)}`);
      }
      if (targetArn !== undefined) parseTarget(targetArn);
      if (parentTargetArn !== undefined) parseTarget(parentTargetArn, 'parentTargetArn');
      const all = deployments
        .list()
        .filter(
          (record) =>
            (targetArn === undefined || record.targetArn === targetArn) &&
            (parentTargetArn === undefined || record.parentTargetArn === parentTargetArn) &&
            (historyFilter === 'ALL' || deployments.isLatest(record)),
        );
      const { items, next } = pageOf(all, ({ deploymentId }) => deploymentId, nextToken, maxResults);
      return { deployments: items.map(described), nextToken: next };
    },

    CancelDeployment(
      { deploymentId }: sdk.CancelDeploymentCommandInput,
      call: Call | undefined,
    ): sdk.CancelDeploymentResponse {
      const record = existing(deploymentId);
      requireJob(call, 'iot:CancelJob', record);
      const status = delivery.status(record);
      if (status !== 'ACTIVE') {
        throw conflict(
          `Deployment ${deploymentId} is ${status} and cannot be canceled`,
          'Deployment',
          record.deploymentId,
        );
      }
      deployments.put({ ...record, canceled: true });
      delivery.cancel(record, 'CANCELED');
      return { message: 'SUCCESS' };
    },

    DeleteDeployment({ deploymentId }: sdk.DeleteDeploymentCommandInput, call: Call | undefined) {
      const record = existing(deploymentId);
      requireJob(call, 'iot:DeleteJob', record);
      if (delivery.status(record) === 'ACTIVE') {
        throw conflict(
          `Deployment ${deploymentId} is ACTIVE; cancel it before it is deleted`,
          'Deployment',
          record.deploymentId,
        );
      }
      delivery.forget(record);
      deployments.delete(record);
      return {};
    },
  };
}

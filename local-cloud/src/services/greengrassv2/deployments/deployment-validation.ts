import type * as sdk from '@aws-sdk/client-greengrassv2';
import { patternViolation, violation } from '../../../constraints.js';
import type { ComponentStore } from '../components/component-store.js';
import { isComponentVersion } from '../components/versions.js';
import { checkEnum, checkRange, invalid, invalidInput, notFound } from '../errors.js';
import { checkTags } from '../tags.js';
import type { Target } from './deployment-store.js';

const TARGET = /^arn:[^:]*:iot:[^:]*:[0-9]+:(thing|thinggroup)\/(.+)$/;

/** @throws ValidationException unless the text has the form of the ARN of a thing or thing group. */
export function parseTarget(arn: string, member = 'targetArn'): Target {
  const [, type, name] = TARGET.exec(arn) ?? [];
  if ((type !== 'thing' && type !== 'thinggroup') || name === undefined) {
    throw invalid(patternViolation(arn, member, TARGET.source.slice(1, -1)));
  }
  return { type, name };
}

/**
 * Checks what somebody wants to be deployed (API reference, CreateDeployment).
 *
 * @throws ValidationException, ResourceNotFoundException for a component version that does not exist.
 */
export function checkDeployment(input: sdk.CreateDeploymentCommandInput, components: ComponentStore): void {
  const { deploymentName, tags } = input;
  if (deploymentName !== undefined && (deploymentName.length < 1 || deploymentName.length > 256)) {
    throw invalid(
      violation(deploymentName, 'deploymentName', 'Member must have length between 1 and 256, inclusive'),
    );
  }
  if (tags) checkTags(tags);
  for (const [name, specification] of Object.entries(input.components ?? {})) {
    checkComponent(name, specification, components);
  }
  checkPolicies(input.deploymentPolicies);
  checkJob(input.iotJobConfiguration);
}

function checkComponent(
  name: string,
  { componentVersion = '', configurationUpdate, runWith }: sdk.ComponentDeploymentSpecification,
  components: ComponentStore,
): void {
  if (!isComponentVersion(componentVersion)) {
    throw invalidInput(`componentVersion '${componentVersion}' of ${name} is not a semantic version`);
  }
  const exists = components.usable(name).some(({ recipe }) => recipe.ComponentVersion === componentVersion);
  if (!exists) {
    throw notFound(
      `Component [${name} : ${componentVersion}] does not exist`,
      'ComponentVersion',
      `${name}:${componentVersion}`,
    );
  }
  const { merge, reset = [] } = configurationUpdate ?? {};
  if (merge !== undefined && !isJsonObject(merge)) {
    throw invalidInput(`configurationUpdate.merge of ${name} is not the text of a JSON object`);
  }
  for (const pointer of reset) {
    if (pointer === '' || (pointer.startsWith('/') && pointer.length <= 256)) continue;
    throw invalidInput(`configurationUpdate.reset of ${name} has '${pointer}', which is not a JSON pointer`);
  }
  const { memory, cpus } = runWith?.systemResourceLimits ?? {};
  for (const [member, value] of [['memory', memory] as const, ['cpus', cpus] as const]) {
    if (value !== undefined && !(value >= 0)) {
      throw invalidInput(`runWith.systemResourceLimits.${member} of ${name} must not be negative`);
    }
  }
}

function checkPolicies(policies: sdk.DeploymentPolicies | undefined): void {
  const {
    failureHandlingPolicy: failure,
    componentUpdatePolicy,
    configurationValidationPolicy,
  } = policies ?? {};
  checkEnum(failure, 'failureHandlingPolicy', ['ROLLBACK', 'DO_NOTHING']);
  checkEnum(componentUpdatePolicy?.action, 'componentUpdatePolicy.action', [
    'NOTIFY_COMPONENTS',
    'SKIP_NOTIFY_COMPONENTS',
  ]);
  checkSeconds(componentUpdatePolicy?.timeoutInSeconds, 'componentUpdatePolicy.timeoutInSeconds');
  checkSeconds(
    configurationValidationPolicy?.timeoutInSeconds,
    'configurationValidationPolicy.timeoutInSeconds',
  );
}

/** The limits of the members of DeploymentIoTJobConfiguration. */
function checkJob(job: sdk.DeploymentIoTJobConfiguration | undefined): void {
  const { jobExecutionsRolloutConfig: rollout, abortConfig, timeoutConfig } = job ?? {};
  checkRange(rollout?.maximumPerMinute, 'maximumPerMinute', 1, 1000);
  const rate = rollout?.exponentialRate;
  if (rate) {
    checkRange(rate.baseRatePerMinute, 'baseRatePerMinute', 1, 1000);
    const factor = rate.incrementFactor ?? 0;
    if (!(factor >= 1 && factor <= 5)) {
      throw invalid(violation(factor, 'incrementFactor', 'Member must be between 1 and 5, inclusive'));
    }
    const { numberOfNotifiedThings: notified, numberOfSucceededThings: succeeded } =
      rate.rateIncreaseCriteria ?? {};
    if ((notified === undefined) === (succeeded === undefined)) {
      throw invalidInput(
        'rateIncreaseCriteria needs either numberOfNotifiedThings or numberOfSucceededThings',
      );
    }
    checkRange(notified ?? succeeded, 'rateIncreaseCriteria', 1, 2 ** 31 - 1);
  }
  if (abortConfig && !abortConfig.criteriaList?.length) {
    throw invalid(
      violation('[]', 'abortConfig.criteriaList', 'Member must have length greater than or equal to 1'),
    );
  }
  for (const criteria of abortConfig?.criteriaList ?? []) {
    checkEnum(criteria.failureType, 'failureType', ['FAILED', 'REJECTED', 'TIMED_OUT', 'ALL']);
    checkEnum(criteria.action, 'action', ['CANCEL']);
    const threshold = criteria.thresholdPercentage ?? -1;
    if (!(threshold > 0 && threshold <= 100)) {
      throw invalid(violation(threshold, 'thresholdPercentage', 'Member must be above 0 and at most 100'));
    }
    checkRange(criteria.minNumberOfExecutedThings, 'minNumberOfExecutedThings', 1, 2 ** 31 - 1);
  }
  checkRange(timeoutConfig?.inProgressTimeoutInMinutes, 'inProgressTimeoutInMinutes', 1, 10_080);
}

function checkSeconds(value: number | undefined, member: string): void {
  checkRange(value, member, 0, 2 ** 31 - 1);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

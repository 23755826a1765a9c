import type * as sdk from '@aws-sdk/client-greengrassv2';
import type { DeploymentRecord } from './deployment-store.js';

/** Defaults of the policies (API reference, DeploymentPolicies and its members); seconds. */
const DEFAULT_POLICIES = {
  failureHandlingPolicy: 'ROLLBACK',
  componentUpdatePolicy: { timeoutInSeconds: 60, action: 'NOTIFY_COMPONENTS' },
  configurationValidationPolicy: { timeoutInSeconds: 30 },
} as const;

/** Policies with the defaults of what they leave out. */
export function withDefaults(policies: sdk.DeploymentPolicies) {
  return {
    failureHandlingPolicy: policies.failureHandlingPolicy ?? DEFAULT_POLICIES.failureHandlingPolicy,
    componentUpdatePolicy: { ...DEFAULT_POLICIES.componentUpdatePolicy, ...policies.componentUpdatePolicy },
    configurationValidationPolicy: {
      ...DEFAULT_POLICIES.configurationValidationPolicy,
      ...policies.configurationValidationPolicy,
    },
  };
}

/**
 * What a core device is sent of a deployment: the document of its job, or `fleetConfig` of its shadow, as the nucleus
 * reads it.
 */
export function deploymentDocument(record: DeploymentRecord): object {
  const { parentTargetArn } = record;
  const policies = withDefaults(record.policies);
  const { componentUpdatePolicy: update, configurationValidationPolicy: validation } = policies;
  return {
    deploymentId: record.deploymentId,
    ...(record.deploymentName !== undefined && { deploymentName: record.deploymentName }),
    creationTimestamp: record.created,
    configurationArn: record.configurationArn,
    ...(parentTargetArn !== undefined && { parentTargetArn, onBehalfOf: record.targetArn }),
    requiredCapabilities: [],
    failureHandlingPolicy: policies.failureHandlingPolicy,
    componentUpdatePolicy: { timeout: update.timeoutInSeconds, action: update.action },
    configurationValidationPolicy: { timeout: validation.timeoutInSeconds },
    components: Object.fromEntries(
      Object.entries(record.components).map(([name, { componentVersion, configurationUpdate, runWith }]) => [
        name,
        {
          version: componentVersion,
          ...(runWith && { runWith }),
          ...(configurationUpdate && {
            configurationUpdate: {
              ...(configurationUpdate.merge !== undefined && {
                merge: JSON.parse(configurationUpdate.merge) as unknown,
              }),
              ...(configurationUpdate.reset && { reset: configurationUpdate.reset }),
            },
          }),
        },
      ]),
    ),
  };
}

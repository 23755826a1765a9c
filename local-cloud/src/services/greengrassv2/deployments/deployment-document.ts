import type { DeploymentRecord } from './deployment-store.js';

/** Defaults of the policies (API reference, DeploymentPolicies and its members); seconds. */
export const DEFAULT_POLICIES = {
  failureHandlingPolicy: 'ROLLBACK',
  componentUpdatePolicy: { timeoutInSeconds: 60, action: 'NOTIFY_COMPONENTS' },
  configurationValidationPolicy: { timeoutInSeconds: 30 },
} as const;

/**
 * What a core device is sent of a deployment: the document of its job, or `fleetConfig` of its shadow, as the nucleus
 * reads it.
 */
export function deploymentDocument(record: DeploymentRecord): object {
  const { policies, parentTargetArn } = record;
  const update = { ...DEFAULT_POLICIES.componentUpdatePolicy, ...policies.componentUpdatePolicy };
  const validation = {
    ...DEFAULT_POLICIES.configurationValidationPolicy,
    ...policies.configurationValidationPolicy,
  };
  return {
    deploymentId: record.deploymentId,
    ...(record.deploymentName !== undefined && { deploymentName: record.deploymentName }),
    creationTimestamp: record.created,
    configurationArn: record.configurationArn,
    ...(parentTargetArn !== undefined && { parentTargetArn, onBehalfOf: record.targetArn }),
    requiredCapabilities: [],
    failureHandlingPolicy: policies.failureHandlingPolicy ?? DEFAULT_POLICIES.failureHandlingPolicy,
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

import {
  CreateDeploymentCommand,
  GetDeploymentCommand,
  type GreengrassV2Client,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { JsonObject, sameValue } from '../deploy/json.js';
import { MooringError } from '../errors.js';
import type { ConfigurationUpdate } from './configuration.js';
import { jobConfiguration, type RolloutPlan } from './rollout-plan.js';

/** A component of a deployment. */
export interface DeployedComponent extends ConfigurationUpdate {
  readonly version: string;
}

/** Component name to what is deployed of it. */
export type DeployedComponents = Readonly<Record<string, DeployedComponent>>;

/** A revision of the fleet's deployment. */
export interface Revision {
  readonly deploymentId: string;
  /** Counts the deployments to the same target. */
  readonly revision: string;
  /** `ACTIVE`, or `CANCELED` when its rollout was stopped: then it reaches no further device. */
  readonly status: string;
  readonly jobId: string;
  /** ISO 8601. */
  readonly created: string | undefined;
  readonly components: DeployedComponents;
}

/** The latest deployment to a target; undefined when there never was one. */
export async function deploymentInForce(
  greengrass: GreengrassV2Client,
  targetArn: string,
): Promise<Revision | undefined> {
  const { deployments = [] } = await greengrass.send(
    new ListDeploymentsCommand({ targetArn, historyFilter: 'LATEST_ONLY' }),
  );
  const deploymentId = deployments[0]?.deploymentId;
  return deploymentId === undefined ? undefined : readRevision(greengrass, deploymentId);
}

async function readRevision(greengrass: GreengrassV2Client, deploymentId: string): Promise<Revision> {
  const got = await greengrass.send(new GetDeploymentCommand({ deploymentId }));
  const components: Record<string, DeployedComponent> = {};
  for (const [name, { componentVersion = '', configurationUpdate }] of Object.entries(got.components ?? {})) {
    components[name] = {
      version: componentVersion,
      merge: mergeOf(configurationUpdate?.merge),
      reset: configurationUpdate?.reset ?? [],
    };
  }
  return {
    deploymentId,
    revision: got.revisionId ?? '',
    status: got.deploymentStatus ?? 'UNKNOWN',
    jobId: got.iotJobId ?? '',
    created: got.creationTimestamp?.toISOString(),
    components,
  };
}

function mergeOf(text: string | undefined): JsonObject {
  if (text === undefined || text === '') return {};
  try {
    return JsonObject.parse(JSON.parse(text));
  } catch {
    // Greengrass takes objects only; what somebody else wrote in another way cannot be built upon.
    return {};
  }
}

/**
 * Whether a deployment would change nothing on a device that has the other one. What was reset already need not
 * be reset again.
 */
export function sameDeployment(wanted: DeployedComponents, inForce: DeployedComponents): boolean {
  const names = Object.keys(wanted);
  return (
    names.length === Object.keys(inForce).length &&
    names.every((name) => {
      const [one, other] = [wanted[name], inForce[name]];
      return (
        one !== undefined &&
        other !== undefined &&
        one.version === other.version &&
        sameValue(one.merge, other.merge) &&
        one.reset.every((pointer) => other.reset.includes(pointer))
      );
    })
  );
}

/** Seconds that a component may put an update off. */
const UPDATE_TIMEOUT = 60;

/**
 * Makes a new revision of a target's deployment, in place of the one in force. A component that fails does not
 * undo the others: whoever watches takes it back by itself.
 */
export async function createRevision(
  greengrass: GreengrassV2Client,
  targetArn: string,
  components: DeployedComponents,
  plan: RolloutPlan,
): Promise<Revision> {
  const { deploymentId } = await greengrass.send(
    new CreateDeploymentCommand({
      targetArn,
      deploymentName: 'mooring',
      components: Object.fromEntries(
        Object.entries(components).map(([name, { version, merge, reset }]) => [
          name,
          { componentVersion: version, ...updateOf({ merge, reset }) },
        ]),
      ),
      deploymentPolicies: {
        failureHandlingPolicy: 'DO_NOTHING',
        componentUpdatePolicy: { action: 'NOTIFY_COMPONENTS', timeoutInSeconds: UPDATE_TIMEOUT },
        configurationValidationPolicy: { timeoutInSeconds: UPDATE_TIMEOUT },
      },
      iotJobConfiguration: jobConfiguration(plan),
    }),
  );
  if (deploymentId === undefined) {
    throw new MooringError('NoDeployment', 'Greengrass answered without a deployment; try again');
  }
  return readRevision(greengrass, deploymentId);
}

function updateOf({ merge, reset }: ConfigurationUpdate) {
  const update = {
    ...(Object.keys(merge).length > 0 && { merge: JSON.stringify(merge) }),
    ...(reset.length > 0 && { reset: [...reset] }),
  };
  return Object.keys(update).length > 0 ? { configurationUpdate: update } : {};
}

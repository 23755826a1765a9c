import type { DeploymentIoTJobConfiguration } from '@aws-sdk/client-greengrassv2';

/** How a deployment spreads over a fleet. */
export interface RolloutPlan {
  /** Devices of the first wave; a wave a minute, each larger than the one before while devices succeed. */
  readonly wave: number;
  /** Percent of failed devices at which the rollout stops. */
  readonly failureThreshold: number;
  readonly fleetSize: number;
}

/** Devices a minute that a job reaches at most (AWS IoT developer guide, "Job rollout configuration"). */
export const MAXIMUM_WAVE = 1000;
/** Minutes after which a device that has begun and not ended counts as failed. */
const IN_PROGRESS_TIMEOUT = 60;

/** The first wave unless told otherwise: a tenth of the fleet, but no less than five devices. */
export function defaultWave(fleetSize: number): number {
  return Math.min(MAXIMUM_WAVE, Math.max(5, Math.ceil(fleetSize / 10)));
}

/**
 * The AWS IoT job settings of a deployment: it begins with one wave a minute and doubles with each wave that
 * succeeded, and stops by itself when too many of at least one whole wave failed, whether or not anybody
 * watches. A fleet no larger than one wave has nobody left to protect: there the deployment is not stopped, so
 * that devices that join later still get it.
 */
export function jobConfiguration({
  wave,
  failureThreshold,
  fleetSize,
}: RolloutPlan): DeploymentIoTJobConfiguration {
  const timeoutConfig = { inProgressTimeoutInMinutes: IN_PROGRESS_TIMEOUT };
  if (fleetSize <= wave) {
    return { jobExecutionsRolloutConfig: { maximumPerMinute: MAXIMUM_WAVE }, timeoutConfig };
  }
  return {
    jobExecutionsRolloutConfig: {
      exponentialRate: {
        baseRatePerMinute: wave,
        incrementFactor: 2,
        rateIncreaseCriteria: { numberOfSucceededThings: wave },
      },
      maximumPerMinute: MAXIMUM_WAVE,
    },
    abortConfig: {
      criteriaList: [
        {
          failureType: 'ALL',
          action: 'CANCEL',
          thresholdPercentage: failureThreshold,
          minNumberOfExecutedThings: wave,
        },
      ],
    },
    timeoutConfig,
  };
}

/** How many devices of a deployment are where. */
export interface Counts {
  readonly succeeded: number;
  readonly failed: number;
}

/** Whether so many devices failed that the rollout must not go on to those that are left. */
export function hasFailed({ succeeded, failed }: Counts, plan: RolloutPlan): boolean {
  const executed = succeeded + failed;
  return (
    plan.fleetSize > plan.wave &&
    executed >= plan.wave &&
    executed < plan.fleetSize &&
    failed * 100 >= executed * plan.failureThreshold
  );
}

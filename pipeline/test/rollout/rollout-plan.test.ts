import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultWave, hasFailed, jobConfiguration } from '../../src/rollout/rollout-plan.js';

it.each([
  [0, 5],
  [1, 5],
  [50, 5],
  [51, 6],
  [1000, 100],
  [1_000_000, 1000],
])('a fleet of %i begins with a wave of %i', (fleetSize, wave) => {
  expect(defaultWave(fleetSize)).toBe(wave);
});

it('a thousand devices are rolled out to in growing waves, and the rollout stops by itself', () => {
  expect(jobConfiguration({ wave: 100, failureThreshold: 20, fleetSize: 1000 })).toEqual({
    jobExecutionsRolloutConfig: {
      exponentialRate: {
        baseRatePerMinute: 100,
        incrementFactor: 2,
        rateIncreaseCriteria: { numberOfSucceededThings: 100 },
      },
      maximumPerMinute: 1000,
    },
    abortConfig: {
      criteriaList: [
        { failureType: 'ALL', action: 'CANCEL', thresholdPercentage: 20, minNumberOfExecutedThings: 100 },
      ],
    },
    timeoutConfig: { inProgressTimeoutInMinutes: 60 },
  });
});

it.each([0, 1, 2, 5])('a fleet of %i is one wave, and whoever joins later still gets it', (fleetSize) => {
  const { abortConfig } = jobConfiguration({ wave: 5, failureThreshold: 20, fleetSize });
  expect(abortConfig).toBeUndefined();
});

it('stays within the limits of AWS IoT, whatever the fleet', () => {
  fc.assert(
    fc.property(fc.nat(200_000), (fleetSize) => {
      const wave = defaultWave(fleetSize);
      const { jobExecutionsRolloutConfig } = jobConfiguration({ wave, failureThreshold: 20, fleetSize });
      const { exponentialRate, maximumPerMinute = 0 } = jobExecutionsRolloutConfig ?? {};
      expect(maximumPerMinute).toBeLessThanOrEqual(1000);
      if (exponentialRate) expect(exponentialRate.baseRatePerMinute).toBeLessThanOrEqual(maximumPerMinute);
    }),
  );
});

it.each([
  [{ succeeded: 0, failed: 99 }, false],
  [{ succeeded: 0, failed: 100 }, true],
  [{ succeeded: 80, failed: 20 }, true],
  [{ succeeded: 81, failed: 19 }, false],
  // Nobody is left to be kept from it.
  [{ succeeded: 0, failed: 1000 }, false],
])('of a thousand, %j stops the rollout: %s', (counts, stops) => {
  expect(hasFailed(counts, { wave: 100, failureThreshold: 20, fleetSize: 1000 })).toBe(stops);
});

it.each([1, 2, 5])('a fleet of %i that failed wholly has no rollout to stop', (failed) => {
  expect(hasFailed({ succeeded: 0, failed }, { wave: 5, failureThreshold: 20, fleetSize: failed })).toBe(
    false,
  );
});

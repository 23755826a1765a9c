import type { Outcome, Step } from './step.js';
import { brokenApplication } from './steps/broken-application.js';
import { buildAndPublish, deployComponentsStep } from './steps/components.js';
import { cost } from './steps/cost.js';
import { deploy } from './steps/deploy.js';
import { destroy, redeploy } from './steps/destroy.js';
import { firstBoot } from './steps/first-boot.js';
import { button, frequency } from './steps/led.js';
import { takeOffTheAllowlist } from './steps/membership.js';
import { osUpdate } from './steps/os-update.js';
import { setUpProvisioning } from './steps/provisioning.js';
import { certificateRotation } from './steps/rotation.js';
import { secondDevice } from './steps/second-device.js';
import { unauthorisedDevice } from './steps/unauthorised.js';
import type { World } from './world.js';

/** The whole story, in the order in which it is played. */
export const story: readonly Step[] = [
  deploy,
  setUpProvisioning,
  buildAndPublish,
  deployComponentsStep,
  firstBoot,
  secondDevice,
  frequency,
  button,
  certificateRotation,
  brokenApplication,
  osUpdate,
  destroy,
  redeploy,
  takeOffTheAllowlist,
  unauthorisedDevice,
  cost,
];

/** The steps to play for those that are asked for: with all that they need, in the order of the story. */
export function stepsFor(wanted: readonly number[]): Step[] {
  const all = new Set<number>();
  const add = (number: number) => {
    const step = story.find((candidate) => candidate.step === number);
    if (!step || all.has(number)) return;
    all.add(number);
    for (const needed of step.needs) add(needed);
  };
  for (const number of wanted) add(number);
  return story.filter(({ step }) => all.has(step));
}

/**
 * Plays steps one after the other. A step whose need was not seen is not played: it fails and says why.
 *
 * @param onOutcome called after each step.
 */
export async function playStory(
  steps: readonly Step[],
  world: World,
  onOutcome: (step: Step, outcome: Outcome) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    const outcome = await playStep(step, world, outcomes);
    outcomes.push(outcome);
    onOutcome(step, outcome);
  }
  return outcomes;
}

async function playStep(step: Step, world: World, before: readonly Outcome[]): Promise<Outcome> {
  const { step: number, name, play, needs } = step;
  const outcome = (status: Outcome['status'], seen: string, seconds = 0): Outcome => ({
    step: number,
    name,
    status,
    seconds: Math.round(seconds * 100) / 100,
    seen,
  });
  if (!play) return outcome('not built yet', 'not built yet');
  const missing = before.filter((other) => needs.includes(other.step) && other.status !== 'passed');
  if (missing.length > 0) {
    return outcome(
      'failed',
      `not played, as step ${missing.map((other) => other.step).join(', ')} was not seen`,
    );
  }
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  try {
    const seen = await play(world);
    return outcome('passed', seen, seconds());
  } catch (error) {
    return outcome('failed', error instanceof Error ? error.message : String(error), seconds());
  }
}

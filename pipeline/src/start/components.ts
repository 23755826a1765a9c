import { join } from 'node:path';
import { componentNames } from '@mooring/contracts';
import { type BuiltComponent, buildComponents } from '../components/build.js';
import { type PublishedComponent, publishComponents } from '../components/publish.js';
import { repositoryRoot } from '../repository.js';
import { readDeploymentFile } from '../rollout/configuration.js';
import { type ComponentsDeployment, deployComponents } from '../rollout/deploy-components.js';
import type { StateDirectory } from '../state-directory.js';
import type { Target } from '../target.js';

/** Broken on purpose: there to be tried by those who want to see what becomes of it. */
const LEFT_OUT = [componentNames.corrupt];
const COMPONENTS = Object.values(componentNames).filter((name) => !LEFT_OUT.some((other) => other === name));

/** Builds the components for the devices of this machine: on its own Node.js, which needs no network. */
export async function buildHere(
  state: StateDirectory,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<BuiltComponent[]> {
  return buildComponents({
    outDir: state.built('host'),
    base: 'host',
    builder: 'layers',
    only: COMPONENTS,
    onProgress,
    signal,
  });
}

/** Publishes those of the components that changed. */
export async function publishHere(
  target: Target,
  built: readonly BuiltComponent[],
  signal: AbortSignal,
): Promise<PublishedComponent[]> {
  return publishComponents(target, built, { onProgress: () => undefined, signal });
}

/** Deploys to the fleet what is published; the devices get it when they are there. */
export async function deployHere(target: Target, signal: AbortSignal): Promise<ComponentsDeployment> {
  return deployComponents(target, {
    only: [],
    without: LEFT_OUT,
    declared: await readDeploymentFile(join(repositoryRoot, 'components', 'deployment.yaml')),
    merges: [],
    resets: [],
    // Devices of one machine that join one after the other need not wait for their wave.
    wave: 1000,
    failureThreshold: 20,
    wait: false,
    timeout: 0,
    settle: 0,
    onProgress: () => undefined,
    signal,
  });
}

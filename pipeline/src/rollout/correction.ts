import type { DeployedComponent, DeployedComponents } from './deployment.js';
import { type Candidate, lastGood } from './version-choice.js';

/** A component that a correction takes back. */
export interface TakenBack {
  readonly name: string;
  readonly from: string;
  /** Undefined: it is left out. */
  readonly to: string | undefined;
}

/**
 * What becomes of a deployment some of whose components turned out to be broken: each goes back to its last good
 * version by itself, and the others stay as they are. Without a good version it is left out, unless all devices
 * have it already and it never was anything else: then nobody is helped by taking away what they can see.
 *
 * @param broken names of the broken components.
 * @param candidates all versions of these components.
 * @param hasOthers whether devices are left that have not got the deployment.
 */
export function correct(
  deployed: DeployedComponents,
  broken: readonly string[],
  candidates: Readonly<Record<string, readonly Candidate[]>>,
  hasOthers: boolean,
): { readonly components: DeployedComponents; readonly takenBack: readonly TakenBack[] } {
  const components: Record<string, DeployedComponent> = { ...deployed };
  const takenBack: TakenBack[] = [];
  for (const name of broken) {
    const component = deployed[name];
    if (component === undefined) continue;
    const versions = candidates[name] ?? [];
    const to = lastGood(versions, component.version);
    if (to === undefined && versions.length <= 1 && !hasOthers) continue;
    if (to === undefined) delete components[name];
    else components[name] = { ...component, version: to };
    takenBack.push({ name, from: component.version, to });
  }
  return { components, takenBack };
}

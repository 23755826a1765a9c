import type { ComponentSpec } from '../component/spec.js';
import { inDependencyOrder } from '../component/supervisor.js';
import type { Lifecycle } from '../recipe/lifecycle.js';

/** What has to be done to the components, in the order in which it has to be done. */
export interface Plan {
  /** To be stopped before anything is exchanged: dependents before dependencies. */
  readonly stopped: readonly string[];
  /** To be forgotten. */
  readonly removed: readonly string[];
  /** Whose bootstrap scripts are to be run. */
  readonly bootstraps: readonly string[];
  /** To begin anew with installing: dependencies before dependents. */
  readonly reinstalled: readonly string[];
  /** To stop and start, as something but their installation has changed. */
  readonly restarted: readonly string[];
}

/**
 * What turns the current components into the target; what does not change goes on running.
 *
 * @param broken components that are BROKEN now, which only a reinstallation mends
 */
export function planDeployment(
  current: readonly ComponentSpec[],
  target: readonly ComponentSpec[],
  broken: ReadonlySet<string> = new Set(),
): Plan {
  const before = new Map(current.map((spec) => [spec.name, spec]));
  const after = new Map(target.map((spec) => [spec.name, spec]));
  const ordered = inDependencyOrder(target);
  const isNew = (spec: ComponentSpec) => {
    const old = before.get(spec.name);
    return !old || old.version !== spec.version || old.artifactsDigest !== spec.artifactsDigest;
  };
  const differs = (spec: ComponentSpec, steps: readonly (keyof Lifecycle)[]) =>
    !same(before.get(spec.name)?.lifecycle, spec.lifecycle, steps);
  const reinstalled = ordered.filter(
    (spec) => isNew(spec) || broken.has(spec.name) || differs(spec, ['install', 'bootstrap']),
  );
  const restarted = ordered.filter(
    (spec) =>
      !reinstalled.includes(spec) &&
      (differs(spec, ['startup', 'run', 'shutdown', 'recover']) ||
        JSON.stringify(before.get(spec.name)?.runWith) !== JSON.stringify(spec.runWith)),
  );
  const gone = inDependencyOrder(current).filter(({ name }) => !after.has(name));
  const stopped = inDependencyOrder(current).filter(
    ({ name }) => !after.has(name) || reinstalled.some((spec) => spec.name === name),
  );
  const names = (specs: readonly ComponentSpec[]) => specs.map(({ name }) => name);
  return {
    stopped: names(stopped).reverse(),
    removed: names(gone).reverse(),
    bootstraps: names(
      reinstalled.filter((spec) => spec.lifecycle.bootstrap && (isNew(spec) || differs(spec, ['bootstrap']))),
    ),
    reinstalled: names(reinstalled),
    restarted: names(restarted),
  };
}

function same(a: Lifecycle | undefined, b: Lifecycle, steps: readonly (keyof Lifecycle)[]): boolean {
  return steps.every((step) => JSON.stringify(a?.[step]) === JSON.stringify(b[step]));
}

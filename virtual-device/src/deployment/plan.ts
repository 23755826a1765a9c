import type { ComponentSpec } from '../component/spec.js';
import { inDependencyOrder } from '../component/supervisor.js';
import type { Lifecycle } from '../recipe/lifecycle.js';

/** One thing to do on the way from the components in force to those wanted. */
export type Step =
  /** Check and unpack a component's artifacts. */
  | { readonly kind: 'prepare'; readonly component: string }
  /** Stop a component that is to be removed or replaced. */
  | { readonly kind: 'stop'; readonly component: string }
  /** Put the wanted set in force: from here on a restart of the device begins with it. */
  | { readonly kind: 'commit' }
  /** Forget a component. */
  | { readonly kind: 'remove'; readonly component: string }
  /** Run a component's bootstrap script. */
  | { readonly kind: 'bootstrap'; readonly component: string }
  /** Begin with installing. */
  | { readonly kind: 'install'; readonly component: string }
  /** Stop and start, as a script other than install has changed. */
  | { readonly kind: 'restart'; readonly component: string };

/**
 * What turns the current components into the target. Nothing before `commit` but the stops can be seen
 * from outside, and no stop comes before every artifact is there; what does not change goes on running.
 * Stops go from dependents to dependencies, starts the other way.
 */
export function planDeployment(current: readonly ComponentSpec[], target: readonly ComponentSpec[]): Step[] {
  const before = new Map(current.map((spec) => [spec.name, spec]));
  const after = new Map(target.map((spec) => [spec.name, spec]));
  const ordered = inDependencyOrder(target);
  const isNew = (spec: ComponentSpec) => {
    const old = before.get(spec.name);
    return !old || old.version !== spec.version || old.artifactsDigest !== spec.artifactsDigest;
  };
  const reinstalled = ordered.filter(
    (spec) =>
      isNew(spec) || !same(before.get(spec.name)?.lifecycle, spec.lifecycle, ['install', 'bootstrap']),
  );
  const restarted = ordered.filter(
    (spec) =>
      !reinstalled.includes(spec) &&
      !same(before.get(spec.name)?.lifecycle, spec.lifecycle, ['startup', 'run', 'shutdown', 'recover']),
  );
  const removed = inDependencyOrder(current).filter(({ name }) => !after.has(name));
  const stopped = inDependencyOrder(current)
    .filter(({ name }) => !after.has(name) || reinstalled.some((spec) => spec.name === name))
    .reverse();
  const step = <Kind extends Exclude<Step['kind'], 'commit'>>(kind: Kind) => {
    return ({ name }: ComponentSpec) => ({ kind, component: name });
  };
  return [
    ...ordered.filter(isNew).map(step('prepare')),
    ...stopped.map(step('stop')),
    { kind: 'commit' },
    ...removed.reverse().map(step('remove')),
    ...reinstalled.flatMap((spec) => [
      ...(spec.lifecycle.bootstrap ? [step('bootstrap')(spec)] : []),
      step('install')(spec),
    ]),
    ...restarted.map(step('restart')),
  ];
}

function same(a: Lifecycle | undefined, b: Lifecycle, steps: readonly (keyof Lifecycle)[]): boolean {
  return steps.every((step) => JSON.stringify(a?.[step]) === JSON.stringify(b[step]));
}

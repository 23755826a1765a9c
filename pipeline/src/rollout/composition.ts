import { MooringError } from '../errors.js';
import { type ConfigurationUpdate, type DeclaredComponent, mergeOver, without } from './configuration.js';
import type { DeployedComponent, DeployedComponents } from './deployment.js';
import type { Choice } from './version-choice.js';

/** Changes to components' configuration that were asked for. */
export interface ConfigurationChanges {
  readonly merges: readonly { readonly component: string; readonly merge: ConfigurationUpdate['merge'] }[];
  readonly resets: readonly { readonly component: string; readonly pointer: string }[];
}

/**
 * Puts a deployment together.
 *
 * A component's configuration is what the deployment in force gives it, so that a device that joins later is
 * configured as the others are; on top of that what `deployment.yaml` declares, and last what was asked for now.
 * What is reset is taken out of what was merged before.
 *
 * @param versions component to version, of the fleet's own and of AWS's components.
 * @throws MooringError `NotInDeployment` when a component is to be configured that is not deployed.
 */
export function compose(
  versions: Readonly<Record<string, string>>,
  inForce: DeployedComponents,
  declared: Readonly<Record<string, DeclaredComponent>>,
  { merges, resets }: ConfigurationChanges,
): DeployedComponents {
  for (const { component } of [...merges, ...resets]) {
    if (Object.hasOwn(versions, component)) continue;
    throw new MooringError(
      'NotInDeployment',
      `${component} cannot be configured, as it is not in this deployment, which has ${Object.keys(versions).join(', ') || 'nothing'}`,
    );
  }
  return Object.fromEntries(
    Object.entries(versions).map(([name, version]): [string, DeployedComponent] => {
      const own = resets.filter(({ component }) => component === name).map(({ pointer }) => pointer);
      const reset = [...new Set([...(declared[name]?.reset ?? []), ...own])];
      let merge = inForce[name]?.merge ?? {};
      for (const pointer of reset) merge = without(merge, pointer);
      merge = mergeOver(merge, declared[name]?.merge ?? {});
      // What is reset now shall not come back from the file in the same deployment.
      for (const pointer of own) merge = without(merge, pointer);
      for (const asked of merges) if (asked.component === name) merge = mergeOver(merge, asked.merge);
      return [name, { version, merge, reset }];
    }),
  );
}

/** The versions that were chosen, by component. */
export function versionsOf(choices: readonly Choice[]): Record<string, string> {
  return Object.fromEntries(
    choices.flatMap(({ name, version }): [string, string][] =>
      version === undefined ? [] : [[name, version]],
    ),
  );
}

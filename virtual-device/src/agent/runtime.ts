import { runBootstrap } from '../component/bootstrap.js';
import { componentEnvironment } from '../component/environment.js';
import { ProcessGroups } from '../component/process-groups.js';
import type { ComponentSpec } from '../component/spec.js';
import { Supervisor } from '../component/supervisor.js';
import { NUCLEUS_VERSION } from '../nucleus-version.js';
import type { Tokens } from '../tokens.js';
import type { AgentContext } from './context.js';

/** What runs the device's components. */
export interface Runtime {
  readonly supervisor: Supervisor;
  /** Runs a component's bootstrap script. @returns its exit code @throws DeviceError when it has none */
  bootstrap(spec: ComponentSpec): Promise<number>;
}

/**
 * Makes what runs components, and ends what an earlier agent on this root left behind.
 *
 * @param ipcSocketPath where the IPC server listens, once it does
 */
export function makeRuntime(context: AgentContext, tokens: Tokens, ipcSocketPath: () => string): Runtime {
  const { layout, clock, logs, store, onDispose } = context;
  const log = logs.logger('com.aws.greengrass.Nucleus');
  const groups = new ProcessGroups(layout.processes, { name: 'GG_ROOT_PATH', value: layout.root });
  for (const { component, processes } of groups.endLeftovers()) {
    log('warn', `Ended ${processes} processes of ${component} that an earlier run left behind`);
  }
  onDispose(() => groups.close());
  const environmentOf = (component: string) => ({
    ...componentEnvironment({
      layout,
      thingName: store.current.system.thingName,
      awsRegion: store.current.nucleus.awsRegion ?? '',
      rootCaPath: store.current.system.rootCaPath,
      nucleusVersion: NUCLEUS_VERSION,
      ipcSocketPath: ipcSocketPath(),
      token: tokens.ofComponent(component),
    }),
    GG_ROOT_PATH: layout.root,
  });
  return {
    supervisor: new Supervisor({ layout, clock, logs, groups, environmentOf }),
    bootstrap: (spec) =>
      runBootstrap(spec, { layout, clock, logs, groups, environment: environmentOf(spec.name) }),
  };
}

/** Says each state of a component as an event. */
export function reportComponents(supervisor: Supervisor, { emit }: AgentContext): void {
  supervisor.onChange(({ component, to, statusReason }) =>
    emit({
      event: 'component',
      component,
      version: supervisor.component(component)?.version ?? '',
      state: to,
      ...(statusReason && (to === 'ERRORED' || to === 'BROKEN') && { reason: statusReason }),
    }),
  );
}

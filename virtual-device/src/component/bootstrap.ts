import type { Clock } from '../clock.js';
import { DeviceError } from '../errors.js';
import type { Layout } from '../layout.js';
import type { GreengrassLogs } from '../log/greengrass-log.js';
import type { ProcessGroups } from './process-groups.js';
import { startScript } from './script.js';
import type { ComponentSpec } from './spec.js';

export interface BootstrapOptions {
  readonly layout: Layout;
  readonly clock: Clock;
  readonly logs: GreengrassLogs;
  readonly groups: ProcessGroups;
  readonly environment: Readonly<Record<string, string>>;
}

/** Seconds a bootstrap script may take unless its recipe says otherwise. */
const BOOTSTRAP_TIMEOUT = 120;

/**
 * Runs a component's bootstrap script to its end.
 *
 * @returns its exit code; 0 when the component has no such script
 * @throws DeviceError DEPLOYMENT_INVALID when it does not end in time, or is ended by a signal
 */
export async function runBootstrap(spec: ComponentSpec, options: BootstrapOptions): Promise<number> {
  const { layout, clock, logs, groups, environment } = options;
  const step = spec.lifecycle.bootstrap;
  if (!step) return 0;
  const script = startScript({
    component: spec.name,
    script: step.script,
    cwd: layout.root,
    groups,
    clock,
    environment: { ...process.env, ...environment, ...step.environment },
    onLine: (stream, message) =>
      logs.component(spec.name, {
        level: stream === 'stdout' ? 'info' : 'warn',
        thread: 'Copier',
        logger: spec.name,
        event: stream,
        message,
        fields: {
          scriptName: `services.${spec.name}.${step.scriptName}`,
          serviceName: spec.name,
          currentState: 'NEW',
        },
      }),
  });
  const seconds = step.timeout ?? BOOTSTRAP_TIMEOUT;
  let timer: { cancel(): void } | undefined;
  const timedOut = new Promise<undefined>((resolve) => {
    timer = clock.after(seconds * 1000, () => resolve(undefined));
  });
  const exit = await Promise.race([script.exited, timedOut]);
  timer?.cancel();
  await script.end(0);
  if (exit !== undefined && exit.code !== null) return exit.code;
  const how = exit ? `was ended by ${exit.signal}` : `did not end within ${seconds} s`;
  throw new DeviceError('DEPLOYMENT_INVALID', `The bootstrap script of ${spec.name} ${how}.`);
}

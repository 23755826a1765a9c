import type { Clock } from '../clock.js';
import { DeviceError } from '../errors.js';
import type { Layout } from '../layout.js';
import type { ScriptLauncher } from './launcher.js';
import type { ComponentSpec } from './spec.js';

/** Seconds a bootstrap script may take unless its recipe says otherwise. */
const BOOTSTRAP_TIMEOUT = 120;

/**
 * Runs a component's bootstrap script to its end.
 *
 * @returns its exit code; 0 when the component has no such script
 * @throws DeviceError DEPLOYMENT_INVALID when it does not end in time, or is ended by a signal
 */
export async function runBootstrap(
  spec: ComponentSpec,
  { launcher, layout, clock }: { launcher: ScriptLauncher; layout: Layout; clock: Clock },
): Promise<number> {
  const step = spec.lifecycle.bootstrap;
  const { name, version, runWith } = spec;
  const owner = { name, version, state: 'NEW', runWith } as const;
  if (!step || launcher.skips(owner, step)) return 0;
  const script = launcher.start(owner, step, layout.root);
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

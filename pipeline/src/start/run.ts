import { changeCounts, type DeployCounts, deployLocal, loadAhead } from '../deploy/index.js';
import { fleetStatus } from '../fleet/status.js';
import { statusTable } from '../fleet/status-table.js';
import { type Output, table } from '../output.js';
import type { StateDirectory } from '../state-directory.js';
import { type RunningSystem, startSystem } from './start.js';

export interface RunOptions {
  /** How many virtual devices to boot. */
  devices: number;
  httpPort: number;
  mqttPort: number;
  httpsPort: number;
  /** File of the serial numbers that may join. */
  allowlist: string;
  /** Whether to tell how long each stage took. */
  timings?: true;
}

/** Runs the whole system until Ctrl-C, and tells people or machines about it. */
export async function runSystem(options: RunOptions, state: StateDirectory, out: Output): Promise<void> {
  const begin = performance.now();
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  let system: RunningSystem;
  try {
    system = await startSystem(
      {
        state,
        devices: options.devices,
        ports: { http: options.httpPort, mqtt: options.mqttPort, https: options.httpsPort },
        allowlistFile: options.allowlist,
        loadAhead,
        deploy: async (target) => countsSentence((await deployLocal(target)).result),
      },
      out,
      interrupted.signal,
    );
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    out.progress('Stopped');
    return;
  }
  const seconds = (performance.now() - begin) / 1000;
  await describe(system, out, state, seconds, options.timings === true);
  await untilStopped(system, interrupted.signal, out);
  out.progress('Stopping');
  await system.stop();
  out.progress('Stopped');
}

/** What a deployment did, in a few words. */
function countsSentence(result: DeployCounts): string {
  return changeCounts(result).join(', ') || `no changes, ${result.same} resources are as they should be`;
}

async function describe(
  system: RunningSystem,
  out: Output,
  state: StateDirectory,
  seconds: number,
  withTimings: boolean,
): Promise<void> {
  const fleet = await fleetStatus(system.target);
  out.data({
    event: 'running',
    endpointUrl: system.endpointUrl,
    mqttPort: system.mqttPort,
    httpsPort: system.httpsPort,
    stateDirectory: state.path,
    seconds,
    timings: system.timings,
    dashboard: system.dashboard,
    devices: system.devices.map(({ thing, root, provisioned, hertz }) => ({
      thing,
      root,
      provisioned,
      hertz,
    })),
  });
  out.line();
  out.line(statusTable(fleet, out));
  out.line();
  out.line(
    table(
      ['LED', 'MEASURED', 'ROOT'],
      system.devices.map(({ thing, hertz, root }) => [thing, hertz ? `${hertz.toFixed(1)} Hz` : '-', root]),
    ),
  );
  out.line();
  const { url, user, password } = system.dashboard;
  out.line(out.style('bold', `Dashboard     ${url}`));
  out.line(`              sign in as ${user} with ${password} to act; looking needs no sign-in`);
  out.line(
    `AWS APIs      ${system.endpointUrl}   (AWS_ENDPOINT_URL=${system.endpointUrl} aws iot list-things)`,
  );
  out.line(`MQTT          localhost:${system.mqttPort}, mutual TLS`);
  out.line(`HTTPS         localhost:${system.httpsPort}, mutual TLS`);
  const [first] = system.devices;
  if (first) {
    out.line();
    out.line('Talk to a device, from another terminal:');
    out.line(`  npx mooring led frequency ${first.thing} 5${state.option}`);
    out.line(`  npx mooring button press ${first.thing}${state.option}`);
    out.line(`  npx mooring status${state.option}`);
  }
  if (withTimings) {
    out.line();
    out.line(
      table(
        ['STAGE', 'SECONDS'],
        Object.entries(system.timings).map(([name, time]) => [name, time.toFixed(2)]),
      ),
    );
  }
  out.line();
  out.line(
    out.style(
      'bold',
      `Running after ${seconds.toFixed(1)} s. Ctrl-C stops everything; the state stays in ${state.path}`,
    ),
  );
}

/** Waits for Ctrl-C; tells when a device ends by itself; the end of the cloud ends it all. */
async function untilStopped(system: RunningSystem, signal: AbortSignal, out: Output): Promise<void> {
  for (const { child } of system.devices) {
    void child.ended.then(({ code, signal: killed }) => {
      if (!signal.aborted)
        out.progress(
          `The ${child.name} ended (${killed ?? `exit code ${code}`}); its log is ${child.logFile}`,
        );
    });
  }
  // Timers keep this process alive; the children's pipes alone would too, but not with no device.
  const alive = setInterval(() => undefined, 60_000);
  const stopped = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped');
    signal.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  const cause = await Promise.race([stopped, system.cloud.ended]);
  clearInterval(alive);
  if (cause !== 'stopped') {
    out.progress(
      `The local cloud ended (${cause.signal ?? `exit code ${cause.code}`}); its log is ${system.cloud.logFile}`,
    );
    process.exitCode = 1;
  }
}

import { join } from 'node:path';
import { z } from 'zod';
import { programs } from '../repository.js';
import type { StateDirectory } from '../state-directory.js';
import { DEFAULT_REGION, localTarget, type Target } from '../target.js';
import { Child } from './child.js';

/** Ports of the local cloud; 0 takes any free one. */
export interface CloudPorts {
  readonly http: number;
  readonly mqtt: number;
  readonly https: number;
}

/** A local cloud that runs as a process of its own. */
export interface RunningCloud {
  readonly cloud: Child;
  readonly target: Target;
  readonly endpointUrl: string;
  readonly mqttPort: number;
  readonly httpsPort: number;
}

const Ready = z.object({
  endpointUrl: z.string(),
  ports: z.object({ http: z.number(), mqtt: z.number(), https: z.number() }),
});

/** Seconds until it is ready; generous, as it only ends what hangs. */
const READY_TIMEOUT = 60;

/**
 * Starts the local cloud on a state directory.
 *
 * @param children gets the process as soon as there is one, for the caller to stop.
 * @throws MooringError when it does not get ready, for example because a port is taken.
 */
export async function startCloud(
  state: StateDirectory,
  ports: CloudPorts,
  children: Child[],
): Promise<RunningCloud> {
  const cloud = new Child({
    name: 'local cloud',
    script: programs.localCloud,
    arguments: [
      ...['--state-directory', state.localCloud],
      ...['--http-port', String(ports.http)],
      ...['--mqtt-port', String(ports.mqtt)],
      ...['--https-port', String(ports.https)],
      ...['--region', DEFAULT_REGION, '--json', '--exit-with-parent'],
    ],
    logFile: join(state.logs, 'local-cloud.log'),
  });
  children.push(cloud);
  const event = await cloud.waitFor((candidate) => candidate.event === 'ready', 'ready', READY_TIMEOUT);
  const ready = Ready.parse(event);
  return {
    cloud,
    target: localTarget(ready.endpointUrl),
    endpointUrl: ready.endpointUrl,
    mqttPort: ready.ports.mqtt,
    httpsPort: ready.ports.https,
  };
}

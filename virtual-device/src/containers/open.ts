import { join } from 'node:path';
import type { Clock } from '../clock.js';
import type { Layout } from '../layout.js';
import type { Log } from '../log/device-log.js';
import type { DeviceCredentials } from '../tes/device-credentials.js';
import { ContainerTable } from './container-table.js';
import { EcrLogins } from './ecr.js';
import { detectEngine, EngineImages } from './engine-images.js';
import { ImageStore } from './image-store.js';
import type { ContainerImages } from './images.js';
import { ProcessImages } from './process-images.js';

/** Which engine runs containers: the one that answers, a named one, or none. */
export type EngineChoice = 'auto' | 'docker' | 'podman' | 'process';

export interface ContainerOptions {
  readonly layout: Layout;
  /** Folder of unpacked images; the device's own unless told otherwise. */
  readonly imageStore: string;
  readonly engine: EngineChoice;
  readonly credentials: DeviceCredentials;
  readonly region: () => string | undefined;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Finds out what runs containers on this machine. Never fails for want of an engine: then images are unpacked
 * and their commands run as processes, which the log says.
 *
 * @throws DeviceError ROOT_UNUSABLE when the image store cannot be made
 */
export async function openContainerImages(options: ContainerOptions): Promise<ContainerImages> {
  const { layout, environment, clock, log } = options;
  const ecr = new EcrLogins(options);
  const login = ecr.of.bind(ecr);
  const engine = options.engine === 'auto' ? await detectEngine(environment) : options.engine;
  if (engine === 'docker' || engine === 'podman') {
    log('info', `Containers run with ${engine}`);
    return new EngineImages({
      engine,
      configFolder: join(layout.root, 'config'),
      login,
      environment,
      log,
    });
  }
  log(
    'info',
    'No container engine answers: container images are unpacked, and their commands run as processes',
  );
  const store = new ImageStore(options.imageStore, layout.root);
  // What ended with an earlier agent is forgotten.
  new ContainerTable(layout.containers).list();
  await store.tidy();
  return new ProcessImages({ store, login, clock, log });
}

import { delimiter } from 'node:path';
import type { Layout } from '../layout.js';

/** POSIX has none; this is what systemd gives to services. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentInput {
  readonly layout: Layout;
  readonly thingName: string;
  readonly awsRegion: string;
  readonly rootCaPath: string;
  readonly nucleusVersion: string;
  readonly ipcSocketPath: string;
  /** The component's IPC token. */
  readonly token: string;
  /** Of the token exchange service, when the device has that component. */
  readonly credentialsUri: string | undefined;
  /** The agent's own PATH. */
  readonly path: string | undefined;
}

/**
 * What every component's process finds in its environment, as the nucleus sets it; `SYSFS_PATH` (the
 * variable that libsysfs defines), `DEVFS_PATH` and `PROCFS_PATH` lead to the device's virtual hardware, and PATH
 * begins with the device's own commands.
 */
export function componentEnvironment(input: EnvironmentInput): Record<string, string> {
  return {
    SVCUID: input.token,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: input.token,
    AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH: input.ipcSocketPath,
    AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: input.ipcSocketPath,
    AWS_REGION: input.awsRegion,
    AWS_DEFAULT_REGION: input.awsRegion,
    AWS_IOT_THING_NAME: input.thingName,
    GG_ROOT_CA_PATH: input.rootCaPath,
    GGC_VERSION: input.nucleusVersion,
    SYSFS_PATH: input.layout.sysfs,
    DEVFS_PATH: input.layout.devfs,
    PROCFS_PATH: input.layout.procfs,
    PATH: [input.layout.commands, input.path ?? DEFAULT_PATH].join(delimiter),
    ...(input.credentialsUri !== undefined && { AWS_CONTAINER_CREDENTIALS_FULL_URI: input.credentialsUri }),
  };
}

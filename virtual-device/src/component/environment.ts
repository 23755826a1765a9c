import type { Layout } from '../layout.js';

export interface EnvironmentInput {
  readonly layout: Layout;
  readonly thingName: string;
  readonly awsRegion: string;
  readonly rootCaPath: string;
  readonly nucleusVersion: string;
  readonly ipcSocketPath: string;
  /** The component's IPC token. */
  readonly token: string;
}

/**
 * What every component's process finds in its environment, as the nucleus sets it; `SYSFS_PATH` (the
 * variable that libsysfs defines) and `DEVFS_PATH` lead to the device's virtual hardware.
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
  };
}

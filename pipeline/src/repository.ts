import { fileURLToPath } from 'node:url';

/** The root of the repository: the command works on the files beside it, whatever the current directory is. */
export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The commands of the sibling folders that the pipeline runs as processes of their own. */
export const programs = {
  localCloud: fileURLToPath(new URL('../../local-cloud/bin/local-cloud.js', import.meta.url)),
  virtualDevice: fileURLToPath(new URL('../../virtual-device/bin/virtual-device.js', import.meta.url)),
} as const;

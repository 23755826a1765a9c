import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalCloud } from '../../src/local-cloud.js';
import { atEnd } from './at-end.js';

const run = promisify(execFile);

/** Whether the command is installed; looked for only, as it takes a second to start. */
export const hasAwsCli = (process.env.PATH ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'aws')));

/**
 * Runs the AWS CLI against a local cloud, with nothing of the user's own configuration; returns its output.
 *
 * @param cwd the directory that relative paths start from.
 */
export function awsCli(
  cloud: Pick<LocalCloud, 'endpointUrl' | 'region'>,
  cwd?: string,
): (...words: string[]) => Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'aws-cli-'));
  atEnd(() => rmSync(home, { recursive: true, force: true }));
  return async (...words) => {
    const { stdout } = await run('aws', words, {
      cwd,
      env: {
        PATH: process.env.PATH,
        HOME: home,
        AWS_ENDPOINT_URL: cloud.endpointUrl,
        AWS_DEFAULT_REGION: cloud.region,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_PAGER: '',
      },
      maxBuffer: 2 ** 26,
    });
    return stdout;
  };
}

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { lintSource } from '@secretlint/core';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';
import { explain, MooringError } from '../errors.js';
import type { Finding, ScanReport } from './report.js';

/** Private keys, and the tokens of AWS, npm, GitHub, Slack and many others. */
const config = {
  rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: recommended }],
};

/**
 * Looks for secrets in the files that git tracks, as they are in the working tree. What it finds it does not repeat.
 *
 * @param root of the repository
 * @throws MooringError `NoRepository`
 */
export async function scanSecrets(root: string): Promise<ScanReport> {
  const findings: Finding[] = [];
  const files = await trackedFiles(root);
  for (const path of files) {
    const content = await textOf(join(root, path));
    if (content === undefined) continue;
    const { messages } = await lintSource({
      source: { filePath: join(root, path), content, contentType: 'text', ext: extname(path) },
      options: { config, maskSecrets: true },
    });
    for (const { loc, message } of messages)
      findings.push({ where: `${path}:${loc.start.line}`, what: message });
  }
  return { scan: 'secrets', looked: `${files.length} files`, findings };
}

/** Paths of the files that git tracks, relative to the root. */
async function trackedFiles(root: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], {
      cwd: root,
      maxBuffer: 2 ** 28,
    });
    return stdout.split('\0').filter((path) => path !== '');
  } catch (error) {
    throw new MooringError('NoRepository', `git does not tell which files it tracks: ${explain(error)}`, {
      cause: error,
    });
  }
}

/** @returns undefined for what is not text, or not there any more */
async function textOf(path: string): Promise<string | undefined> {
  try {
    const content = await readFile(path);
    return content.includes(0) ? undefined : content.toString('utf8');
  } catch (error) {
    // Deleted and not committed yet, or a link to a folder.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')) {
      return undefined;
    }
    throw error;
  }
}

import { readdir, readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { ESLint, type Linter } from 'eslint';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import type { Finding, ScanReport } from './report.js';
import { securityRules } from './security-rules.js';

/** The folders whose programs run in the cloud, on devices, or with the rights to change both. */
export const scannedFolders = ['contracts', 'infrastructure', 'functions', 'components', 'pipeline'] as const;

const Map3 = z.object({
  version: z.literal(3),
  file: z.string(),
  sources: z.array(z.string()).min(1),
  sourceRoot: z.string().optional(),
  names: z.array(z.string()),
  mappings: z.string(),
});

/**
 * Looks for insecure code in what the build made of the TypeScript sources, so that no second TypeScript compiler is
 * needed to read them, and tells the lines of the sources. An exception is a comment of the source,
 * `// eslint-disable-next-line RULE -- REASON`; one without a reason, or for nothing, is a finding too.
 *
 * @param root of the repository
 * @throws MooringError `NotBuilt` where a folder has no build
 */
export async function scanStatic(
  root: string,
  folders: readonly string[] = scannedFolders,
): Promise<ScanReport> {
  const eslint = new ESLint({
    cwd: root,
    overrideConfigFile: true,
    overrideConfig: securityRules,
    ignore: false,
  });
  const findings: Finding[] = [];
  let files = 0;
  let exceptions = 0;
  for (const folder of folders) {
    const dist = join(root, folder, 'dist');
    const built = await compiledFiles(dist, folder);
    for (const path of built) {
      const compiled = await compiledFile(path);
      // The source was removed since; its program is not run any more.
      if (compiled === undefined) continue;
      files += 1;
      const tell = ({ line, column, ruleId, message }: Linter.LintMessage, more = '') => {
        findings.push({
          where: `${relative(root, compiled.source)}:${compiled.lineOf(line, column)}`,
          what: `${message.split('\n')[0]}${more}${ruleId ? ` (${ruleId})` : ''}`,
        });
      };
      for (const result of await eslint.lintText(compiled.code, { filePath: path })) {
        for (const message of result.messages) tell(message);
        for (const message of result.suppressedMessages) {
          exceptions += 1;
          const unjustified = message.suppressions.some(({ justification }) => justification.trim() === '');
          if (unjustified) tell(message, '; the exception gives no reason');
        }
      }
    }
  }
  return { scan: 'static', looked: `${files} files, ${exceptions} exceptions with reasons`, findings };
}

async function compiledFiles(dist: string, folder: string): Promise<string[]> {
  try {
    const names = await readdir(dist, { recursive: true });
    return names
      .filter((name) => name.endsWith('.js'))
      .sort()
      .map((name) => join(dist, name));
  } catch (error) {
    throw new MooringError('NotBuilt', `${folder} is not built: run npm run build first`, { cause: error });
  }
}

interface Compiled {
  readonly code: string;
  /** Path of the source. */
  readonly source: string;
  /** The line in the source of a place in the code; all from 1. */
  lineOf(line: number, column: number): number;
}

/** @returns undefined when its source is not there */
async function compiledFile(path: string): Promise<Compiled | undefined> {
  const code = await readFile(path, 'utf8');
  const payload = Map3.parse(JSON.parse(await readFile(`${path}.map`, 'utf8')));
  const source = resolve(dirname(path), payload.sourceRoot ?? '', payload.sources[0] ?? '');
  try {
    await readFile(source);
  } catch {
    return undefined;
  }
  const map = new SourceMap({ ...payload, sourceRoot: payload.sourceRoot ?? '', sourcesContent: [] });
  return {
    code,
    source,
    lineOf: (line, column) => {
      const entry = map.findEntry(line - 1, column - 1);
      return 'originalLine' in entry ? entry.originalLine + 1 : line;
    },
  };
}

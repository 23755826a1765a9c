import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';
import { type Coverage, type CoverageReport, coverageArguments, readCoverage } from './coverage.js';
import { readSources } from './sources.js';

/** How the checks of one component went. */
export interface TestResult {
  /** The component's name; of what several share, the folder's or `all together`. */
  readonly name: string;
  /** Undefined when nothing there is linted. */
  readonly lint: boolean | undefined;
  readonly passed: number;
  readonly failed: number;
  /** Undefined when it was not asked for, and of what has no code of its own. */
  readonly coverage?: Coverage | undefined;
}

export interface TestRun {
  readonly results: readonly TestResult[];
  /** Of all that was taken; undefined when it was not asked for. */
  readonly coverage: Coverage | undefined;
}

/**
 * Lints and tests the components of the repository with its own tools, whose output goes to standard error.
 *
 * @param only names of components or of their folders; all, and what they share, unless given
 * @param withCoverage whether to count how much of the code the tests run
 * @throws MooringError when there is no such component, or the tools do not run
 */
export async function testComponents(only: readonly string[], withCoverage = false): Promise<TestRun> {
  const root = join(repositoryRoot, 'components');
  const sources = await readSources(root, only);
  const parts = [
    ...sources.map(({ name, folder }) => ({ name, folder })),
    ...(only.length === 0 ? [{ name: 'runtime', folder: 'runtime' }] : []),
  ];
  const { tests, coverage } = await vitest(
    only.length === 0 ? ['components/test'] : parts.map(({ folder }) => `components/test/${folder}/`),
    withCoverage ? parts.map(({ folder }) => folder) : [],
  );
  const results: TestResult[] = [];
  for (const { name, folder } of parts) {
    const lint = await biome(`components/${folder}`);
    results.push({ name, lint, ...countOf(tests, folder), coverage: coverage?.folders.get(folder) });
  }
  if (only.length === 0) results.push({ name: 'all together', lint: undefined, ...countOf(tests, '') });
  return { results, coverage: coverage?.together };
}

interface FileResult {
  /** The folder of `components/test` that the file is in; empty for that folder itself. */
  readonly folder: string;
  readonly passed: number;
  readonly failed: number;
}

function countOf(files: readonly FileResult[], folder: string): { passed: number; failed: number } {
  const own = files.filter((file) => file.folder === folder);
  const sum = (count: (file: FileResult) => number) => own.reduce((total, file) => total + count(file), 0);
  return { passed: sum(({ passed }) => passed), failed: sum(({ failed }) => failed) };
}

/** As much of the JSON report of Vitest as is counted here. */
const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/** @param covered folders whose code is watched for what the tests run of it */
async function vitest(
  paths: readonly string[],
  covered: readonly string[],
): Promise<{ tests: FileResult[]; coverage: CoverageReport | undefined }> {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-test-'));
  const file = join(folder, 'report.json');
  try {
    await run('vitest', 'vitest.mjs', [
      'run',
      '--passWithNoTests',
      ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', file],
      ...(covered.length > 0 ? coverageArguments(covered, folder) : []),
      ...paths,
    ]);
    const report = Report.parse(JSON.parse(await readFile(file, 'utf8')));
    const tests = report.testResults.map(({ name, status, assertionResults }) => {
      const levels = relative(join(repositoryRoot, 'components', 'test'), name).split(sep);
      const passed = assertionResults.filter((test) => test.status === 'passed').length;
      const failed = assertionResults.filter((test) => test.status === 'failed').length;
      // A file that cannot even be loaded has no tests that could fail.
      const unloaded = status === 'failed' && failed === 0 ? 1 : 0;
      return {
        folder: levels.length > 1 ? (levels[0] ?? '') : '',
        passed,
        failed: failed + unloaded,
      };
    });
    return { tests, coverage: covered.length > 0 ? await readCoverage(folder) : undefined };
  } catch (error) {
    if (error instanceof MooringError) throw error;
    throw new MooringError('TestsFailed', 'The tests could not be run: see what Vitest says above', {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns undefined when there is no such folder */
async function biome(path: string): Promise<boolean | undefined> {
  const exists = await stat(join(repositoryRoot, path)).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  // A component may be of files that Biome does not know, such as scripts for sh.
  const args = ['check', '--error-on-warnings', '--no-errors-on-unmatched', path];
  return (await run('@biomejs/biome', join('bin', 'biome'), args)) === 0;
}

/** Runs a tool of the repository's; its output goes to standard error. @returns its exit code */
async function run(packageName: string, script: string, args: readonly string[]): Promise<number | null> {
  const fromRoot = createRequire(join(repositoryRoot, 'package.json'));
  let file: string;
  try {
    file = join(dirname(fromRoot.resolve(`${packageName}/package.json`)), script);
  } catch (error) {
    throw new MooringError('TestsFailed', `${packageName} is not installed: run npm ci`, { cause: error });
  }
  const child = spawn(process.execPath, [file, ...args], {
    cwd: repositoryRoot,
    stdio: ['ignore', 2, 2],
    // The commands that the tests start have no part in the summary of the job that runs the tests.
    env: { ...process.env, GITHUB_STEP_SUMMARY: undefined },
  });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

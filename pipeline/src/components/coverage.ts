import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { repositoryRoot } from '../repository.js';

/** What coverage is counted of; the kinds that V8 and Istanbul's reports know. */
export const coverageKinds = ['statements', 'branches', 'functions', 'lines'] as const;

/** Percent of a component's code that its tests run, by kind; 100 of what there is none of. */
export type Coverage = Readonly<Record<(typeof coverageKinds)[number], number>>;

/**
 * The least that the components have to reach together, in percent. What tests start as a process of its own, as a
 * device does, is not counted, so single files may well have less.
 */
export const LEAST_COVERAGE: Coverage = { statements: 70, branches: 65, functions: 65, lines: 70 };

/** The kinds of which there is less than {@link LEAST_COVERAGE}. */
export function tooLittle(coverage: Coverage): (typeof coverageKinds)[number][] {
  return coverageKinds.filter((kind) => coverage[kind] < LEAST_COVERAGE[kind]);
}

const Counts = z.object({ total: z.number(), covered: z.number() });
const FileCounts = z.object({ statements: Counts, branches: Counts, functions: Counts, lines: Counts });

/** As much of Istanbul's report `json-summary` as is counted here; its file is `coverage-summary.json`. */
const Summary = z.record(z.string(), FileCounts);

/** Arguments that have Vitest write a summary of the coverage of these folders of `components/` to a folder. */
export function coverageArguments(folders: readonly string[], reports: string): string[] {
  return [
    '--coverage.enabled',
    '--coverage.provider=v8',
    '--coverage.reporter=json-summary',
    `--coverage.reportsDirectory=${reports}`,
    // A report of tests that fail still says which code they run.
    '--coverage.reportOnFailure',
    ...folders.map((folder) => `--coverage.include=components/${folder}/src/**/*.ts`),
  ];
}

/** What the tests of some folders run. */
export interface CoverageReport {
  /** By folder; those without code are left out. */
  readonly folders: ReadonlyMap<string, Coverage>;
  readonly together: Coverage;
}

/** Reads what Vitest wrote for {@link coverageArguments}. */
export async function readCoverage(reports: string): Promise<CoverageReport> {
  const text = await readFile(join(reports, 'coverage-summary.json'), 'utf8');
  const { total: _total, ...files } = Summary.parse(JSON.parse(text));
  const folders = new Map<string, z.infer<typeof FileCounts>[]>();
  for (const [path, counts] of Object.entries(files)) {
    const [folder = ''] = relative(join(repositoryRoot, 'components'), path).split(sep);
    folders.set(folder, [...(folders.get(folder) ?? []), counts]);
  }
  return {
    folders: new Map([...folders].map(([folder, counts]) => [folder, percentOf(counts)])),
    together: percentOf(Object.values(files)),
  };
}

function percentOf(files: readonly z.infer<typeof FileCounts>[]): Coverage {
  const percent = (kind: keyof Coverage) => {
    const total = files.reduce((sum, file) => sum + file[kind].total, 0);
    const covered = files.reduce((sum, file) => sum + file[kind].covered, 0);
    // Rounded down, so that what is shown never reaches what was not reached.
    return total === 0 ? 100 : Math.floor((covered / total) * 1000) / 10;
  };
  return {
    statements: percent('statements'),
    branches: percent('branches'),
    functions: percent('functions'),
    lines: percent('lines'),
  };
}

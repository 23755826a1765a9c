import { Command } from 'commander';
import type { Coverage } from '../components/coverage.js';
import type { TestResult } from '../components/test-run.js';
import { MooringError } from '../errors.js';
import { type Output, processOutput, table } from '../output.js';

/** `mooring components test` */
export function testComponentsCommand(): Command {
  return new Command('test')
    .description('lint and test the components; fails when one of them does')
    .argument('[names...]', 'components to take, such as docker_led (default: all, and what they share)')
    .option('--coverage', 'count how much of the code the tests run as well; fails when that is too little')
    .option('--json', 'print the result as JSON')
    .action(async (names: string[], options: { json?: true; coverage?: true }) => {
      const { testComponents } = await import('../components/test-run.js');
      const { tooLittle } = await import('../components/coverage.js');
      const out = processOutput(options.json === true);
      const { results, coverage } = await testComponents(names, options.coverage);
      out.line(
        table(
          ['COMPONENT', 'LINT', 'TESTS', ''],
          results.map(({ name, lint, passed, failed }) => [
            name,
            lint === undefined ? '-' : verdict(out, lint),
            failed === 0 ? `${passed} passed` : `${failed} failed, ${passed} passed`,
            verdict(out, lint !== false && failed === 0),
          ]),
        ),
      );
      if (coverage !== undefined) {
        out.line();
        out.line(await coverageTable(results, coverage, out));
      }
      out.data(
        results.map(({ lint, coverage, ...rest }) => ({
          ...rest,
          lint: lint ?? null,
          ...(coverage && { coverage }),
        })),
      );
      const failed = results.filter(({ lint, failed }) => lint === false || failed > 0);
      if (failed.length > 0) {
        const list = failed.map(({ name }) => name).join(', ');
        throw new MooringError('TestsFailed', `The tests of ${list} failed: see above`);
      }
      if (coverage !== undefined && tooLittle(coverage).length > 0) {
        const kinds = tooLittle(coverage).join(' and ');
        throw new MooringError(
          'CoverageTooLow',
          `The tests run too little of the code (${kinds}): see above`,
        );
      }
    });
}

async function coverageTable(
  results: readonly TestResult[],
  together: Coverage,
  out: Output,
): Promise<string> {
  const { coverageKinds, LEAST_COVERAGE, tooLittle } = await import('../components/coverage.js');
  const percent = (coverage: Coverage) => coverageKinds.map((kind) => `${coverage[kind].toFixed(1)} %`);
  const lacking = new Set<string>(tooLittle(together));
  return table(
    ['COVERAGE', ...coverageKinds.map((kind) => kind.toUpperCase())],
    [
      ...results.flatMap(({ name, coverage }) => (coverage ? [[name, ...percent(coverage)]] : [])),
      [
        'together',
        ...percent(together).map((text, index) =>
          out.style(lacking.has(coverageKinds[index] ?? '') ? 'red' : 'green', text),
        ),
      ],
      ['at least', ...percent(LEAST_COVERAGE)],
    ],
  );
}

function verdict(out: Output, good: boolean): string {
  return good ? out.style('green', 'ok') : out.style('red', 'failed');
}

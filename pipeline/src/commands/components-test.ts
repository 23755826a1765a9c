import { Command } from 'commander';
import { MooringError } from '../errors.js';
import { type Output, processOutput, table } from '../output.js';

/** `mooring components test` */
export function testComponentsCommand(): Command {
  return new Command('test')
    .description('lint and test the components; fails when one of them does')
    .argument('[names...]', 'components to take, such as docker_led (default: all, and what they share)')
    .option('--json', 'print the result as JSON')
    .action(async (names: string[], options: { json?: true }) => {
      const { testComponents } = await import('../components/test-run.js');
      const out = processOutput(options.json === true);
      const results = await testComponents(names);
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
      out.data(results.map(({ lint, ...rest }) => ({ ...rest, lint: lint ?? null })));
      const failed = results.filter(({ lint, failed }) => lint === false || failed > 0);
      if (failed.length > 0) {
        const list = failed.map(({ name }) => name).join(', ');
        throw new MooringError('TestsFailed', `The tests of ${list} failed: see above`);
      }
    });
}

function verdict(out: Output, good: boolean): string {
  return good ? out.style('green', 'ok') : out.style('red', 'failed');
}

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';

/** `mooring components test` */
export function testComponentsCommand(): Command {
  return new Command('test').description("run the components' tests").action(async () => {
    const code = await runTests();
    if (code !== 0) throw new MooringError('TestsFailed', "The components' tests failed: see above");
  });
}

/** Runs the repository's own test runner on the components' folder; its output is this command's. */
async function runTests(): Promise<number | null> {
  const vitest = join(
    dirname(createRequire(join(repositoryRoot, 'package.json')).resolve('vitest/package.json')),
    'vitest.mjs',
  );
  const child = spawn(process.execPath, [vitest, 'run', 'components/test'], {
    cwd: repositoryRoot,
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

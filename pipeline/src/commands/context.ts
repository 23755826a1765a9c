import { type Command, InvalidArgumentError } from 'commander';
import { type Output, processOutput } from '../output.js';
import { StateDirectory } from '../state-directory.js';
import { type Stack, stacks, type Target, targetOf } from '../target.js';

/** What the option of the commands that need Pulumi says. */
export const INSTALL_PULUMI = 'on AWS: install the pulumi command if it is not on the PATH';

/** Options that every command takes. */
export interface CommonOptions {
  json?: true;
  stateDirectory?: string;
}

/** Adds the options that every command takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON')
    .option(
      '--state-directory <dir>',
      'where the local target keeps its state (default: .mooring, or MOORING_STATE_DIRECTORY)',
    );
}

/** Adds the option that chooses the target as well. */
export function withStack(command: Command): Command {
  return withCommonOptions(command).option(
    '--stack <stack>',
    `where to work: ${stacks.join(', ')}`,
    parseStack,
    'local' satisfies Stack,
  );
}

/** What a command works with, made of its options. */
export function contextOf(options: CommonOptions & { stack?: Stack }): {
  out: Output;
  state: StateDirectory;
  target: () => Target;
  /** The target for what changes something there: its account is not another stack's. */
  ownTarget: () => Promise<Target>;
} {
  const state = new StateDirectory(options.stateDirectory);
  const target = () => targetOf(options.stack ?? 'local', state);
  return {
    out: processOutput(options.json === true),
    state,
    target,
    async ownTarget() {
      const { checkAccount } = await import('../bootstrap/account.js');
      const wanted = target();
      await checkAccount(wanted);
      return wanted;
    },
  };
}

function parseStack(text: string): Stack {
  const stack = stacks.find((name) => name === text);
  if (!stack) throw new InvalidArgumentError(`Choose one of ${stacks.join(', ')}.`);
  return stack;
}

/** A whole number of at least `least`, for an option. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === '' || !Number.isInteger(number) || number < least || number > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return number;
  };
}

import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** The summary that a workflow's run shows of a step, in Markdown. */
export interface JobSummary {
  /** Begins the part of a command. */
  command(args: readonly string[]): void;
  /** A line of the command's result, as people read it; columns stay columns. */
  line(text: string): void;
  /** The command failed, for a reason that is told in a sentence or some lines. */
  failed(reason: string): void;
}

/**
 * The job summary of GitHub Actions: the file that `GITHUB_STEP_SUMMARY` names, which is only ever added to. Each piece
 * is there as soon as it was written, so that a command which is ended has told what it had to tell.
 *
 * @returns undefined where nobody asks for one
 */
export function jobSummary(env: NodeJS.ProcessEnv = process.env): JobSummary | undefined {
  const path = env.GITHUB_STEP_SUMMARY;
  if (!path) return undefined;
  const add = (text: string) => appendFileSync(path, text);
  // A block of code by indentation needs no end, so every piece stands for itself.
  const block = (text: string) =>
    stripVTControlCharacters(text)
      .split('\n')
      .map((line) => `    ${line}`.trimEnd())
      .join('\n');
  return {
    command: (args) => add(`\n### \`${['mooring', ...args].join(' ').replaceAll('`', "'")}\`\n\n`),
    line: (text) => add(`${block(text)}\n`),
    failed: (reason) => add(`\n**Failed**\n\n${block(reason)}\n`),
  };
}

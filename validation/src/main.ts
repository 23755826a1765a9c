import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from '@mooring/pipeline';
import type { Outcome, Step } from './step.js';
import { playStory, stepsFor, story } from './story.js';
import { World } from './world.js';

const USAGE = `Usage: npm run validate -- [--steps 1,2,5] [--json] [--quick] [--keep]

Acts out the story of the whole system against a local cloud of its own, from nothing to nothing.

  --steps 1,2,5   play these steps and what they need
  --json          print one JSON array and nothing else on standard output
  --quick         stay on this machine: no downloads, and not what npm test does already
  --keep          keep the state directory, with the logs, and say where it is
  --help          print this

Exits with 1 if a step that was played, or asked for, was not seen.`;

interface Arguments {
  steps: readonly number[];
  json: boolean;
  quick: boolean;
  keep: boolean;
}

function readArguments(argv: string[]): Arguments | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      steps: { type: 'string' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const known = story.map(({ step }) => step);
  const steps = values.steps === undefined ? known : values.steps.split(',').map(Number);
  const unknown = steps.filter((step) => !known.includes(step));
  if (unknown.length > 0) {
    throw new RangeError(
      `--steps takes numbers from 1 to ${known.length}, separated by commas; got "${values.steps}"`,
    );
  }
  return { steps, json: values.json, quick: values.quick, keep: values.keep };
}

function outcomeLine(step: Step, outcome: Outcome): string {
  const mark = { passed: '✔', failed: '✘', 'not built yet': '·' }[outcome.status];
  const head = `${mark} ${String(step.step).padStart(2)} ${step.name}`;
  if (outcome.status === 'not built yet') return `${head}: not built yet (expected: ${step.expected})`;
  return `${head} (${outcome.seconds.toFixed(1)} s)\n     expected: ${step.expected}\n     seen:     ${outcome.seen}`;
}

function summary(outcomes: readonly Outcome[]): string {
  const count = (status: Outcome['status']) => outcomes.filter((outcome) => outcome.status === status).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('not built yet')} not built yet`;
}

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const say = (text: string) => process.stdout.write(options.json ? '' : `${text}\n`);
  const directory = mkdtempSync(join(tmpdir(), 'mooring-validation-'));
  const world = new World(directory, options.quick);
  const onSignal = () => world.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let outcomes: Outcome[];
  try {
    outcomes = await playStory(stepsFor(options.steps), world, (step, outcome) =>
      say(outcomeLine(step, outcome)),
    );
  } finally {
    await world.close();
    const keep = options.keep;
    if (!keep) rmSync(directory, { recursive: true, force: true });
    else process.stderr.write(`The state is kept in ${directory}\n`);
  }
  say(`\n${summary(outcomes)}`);
  if (options.json) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
  return outcomes.every(({ status }) => status === 'passed') ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`validate: ${explain(error)}\n`);
  process.exitCode = 1;
}

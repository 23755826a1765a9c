import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from '@actions/languageservice';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { mooringProgram } from '../../src/mooring.js';
import { repositoryRoot } from '../../src/repository.js';
import { commandsOf, inputsOf, type Job, workflow, workflows } from './workflow-files.js';

/** The thesis's seven; `pipeline` calls them. */
const seven = [
  'build-applications',
  'build-os-image',
  'deploy-applications',
  'deploy-infrastructure',
  'destroy-infrastructure',
  'set-up-provisioning',
  'test-applications',
];

/** Those that call no AWS account. */
const withoutAccount = ['test-applications'];

/** The command that arguments name, and what is left of them. */
function resolve(args: readonly string[]): { command: Command; rest: readonly string[] } {
  let command = mooringProgram();
  let rest = args;
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0]);
    if (!next) return { command, rest };
    command = next;
    rest = rest.slice(1);
  }
}

/** What is wrong with a command line, if anything. */
function wrong(args: readonly string[]): string | undefined {
  const { command, rest } = resolve(args);
  if (command.commands.length > 0) return `mooring ${args.join(' ')} is no command`;
  const left = [...rest];
  while (left.length > 0) {
    const word = left.shift() ?? '';
    if (!word.startsWith('--')) {
      if (command.registeredArguments.length === 0) return `${command.name()} takes no ${word}`;
      continue;
    }
    const option = command.options.find(({ long }) => long === word);
    if (!option) return `${command.name()} has no option ${word}`;
    if (option.required && (left.shift() ?? '--').startsWith('--')) return `${word} needs a value`;
  }
  return undefined;
}

/** What GitHub's own language service says of a workflow, by line. */
async function problems(id: string, text: string): Promise<string[]> {
  const document = TextDocument.create(`file:///.github/workflows/${id}.yml`, 'yaml', 1, text);
  const said = await validate(document);
  return said.map(({ message, range }) => `${range.start.line + 1}: ${message}`);
}

it('what is wrong with a workflow is found', async () => {
  const text = [
    'on: push',
    'jobs:',
    '  test:',
    '    runs-on: ubuntu-24.04',
    '    needs: [nothing]',
    '    timeout: 5',
    '    steps:',
    '      - run: echo ${{ inputs.nothing }}',
  ];
  const lines = (await problems('wrong', text.join('\n'))).map((problem) => problem.split(':')[0]);
  expect(lines).toEqual(expect.arrayContaining(['5', '6', '8']));
});

it('there are the seven, and the pipeline', () => {
  expect(workflows.map(({ id }) => id)).toEqual([...seven, 'pipeline'].sort());
});

describe.each(workflows)('$id', (file) => {
  const { id, text, on, jobs, permissions, concurrency } = file;
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const calls = Object.values(jobs).flatMap(({ uses }) => uses ?? []);

  it('is a workflow, as GitHub’s own language service reads it', async () => {
    expect(await problems(id, text)).toEqual([]);
  });

  it('pins every action by its commit, and says its version', () => {
    const used = [...text.matchAll(/^ *(?:- )?uses: (.+)$/gm)].map(([, what]) => what ?? '');
    expect(used.length).toBeGreaterThan(0);
    for (const what of used) {
      expect(what).toMatch(
        /^(\.\/\.github\/workflows\/[a-z-]+\.yml|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/,
      );
    }
  });

  it('pins an action to the same commit as the others do', () => {
    const pins = (all: string) => [...all.matchAll(/uses: (\S+)@(\S+)/g)].map(([, name, sha]) => [name, sha]);
    const everywhere = new Map(workflows.flatMap((one) => pins(one.text)) as [string, string][]);
    expect(pins(text)).toEqual(pins(text).map(([name = '']) => [name, everywhere.get(name)]));
  });

  it('has no rights but those it needs, and no keys', () => {
    expect(permissions).toEqual({});
    for (const [name, job] of Object.entries(jobs)) {
      const reachesAws = id === 'pipeline' ? !calledBy(job, withoutAccount) : !withoutAccount.includes(id);
      expect([name, job.permissions]).toEqual([
        name,
        reachesAws ? { contents: 'read', 'id-token': 'write' } : { contents: 'read' },
      ]);
    }
    expect(text).not.toMatch(/\$\{\{[^}]*secrets|^ *secrets:/m);
    for (const { uses, with: inputs } of steps) {
      if (uses?.startsWith('actions/checkout@')) expect(inputs).toEqual({ 'persist-credentials': false });
      if (uses?.startsWith('aws-actions/')) {
        expect(inputs).toEqual({
          'role-to-assume': '${{ vars.AWS_ROLE_ARN }}',
          'aws-region': '${{ vars.AWS_REGION }}',
        });
      }
    }
  });

  it('holds no logic: it installs, builds, and runs mooring', () => {
    const runs = steps.flatMap(({ run }) => run ?? []);
    for (const run of runs)
      expect(run).toMatch(/^(npm ci|npm run build|npx mooring [^\n|&;<>`$]*("\$[A-Z]+"[^\n|&;<>`$]*)*)$/);
    expect(steps.filter((step) => step.if !== undefined)).toEqual([]);
    expect(Object.values(jobs).filter((job) => job.if !== undefined)).toEqual([]);
    // Inputs reach a shell as variables only, where they are no part of the program.
    expect(runs.filter((run) => run.includes('${{'))).toEqual([]);
  });

  it('names commands and options that there are', () => {
    for (const args of commandsOf(file)) {
      expect([args, wrong(args)]).toEqual([args, undefined]);
    }
  });

  if (id === 'pipeline') return;

  it('works on the stack that it is given', () => {
    expect(inputsOf(file, 'workflow_dispatch')).toContain('stack');
    if (id === 'destroy-infrastructure') {
      expect(Object.keys(on)).toEqual(['workflow_dispatch']);
      expect(inputsOf(file, 'workflow_dispatch')).toEqual(['stack', 'confirmation']);
    } else {
      expect(inputsOf(file, 'workflow_call')).toEqual(['stack']);
    }
    for (const job of Object.values(jobs)) {
      expect(job.environment).toBe(withoutAccount.includes(id) ? undefined : '${{ inputs.stack }}');
      if (job.environment) expect(job.env).toMatchObject({ STACK: '${{ inputs.stack }}' });
    }
    for (const args of commandsOf(file)) {
      if (withoutAccount.includes(id)) expect(args).not.toContain('--stack');
      else expect(args.slice(args.indexOf('--stack')).slice(0, 2)).toEqual(['--stack', '"$STACK"']);
    }
  });

  it('ends in time, and cancels no change that is under way', () => {
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
    expect(concurrency?.group).toContain('${{ inputs.stack }}');
    expect(concurrency?.['cancel-in-progress']).toBe(
      withoutAccount.includes(id) ? "${{ github.event_name == 'pull_request' }}" : false,
    );
    expect(calls).toEqual([]);
  });
});

const calledBy = ({ uses }: Job, ids: readonly string[]) =>
  ids.some((id) => uses === `./.github/workflows/${id}.yml`);

describe('the pipeline', () => {
  const { jobs, on } = workflow('pipeline');

  it('runs on a push to main; on a pull request there are only tests', () => {
    expect(on).toEqual({ push: { branches: ['main'] } });
    const onPullRequest = workflows.filter((file) => 'pull_request' in file.on);
    expect(onPullRequest.map(({ id }) => id)).toEqual(['test-applications']);
    expect(workflows.filter((file) => 'pull_request_target' in file.on)).toEqual([]);
  });

  it('goes through dev, and then through prod, in the same order', () => {
    const edges = Object.entries(jobs).map(([name, { needs, uses, with: inputs }]) => ({
      name,
      needs,
      calls: uses,
      stack: inputs?.stack,
    }));
    const expected = (stack: string, before: string[]) =>
      [
        ['deploy-infrastructure', before],
        ['set-up-provisioning', [`${stack}-deploy-infrastructure`]],
        ['build-os-image', [`${stack}-set-up-provisioning`]],
        ['test-applications', [`${stack}-set-up-provisioning`]],
        ['build-applications', [`${stack}-test-applications`]],
        ['deploy-applications', [`${stack}-build-applications`]],
      ].map(([step, needs]) => ({
        name: `${stack}-${step}`,
        needs,
        calls: `./.github/workflows/${step}.yml`,
        stack,
      }));
    expect(edges).toEqual([...expected('dev', []), ...expected('prod', ['dev-deploy-applications'])]);
  });
});

it('docs/workflows.md lists the commands of each workflow, and nothing else', () => {
  const docs = readFileSync(join(repositoryRoot, 'docs', 'workflows.md'), 'utf8');
  const rows = [...docs.matchAll(/^\| `([a-z-]+)\.yml` \| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, id, commands]) => [
      id,
      [...(commands ?? '').matchAll(/`mooring ([^`]+)`/g)].map(([, command]) => command),
    ],
  );
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(
      workflows
        .filter(({ id }) => id !== 'pipeline')
        .map((file) => [
          file.id,
          commandsOf(file).map((args) =>
            args.join(' ').replaceAll('"$STACK"', 'STACK').replaceAll('"$CONFIRMATION"', 'STACK'),
          ),
        ]),
    ),
  );
});

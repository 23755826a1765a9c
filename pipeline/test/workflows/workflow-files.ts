import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { repositoryRoot } from '../../src/repository.js';

/** As much of a workflow as its rules are about; whether it is a workflow at all, GitHub's own parser says. */
const Step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  if: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const Job = z.object({
  needs: z.array(z.string()).default([]),
  uses: z.string().optional(),
  with: z.record(z.string(), z.string()).optional(),
  if: z.string().optional(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  env: z.record(z.string(), z.string()).default({}),
  steps: z.array(Step).default([]),
  'timeout-minutes': z.number().optional(),
});
const Inputs = z.object({ inputs: z.record(z.string(), z.unknown()).optional() }).nullable();
const Workflow = z.object({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  concurrency: z
    .object({ group: z.string(), 'cancel-in-progress': z.union([z.boolean(), z.string()]) })
    .optional(),
  jobs: z.record(z.string(), Job),
});

export type Job = z.infer<typeof Job>;

export interface WorkflowFile extends z.infer<typeof Workflow> {
  /** The file's name without `.yml`. */
  readonly id: string;
  readonly text: string;
}

const folder = join(repositoryRoot, '.github', 'workflows');

/** Every workflow of the repository. */
export const workflows: readonly WorkflowFile[] = readdirSync(folder)
  .sort()
  .map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return { id: file.replace(/\.yml$/, ''), text, ...Workflow.parse(parse(text)) };
  });

export function workflow(id: string): WorkflowFile {
  const found = workflows.find((one) => one.id === id);
  if (!found) throw new Error(`there is no workflow ${id}`);
  return found;
}

/** Names of the inputs that an event gives a workflow. */
export function inputsOf({ on }: WorkflowFile, event: string): string[] {
  return Object.keys(Inputs.parse(on[event])?.inputs ?? {});
}

/** The `mooring` commands of a workflow, in order: their arguments, variables of the environment not replaced. */
export function commandsOf({ jobs }: WorkflowFile): string[][] {
  return Object.values(jobs).flatMap(({ steps }) =>
    steps.flatMap(({ run }) => {
      const [npx, mooring, ...args] = (run ?? '').split(' ');
      return npx === 'npx' && mooring === 'mooring' ? [args] : [];
    }),
  );
}

/** Jobs in an order in which they may run: each after all that it needs. */
export function inOrder(jobs: Readonly<Record<string, Job>>): [name: string, job: Job][] {
  const done: [string, Job][] = [];
  const rest = new Map(Object.entries(jobs));
  while (rest.size > 0) {
    const ready = [...rest].filter(([, { needs }]) => needs.every((need) => !rest.has(need)));
    if (ready.length === 0) throw new Error(`jobs wait for each other: ${[...rest.keys()].join(', ')}`);
    for (const [name, job] of ready) {
      done.push([name, job]);
      rest.delete(name);
    }
  }
  return done;
}

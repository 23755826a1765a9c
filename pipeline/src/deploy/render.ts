import { type Output, table } from '../output.js';
import type { Change } from './differences.js';
import type { DeployCounts, Deployment } from './engine.js';
import type { DeployProgress, Plan } from './engine-ports.js';
import { isKnown, type Json, UNKNOWN, type Value } from './json.js';
import type { Step } from './plan.js';

type Style = Output['style'];

const SIGNS = {
  create: ['+', 'green'],
  update: ['~', 'yellow'],
  replace: ['±', 'yellow'],
  delete: ['-', 'red'],
  same: ['=', 'dim'],
} as const;

/** Longest text of a changed value in a table, in characters. */
const LONGEST = 40;

/** A plan as people read it: a line a resource that is to change, then how many there are of each kind. */
export function renderPlan(plan: Plan, style: Style): string {
  const changing = plan.steps.filter(({ kind }) => kind !== 'same');
  const unchanged = plan.steps.length - changing.length;
  if (changing.length === 0) return `No changes: ${unchanged} resources are as the program says`;
  const rows = changing.map((step) => [
    style(SIGNS[step.kind][1], `${SIGNS[step.kind][0]} ${step.kind}`),
    step.resource.name,
    step.resource.type,
    detail(step),
  ]);
  const counts = (['create', 'update', 'replace', 'delete'] as const)
    .map((kind) => ({ kind, count: plan.steps.filter((step) => step.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} to ${kind}`);
  return `${table(['PLAN', 'RESOURCE', 'TYPE', 'CHANGES'], rows)}\n${[...counts, `${unchanged} unchanged`].join(', ')}`;
}

/** What a deployment did, in one line. */
export function renderResult({ result, plan }: Pick<Deployment, 'result' | 'plan'>): string {
  const { same } = result;
  const done = changeCounts(result);
  if (!plan.changes && done.length === 0) return `No changes: ${same} resources are as the program says`;
  return `Deployed: ${[...done, `${same} unchanged`].join(', ')}`;
}

/** How many resources changed how, such as `3 created`; empty when none did. */
export function changeCounts({ created, updated, replaced, deleted }: DeployCounts): string[] {
  return Object.entries({ created, updated, replaced, deleted })
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`);
}

/** A step under way, in one line; undefined for what need not be told. */
export function renderProgress(progress: DeployProgress): string | undefined {
  switch (progress.kind) {
    case 'recovered': {
      const { operation, name, type, outcome } = progress.recovery;
      return `An interrupted run had begun to ${operation} ${name} (${type}): it was ${outcome}`;
    }
    case 'started':
      return `${SIGNS[progress.step.kind][0]} ${progress.step.kind} ${progress.step.resource.name} (${progress.step.resource.type})`;
    case 'planned':
    case 'finished':
      return undefined;
  }
}

/** A plan for machines. */
export interface PlanJson {
  readonly changes: boolean;
  readonly steps: readonly {
    readonly action: Step['kind'];
    readonly name: string;
    readonly type: string;
    readonly identifier?: string;
    /** `unknown`: the value is known only after an earlier step. */
    readonly properties?: readonly { property: string; before?: Json; after?: Json; unknown?: true }[];
    /** Of a replacement: the properties that cannot change in place. */
    readonly because?: readonly string[];
  }[];
}

export function planJson(plan: Plan): PlanJson {
  return {
    changes: plan.changes,
    steps: plan.steps.map((step) => {
      const { name, type, identifier } = step.resource;
      return {
        action: step.kind,
        name,
        type,
        ...(identifier !== undefined && { identifier }),
        ...('changes' in step && { properties: step.changes.map(changeJson) }),
        ...('because' in step && { because: step.because }),
      };
    }),
  };
}

/** A deployment for machines. */
export interface DeploymentJson {
  readonly plan: PlanJson;
  readonly result: DeployCounts;
  readonly outputs: Deployment['outputs'];
  /** Settings of the account that were turned on. */
  readonly settings: readonly string[];
}

export function deploymentJson({ plan, result, outputs, settings = [] }: Deployment): DeploymentJson {
  return { plan: planJson(plan), result, outputs, settings };
}

function changeJson({ path, before, after }: Change) {
  return {
    property: path.join('.'),
    ...(before !== undefined && { before }),
    ...(after !== undefined && (isKnown(after) ? { after } : { unknown: true as const })),
  };
}

function detail(step: Step): string {
  switch (step.kind) {
    case 'update':
      return step.changes.map(describe).join(', ');
    case 'replace':
      return `${step.changes.map(describe).join(', ')} (${step.because.join(', ')} cannot change in place)`;
    case 'delete':
      return step.retained ? 'stays in the cloud, is forgotten here' : '';
    default:
      return '';
  }
}

function describe({ path, before, after }: Change): string {
  const name = path.join('.');
  if (after === undefined) return `${name} removed`;
  if (before === undefined) return `${name}: ${brief(after)}`;
  return `${name}: ${brief(before)} → ${brief(after)}`;
}

function brief(value: Value): string {
  if (value === UNKNOWN || !isKnown(value)) return '(known later)';
  const text = JSON.stringify(value);
  return text.length <= LONGEST ? text : '…';
}

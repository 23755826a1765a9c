import { Applier } from './applier.js';
import type { EnginePorts, Plan } from './engine-ports.js';
import { isKnown, type JsonObject, type ValueObject } from './json.js';
import { deletionStep, planDeletions, planResource, type Step } from './plan.js';
import { refuseProtected } from './protection.js';
import { recover } from './recover.js';
import type { StackProgram } from './stack-program.js';
import { emptyState, type StackState } from './state.js';
import { StateKeeper } from './state-keeper.js';

/** How many resources of the stack were treated how. */
export interface DeployCounts {
  readonly created: number;
  readonly updated: number;
  readonly replaced: number;
  readonly deleted: number;
  readonly same: number;
}

export interface Deployment {
  readonly plan: Plan;
  readonly result: DeployCounts;
  readonly outputs: JsonObject;
  /** Settings of the account that were turned on, a line for people each. */
  readonly settings?: readonly string[];
}

/** What deploying the program would do to the stack as it was left. Changes nothing. */
export async function planStack(stack: string, program: StackProgram, ports: EnginePorts): Promise<Plan> {
  const state = (await ports.states.load()) ?? emptyState(stack);
  return (await preview(state, program, ports)).plan;
}

/**
 * Makes the cloud what the program says: first what an interrupted run left open is settled, then the plan is
 * made and carried out. The state is stored before and after each operation, so a run that fails or is killed
 * at any instant leaves a state from which the next one goes on.
 *
 * @throws DeployError naming each resource that failed and what the cloud said.
 */
export async function deployStack(
  stack: string,
  program: StackProgram,
  ports: EnginePorts,
): Promise<Deployment> {
  const keeper = new StateKeeper(ports.states, (await ports.states.load()) ?? emptyState(stack));
  await recover(keeper, ports.cloud, ports.schemas, (recovery) =>
    ports.onProgress({ kind: 'recovered', recovery }),
  );
  const { plan, outputs } = await preview(keeper.state, program, ports);
  ports.onProgress({ kind: 'planned', plan });
  if (!plan.changes && outputs !== undefined) {
    return { plan, result: count(plan.steps), outputs };
  }
  const applier = new Applier(keeper, ports);
  const applied = await applier.run((register) => program(register, 'apply'));
  return { plan, result: count(applier.done), outputs: applied ?? {} };
}

/** Deletes every resource of the stack. */
export async function destroyStack(stack: string, ports: EnginePorts): Promise<Deployment> {
  return deployStack(stack, async () => ({}), ports);
}

async function preview(
  state: StackState,
  program: StackProgram,
  ports: EnginePorts,
): Promise<{ plan: Plan; outputs: JsonObject | undefined }> {
  const steps: Step[] = [];
  const registered = new Set<string>();
  const outputs = await program(async (desired) => {
    const schema = await ports.schemas(desired.type);
    const last = state.resources.find((one) => one.key === desired.key && one.condemned !== true);
    const step = planResource(desired, last, schema);
    refuseProtected(step, last);
    registered.add(desired.key);
    steps.push(step);
    const known = knownPart(desired.properties);
    if (step.kind === 'same' || step.kind === 'update') {
      const { identifier } = step.resource;
      return {
        ...(identifier !== undefined && { identifier }),
        properties: { ...last?.properties, ...known },
      };
    }
    return { properties: known };
  }, 'preview');
  for (const resource of planDeletions(state, registered)) {
    const step = deletionStep(resource);
    refuseProtected(step, resource);
    steps.push(step);
  }
  return { plan: { steps, changes: steps.some(({ kind }) => kind !== 'same') }, outputs };
}

/** The properties that are wholly known. */
function knownPart(properties: ValueObject): JsonObject {
  const known: Record<string, JsonObject[string]> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (isKnown(value)) known[name] = value;
  }
  return known;
}

function count(steps: readonly Step[]): DeployCounts {
  const of = (kind: Step['kind']) => steps.filter((step) => step.kind === kind).length;
  return {
    created: of('create'),
    updated: of('update'),
    replaced: of('replace'),
    deleted: of('delete'),
    same: of('same'),
  };
}

import { z } from 'zod';
import { describeIssues } from '../config/issues.js';
import { DeviceError } from '../errors.js';
import type { JsonObject } from '../json.js';
import { canonicalKeys } from './keys.js';

/** One script of a component's lifecycle, recipe variables replaced. */
export interface LifecycleStep {
  readonly script: string;
  /** As logs name it: the recipe's own spelling, such as `lifecycle.Run.Script`. */
  readonly scriptName: string;
  readonly requiresPrivilege: boolean;
  /** Seconds; undefined for the step's default. */
  readonly timeout: number | undefined;
  readonly skipIf: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Of a bootstrap step: whether it also runs when a deployment is rolled back. */
  readonly onRollback?: boolean;
}

export const LIFECYCLE_STEPS = ['bootstrap', 'install', 'startup', 'run', 'shutdown', 'recover'] as const;
export type LifecycleStepName = (typeof LIFECYCLE_STEPS)[number];

export type Lifecycle = { readonly [step in LifecycleStepName]?: LifecycleStep };

const Environment = z
  .record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null()]).transform((value) => String(value ?? '')),
  )
  .nullish()
  .transform((variables) => variables ?? {});

const Step = canonicalKeys(
  z.object({
    Script: z.string().optional(),
    RequiresPrivilege: z.union([z.boolean(), z.stringbool()]).default(false),
    Timeout: z.coerce.number().positive().optional(),
    SkipIf: z.string().optional(),
    Setenv: Environment,
    BootstrapOnRollback: z.union([z.boolean(), z.stringbool()]).default(false),
  }),
);

/**
 * Parses a lifecycle section whose variables are replaced; step names and their keys are taken in any case.
 *
 * @param component named in errors
 * @throws DeviceError RECIPE_INVALID
 */
export function parseLifecycle(section: JsonObject, component: string): Lifecycle {
  const where = `${component}: Lifecycle`;
  const find = (name: string) => Object.entries(section).find(([key]) => key.toLowerCase() === name);
  const common = parseWith(Environment, find('setenv')?.[1], `${where}.Setenv`);
  const lifecycle: { [step in LifecycleStepName]?: LifecycleStep } = {};
  for (const name of LIFECYCLE_STEPS) {
    const [key, value] = find(name) ?? [];
    if (key === undefined || value === undefined || value === null) continue;
    if (typeof value === 'string') {
      lifecycle[name] = {
        script: value,
        scriptName: `lifecycle.${key}`,
        requiresPrivilege: false,
        timeout: undefined,
        skipIf: undefined,
        environment: common,
      };
      continue;
    }
    const step = parseWith(Step, value, `${where}.${key}`);
    if (step.Script === undefined) {
      throw new DeviceError('RECIPE_INVALID', `${where}.${key}: Script is missing.`);
    }
    const spelling = Object.keys(value).find((property) => property.toLowerCase() === 'script') ?? 'Script';
    lifecycle[name] = {
      script: step.Script,
      scriptName: `lifecycle.${key}.${spelling}`,
      requiresPrivilege: step.RequiresPrivilege,
      timeout: step.Timeout,
      skipIf: step.SkipIf,
      environment: { ...common, ...step.Setenv },
      ...(name === 'bootstrap' && { onRollback: step.BootstrapOnRollback }),
    };
  }
  return lifecycle;
}

function parseWith<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new DeviceError('RECIPE_INVALID', describeIssues(where, result.error.issues));
}

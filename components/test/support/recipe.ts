import { readFile } from 'node:fs/promises';
import { componentNames } from '@mooring/contracts';
import { parse } from 'yaml';
import { z } from 'zod';

const Step = z.object({ RequiresPrivilege: z.boolean().optional(), Script: z.string() });

const Manifest = z.object({
  Platform: z.object({ os: z.literal('linux') }),
  Artifacts: z.array(z.object({ URI: z.string() })),
  Lifecycle: z.object({
    Setenv: z.record(z.string(), z.string()).default({}),
    Run: Step,
    Shutdown: Step.optional(),
  }),
});

const Recipe = z.object({
  ComponentName: z.string(),
  ComponentVersion: z.string(),
  ComponentDependencies: z.record(z.string(), z.object({ VersionRequirement: z.string() })).optional(),
  ComponentConfiguration: z.object({ DefaultConfiguration: z.record(z.string(), z.json()) }).optional(),
  Manifests: z.tuple([Manifest]),
});
export type Recipe = z.infer<typeof Recipe>;

/** The folder of each component. */
export const folders: Readonly<Record<string, string>> = {
  [componentNames.led]: 'led',
  [componentNames.button]: 'button',
  [componentNames.certificateRotator]: 'certificate-rotator',
  [componentNames.corrupt]: 'corrupt',
  [componentNames.osUpdate]: 'os-update',
};

/** A component's recipe, from its folder. */
export async function recipeOf(component: string): Promise<Recipe> {
  const file = new URL(`../../${folders[component]}/recipe.yaml`, import.meta.url);
  return Recipe.parse(parse(await readFile(file, 'utf8')));
}

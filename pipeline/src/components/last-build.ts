import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { type BuildOptions, type BuiltComponent, buildComponents } from './build.js';

const Built = z.array(
  z.object({
    name: z.string(),
    recipe: z.string(),
    recipeVersion: z.string(),
    contentHash: z.string(),
    image: z
      .object({
        layout: z.string(),
        digest: z.string(),
        platforms: z.array(z.string()),
        compressedBytes: z.record(z.string(), z.number()),
      })
      .optional(),
    artifacts: z.array(z.object({ name: z.string(), path: z.string() })),
    unchanged: z.boolean(),
  }),
);

/** Builds the components, and leaves a note of what came of it for {@link lastBuild}. */
export async function buildAndNote(options: BuildOptions): Promise<BuiltComponent[]> {
  const built = await buildComponents(options);
  await writeFile(noteOf(options.outDir), `${JSON.stringify(built, null, 1)}\n`);
  return built;
}

/**
 * What the last build into a folder came to.
 *
 * @throws MooringError `NotBuilt` when there was none.
 */
export async function lastBuild(outDir: string, only: readonly string[]): Promise<BuiltComponent[]> {
  const built = await readFile(noteOf(outDir), 'utf8').then(
    (text) => Built.safeParse(JSON.parse(text)).data,
    () => undefined,
  );
  const chosen = built?.filter(({ name }) => only.length === 0 || only.includes(name)) ?? [];
  const missing = only.filter((name) => !chosen.some((component) => component.name === name));
  if (built === undefined || missing.length > 0) {
    throw new MooringError(
      'NotBuilt',
      `${missing.join(', ') || 'Nothing'} was not built in ${outDir} yet: run \`mooring components build\``,
    );
  }
  return chosen.map((component) => ({ ...component, image: component.image }));
}

function noteOf(outDir: string): string {
  return join(outDir, 'built.json');
}

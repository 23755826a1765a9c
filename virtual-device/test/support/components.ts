import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { temporaryFolder } from './fixtures.js';

export interface ComponentSource {
  readonly name: string;
  readonly version?: string;
  readonly lifecycle?: Record<string, unknown>;
  readonly dependencies?: Record<string, unknown>;
  readonly configuration?: Record<string, unknown>;
  /** File name to content. */
  readonly artifacts?: Record<string, string | Uint8Array>;
  readonly manifestArtifacts?: unknown[];
  readonly format?: 'yaml' | 'json';
}

/** Folders as a developer hands them to a local deployment. */
export function componentFolders(...sources: ComponentSource[]): { recipeDir: string; artifactDir: string } {
  const folder = temporaryFolder();
  const recipeDir = join(folder, 'recipes');
  const artifactDir = join(folder, 'artifacts');
  mkdirSync(recipeDir);
  mkdirSync(artifactDir);
  for (const source of sources) {
    const version = source.version ?? '1.0.0';
    const artifacts = source.artifacts ?? {};
    const recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: source.name,
      ComponentVersion: version,
      ComponentConfiguration: { DefaultConfiguration: source.configuration ?? {} },
      ...(source.dependencies && { ComponentDependencies: source.dependencies }),
      Manifests: [
        {
          Platform: { os: 'linux' },
          Lifecycle: source.lifecycle ?? {},
          Artifacts:
            source.manifestArtifacts ??
            Object.keys(artifacts).map((file) => ({ URI: `s3://bucket/${file}` })),
        },
      ],
    };
    const json = source.format === 'json';
    const file = `${source.name}-${version}.${json ? 'json' : 'yaml'}`;
    writeFileSync(join(recipeDir, file), json ? JSON.stringify(recipe) : stringify(recipe));
    for (const [name, content] of Object.entries(artifacts)) {
      const target = join(artifactDir, source.name, version);
      mkdirSync(target, { recursive: true });
      writeFileSync(join(target, name), content);
    }
  }
  return { recipeDir, artifactDir };
}

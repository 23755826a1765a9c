import type { JsonValue } from '../ipc/capabilities.js';
import { isJsonObject, type JsonObject } from '../json.js';
import type { Manifest, Recipe } from './recipe.js';

/** What a device is, as manifests ask for it: `os`, `architecture`, … */
export type Platform = Readonly<Record<string, string>>;

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'aarch64', ia32: 'x86' };

/** What the machine says of a kind of processor in more detail, in the nucleus's words. */
const DETAILS: Record<string, string> = { arm64: 'arm8', arm: 'arm7' };

/**
 * The platform that this process runs on, in Greengrass's words.
 *
 * @param override `platformOverride` of the nucleus's configuration: attributes added or replaced
 */
export function currentPlatform(override: Readonly<Record<string, unknown>> = {}): Platform {
  const detail = DETAILS[process.arch];
  return {
    os: process.platform,
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    ...(detail !== undefined && { 'architecture.detail': detail }),
    ...Object.fromEntries(
      Object.entries(override).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    ),
  };
}

/** The first manifest that fits; a recipe without manifests fits everywhere. */
export function selectManifest(recipe: Recipe, platform: Platform): Manifest | undefined {
  if (recipe.manifests.length === 0) {
    return { Platform: {}, Lifecycle: {}, Selections: [], Artifacts: [] };
  }
  return recipe.manifests.find(({ Platform: wanted }) =>
    Object.entries(wanted).every(([name, template]) => {
      const label = Object.hasOwn(platform, name) ? platform[name] : undefined;
      const alternatives = Array.isArray(template) ? template : [template];
      return alternatives.some((alternative) => fits(name, label, alternative));
    }),
  );
}

/** Words that any value of an attribute fits; `runtime: "*"` also fits a device that names no runtime. */
const ANY: Record<string, readonly string[]> = {
  os: ['*', 'all', 'any'],
  architecture: ['*', 'all', 'any'],
  runtime: ['*'],
};

function fits(name: string, label: string | undefined, template: JsonValue): boolean {
  if (template === null) return label === undefined;
  if (typeof template !== 'string') return false;
  if (ANY[name]?.includes(template)) return true;
  // A nucleus that names no runtime is the classic one.
  if (label === undefined) return name === 'runtime' && template === 'aws_nucleus_classic';
  if (template === '//') return true;
  if (template.length > 2 && template.startsWith('/') && template.endsWith('/')) {
    try {
      return new RegExp(`^(?:${template.slice(1, -1)})$`).test(label);
    } catch {
      return false;
    }
  }
  return template === label;
}

/**
 * The lifecycle that a manifest means: its own, or what its selections pick from the recipe's global one
 * (there a key may be a lifecycle step or a selection, at any depth).
 */
export function lifecycleOf(recipe: Recipe, manifest: Manifest): JsonObject {
  if (Object.keys(manifest.Lifecycle).length > 0) return manifest.Lifecycle;
  const known = new Set(['all', ...recipe.manifests.flatMap(({ Selections }) => Selections)]);
  const wanted = manifest.Selections.length > 0 ? manifest.Selections : ['all'];
  const picked = pick(recipe.lifecycle, wanted, known);
  return isJsonObject(picked) ? picked : {};
}

function pick(
  value: JsonValue,
  wanted: readonly string[],
  known: ReadonlySet<string>,
): JsonValue | undefined {
  if (!isJsonObject(value)) return value;
  if (Object.keys(value).some((key) => known.has(key))) {
    const selection = [...wanted, 'all'].find((key) => Object.hasOwn(value, key));
    return selection === undefined ? undefined : pick(value[selection] ?? null, wanted, known);
  }
  const kept: [string, JsonValue][] = [];
  for (const [key, child] of Object.entries(value)) {
    const picked = pick(child, wanted, known);
    if (picked !== undefined) kept.push([key, picked]);
  }
  return Object.fromEntries(kept);
}

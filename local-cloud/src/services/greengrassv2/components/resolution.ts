import type * as sdk from '@aws-sdk/client-greengrassv2';
import type { GreengrassArns } from '../arns.js';
import { invalidInput, notFound } from '../errors.js';
import type { ComponentStore, ComponentVersion } from './component-store.js';
import { fitsPlatform, type Platform } from './platform.js';
import { COMPONENT_NAME, recipeText } from './recipe.js';
import { parseRequirement, type Requirement } from './versions.js';

/** Finds the versions of components that core devices are to install (API reference, ResolveComponentCandidates). */
export interface Resolution {
  /**
   * The version of a component that a device has already, when it meets the requirements, else the newest one that
   * does; of those only versions that claim the device's platform.
   *
   * @throws ResourceNotFoundException when there is none, saying whether version or platform is the reason.
   */
  resolve(candidate: sdk.ComponentCandidate, platform: Platform): Resolved;
}

export interface Resolved {
  readonly arn: string;
  readonly version: sdk.ResolvedComponentVersion;
}

export function resolution(arns: GreengrassArns, components: ComponentStore): Resolution {
  return {
    resolve(candidate, platform) {
      const name = candidate.componentName ?? '';
      if (!COMPONENT_NAME.test(name)) throw invalidInput(`'${name}' is not the name of a component`);
      const requirements = Object.entries(candidate.versionRequirements ?? {}).map(readRequirement);
      const satisfying = components
        .usable(name)
        .filter(({ recipe }) => requirements.every(({ accepts }) => accepts(recipe.ComponentVersion)));
      const wanted = requirements.map(({ source, text }) => `${source} requires ${text}`).join(', ');
      const [newest] = satisfying;
      if (!newest) {
        throw notFound(
          `Component ${name} has no usable version that satisfies the requirements: ${wanted || 'any version'}`,
          'ComponentVersion',
          name,
        );
      }
      const fitting = satisfying.filter((version) => claims(version, platform));
      const chosen =
        fitting.find(({ recipe }) => recipe.ComponentVersion === candidate.componentVersion) ?? fitting[0];
      if (!chosen) {
        const attributes = Object.entries(platform).map(([attribute, value]) => `${attribute}=${value}`);
        throw notFound(
          `The latest version of component ${name} that satisfies the requirements, ${newest.recipe.ComponentVersion}, does not claim platform ${attributes.join(', ')} compatibility`,
          'ComponentVersion',
          arns.componentVersion(newest.owner, name, newest.recipe.ComponentVersion),
        );
      }
      const { owner, recipe } = chosen;
      const arn = arns.componentVersion(owner, name, recipe.ComponentVersion);
      return {
        arn,
        version: {
          arn,
          componentName: name,
          componentVersion: recipe.ComponentVersion,
          recipe: Buffer.from(recipeText(recipe, 'JSON')),
          vendorGuidance: 'ACTIVE',
        },
      };
    },
  };
}

/** The attributes that a device gives of its platform. @throws ValidationException when there is none. */
export function platformOf(platform: sdk.ComponentPlatform | undefined): Platform {
  if (!platform?.attributes) throw invalidInput('platform.attributes is missing');
  return platform.attributes;
}

/** A device without attributes says nothing that a manifest could refuse it for. */
function claims({ recipe }: ComponentVersion, platform: Platform): boolean {
  if (recipe.Manifests.length === 0 || Object.keys(platform).length === 0) return true;
  return recipe.Manifests.some(({ Platform: wanted }) => fitsPlatform(wanted, platform));
}

function readRequirement([source, text]: [string, string]): Requirement & { readonly source: string } {
  const requirement = parseRequirement(text);
  if (!requirement) throw invalidInput(`'${text}', which ${source} requires, is not a version requirement`);
  return { source, ...requirement };
}

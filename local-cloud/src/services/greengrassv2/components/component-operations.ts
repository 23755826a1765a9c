import type * as sdk from '@aws-sdk/client-greengrassv2';
import { AwsError } from '../../../errors.js';
import type { Base } from '../../../plugin.js';
import type { Call } from '../../../service.js';
import type { GreengrassAccess } from '../access.js';
import { checkComponentArn, checkVersionArn, type GreengrassArns } from '../arns.js';
import type { ClientTokens } from '../client-tokens.js';
import { accessDenied, conflict, invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import { checkTags } from '../tags.js';
import type { Artifacts } from './artifacts.js';
import type { ComponentStore, ComponentVersion } from './component-store.js';
import { parseRecipe, platformsOf, type Recipe, recipeText } from './recipe.js';

const DEPLOYABLE = {
  componentState: 'DEPLOYABLE',
  message: 'NONE',
  errors: {},
  vendorGuidance: 'ACTIVE',
} as const;

export interface ComponentParts {
  readonly base: Base;
  readonly arns: GreengrassArns;
  readonly components: ComponentStore;
  readonly artifacts: Artifacts;
  readonly tokens: ClientTokens;
  readonly access: GreengrassAccess;
}

/** Components and their versions. */
export function componentOperations({ base, arns, components, artifacts, tokens, access }: ComponentParts) {
  const { accountId, clock } = base;
  const arnOf = ({ owner, recipe }: ComponentVersion) =>
    arns.componentVersion(owner, recipe.ComponentName, recipe.ComponentVersion);

  function existing(arn: string): ComponentVersion {
    checkVersionArn(arn);
    const named = arns.parse(arn);
    const found =
      named?.type === 'component' && named.version !== undefined
        ? components.get(named.owner, named.name, named.version)
        : undefined;
    if (!found) throw notFound(`Component version ${arn} does not exist`, 'ComponentVersion', arn);
    return found;
  }

  /** @throws ConflictException when there is such a version. */
  function checkNew({ ComponentName: name, ComponentVersion: version }: Recipe, tagged: boolean): void {
    if (!components.get('account', name, version)) return;
    const end = tagged
      ? "already exists and can't be created again with tags."
      : 'already exists with state: [DEPLOYABLE]';
    throw conflict(
      `Component [${name} : ${version}] for account [${accountId}] ${end}`,
      'ComponentVersion',
      arns.componentVersion('account', name, version),
    );
  }

  return {
    async CreateComponentVersion(input: sdk.CreateComponentVersionCommandInput, call: Call | undefined) {
      const { inlineRecipe, lambdaFunction, clientToken, tags = {} } = input;
      if (lambdaFunction !== undefined) {
        throw new AwsError(
          'NotImplementedException',
          'CreateComponentVersion with lambdaFunction is not built in the local cloud; give the component as inlineRecipe',
          501,
        );
      }
      if (inlineRecipe === undefined) {
        throw invalid('Either inlineRecipe or lambdaFunction must be specified');
      }
      checkTags(tags);
      type Answer = { arn: string; name: string; version: string; created: number };
      const before = tokens.answered<Answer>('CreateComponentVersion', clientToken);
      const answer = before ?? (await create());
      return {
        arn: answer.arn,
        componentName: answer.name,
        componentVersion: answer.version,
        creationTimestamp: new Date(answer.created),
        status: { componentState: 'REQUESTED' as const, message: 'NONE', errors: {} },
      };

      async function create(): Promise<Answer> {
        const tagged = Object.keys(tags).length > 0;
        const written = parseRecipe(inlineRecipe ?? new Uint8Array());
        checkNew(written, tagged);
        const recipe = await artifacts.withDigests(written, call);
        return tokens.once('CreateComponentVersion', clientToken, () => {
          // Another request may have made it while the artifacts were read.
          checkNew(recipe, tagged);
          const created = clock.now();
          const { ComponentName: name, ComponentVersion: version } = recipe;
          components.put(recipe, created, tags);
          return { arn: arns.componentVersion('account', name, version), name, version, created };
        });
      }
    },

    GetComponent({ arn = '', recipeOutputFormat = 'JSON' }: sdk.GetComponentCommandInput) {
      if (recipeOutputFormat !== 'JSON' && recipeOutputFormat !== 'YAML') {
        throw invalid(`Invalid recipeOutputFormat ${String(recipeOutputFormat)}`);
      }
      const { recipe, tags } = existing(arn);
      return {
        recipeOutputFormat,
        recipe: Buffer.from(recipeText(recipe, recipeOutputFormat)),
        tags: { ...tags },
      };
    },

    DescribeComponent({ arn = '' }: sdk.DescribeComponentCommandInput) {
      const found = existing(arn);
      const { recipe, created, tags } = found;
      return {
        arn: arnOf(found),
        componentName: recipe.ComponentName,
        componentVersion: recipe.ComponentVersion,
        creationTimestamp: new Date(created),
        publisher: recipe.ComponentPublisher,
        description: recipe.ComponentDescription,
        status: { ...DEPLOYABLE },
        platforms: platformsOf(recipe),
        tags: { ...tags },
      };
    },

    ListComponents({ scope = 'PRIVATE', maxResults, nextToken }: sdk.ListComponentsCommandInput) {
      if (scope !== 'PRIVATE' && scope !== 'PUBLIC') throw invalid(`Invalid scope ${String(scope)}`);
      const owner = scope === 'PUBLIC' ? 'aws' : 'account';
      const { items, next } = pageOf(components.names(owner), (name) => name, nextToken, maxResults);
      return {
        components: items.flatMap((name) => {
          const [latest] = components.versions(owner, name);
          if (!latest) return [];
          const { recipe, created } = latest;
          return {
            arn: arns.component(owner, name),
            componentName: name,
            latestVersion: {
              arn: arnOf(latest),
              componentVersion: recipe.ComponentVersion,
              creationTimestamp: new Date(created),
              description: recipe.ComponentDescription,
              publisher: recipe.ComponentPublisher,
              platforms: platformsOf(recipe),
            },
          };
        }),
        nextToken: next,
      };
    },

    ListComponentVersions({ arn = '', maxResults, nextToken }: sdk.ListComponentVersionsCommandInput) {
      checkComponentArn(arn);
      const named = arns.parse(arn);
      const all = named?.type === 'component' ? components.versions(named.owner, named.name) : [];
      if (all.length === 0) throw notFound(`Component ${arn} does not exist`, 'Component', arn);
      const { items, next } = pageOf(all, ({ recipe }) => recipe.ComponentVersion, nextToken, maxResults);
      return {
        componentVersions: items.map((version) => ({
          componentName: version.recipe.ComponentName,
          componentVersion: version.recipe.ComponentVersion,
          arn: arnOf(version),
        })),
        nextToken: next,
      };
    },

    DeleteComponent({ arn = '' }: sdk.DeleteComponentCommandInput) {
      const { owner, recipe } = existing(arn);
      if (owner === 'aws') throw accessDenied(`Component version ${arn} is AWS's and cannot be deleted`);
      components.delete(recipe.ComponentName, recipe.ComponentVersion);
      return {};
    },

    async GetComponentVersionArtifact(
      { arn = '', artifactName = '' }: sdk.GetComponentVersionArtifactCommandInput,
      call: Call,
    ) {
      checkVersionArn(arn);
      access.require(call, 'greengrass:GetComponentVersionArtifact', arn);
      return { preSignedUrl: await artifacts.presign(existing(arn).recipe, arn, artifactName) };
    },
  };
}

import type * as sdk from '@aws-sdk/client-greengrassv2';
import { z } from 'zod';
import { parseProperties } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import type { Tags } from '../../tags.js';
import type { GreengrassArns } from './arns.js';
import type { componentOperations } from './components/component-operations.js';
import type { ComponentStore } from './components/component-store.js';
import type { deploymentOperations } from './deployments/deployment-operations.js';
import type { DeploymentStore } from './deployments/deployment-store.js';
import { checkTags } from './tags.js';

export interface ResourceParts {
  readonly arns: GreengrassArns;
  readonly components: ComponentStore;
  readonly deployments: DeploymentStore;
  readonly componentOperations: ReturnType<typeof componentOperations>;
  readonly deploymentOperations: ReturnType<typeof deploymentOperations>;
}

const tags = z.record(z.string(), z.string());

const componentVersion = z.strictObject({
  InlineRecipe: z.string(),
  Tags: tags.optional(),
  Arn: z.string().optional(),
  ComponentName: z.string().optional(),
  ComponentVersion: z.string().optional(),
});

/** `AWS::GreengrassV2::ComponentVersion`. */
export function componentVersionType(parts: ResourceParts): ResourceType {
  const { arns, components, componentOperations: operations } = parts;
  const typeName = 'AWS::GreengrassV2::ComponentVersion';
  const found = (arn: string) => {
    const named = arns.parse(arn);
    if (named?.type !== 'component' || named.owner === 'aws' || named.version === undefined) return undefined;
    return components.get('account', named.name, named.version);
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    async create(desired) {
      const { InlineRecipe, Tags = {} } = parseProperties(typeName, componentVersion, desired);
      const input = { inlineRecipe: Buffer.from(InlineRecipe), tags: Tags };
      return (await operations.CreateComponentVersion(input, undefined)).arn;
    },
    read(arn) {
      const version = found(arn);
      return (
        version && {
          Arn: arn,
          ComponentName: version.recipe.ComponentName,
          ComponentVersion: version.recipe.ComponentVersion,
          ...tagsProperty(version.tags),
        }
      );
    },
    update(arn, desired) {
      const version = found(arn);
      if (version) components.setTags(version, readTags(desired));
      else operations.DescribeComponent({ arn });
    },
    delete(arn) {
      operations.DeleteComponent({ arn });
    },
    list: () =>
      [...components.all()].map(({ owner, recipe }) =>
        arns.componentVersion(owner, recipe.ComponentName, recipe.ComponentVersion),
      ),
  };
}

/** `AWS::GreengrassV2::Deployment`; all but its tags can only be replaced, which is a revision. */
export function deploymentType({
  deployments,
  deploymentOperations: operations,
}: ResourceParts): ResourceType {
  const typeName = 'AWS::GreengrassV2::Deployment';
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      // The schema has been checked: what is left is how names are spelled.
      const input = recased(desired, lowerFirst) as unknown as sdk.CreateDeploymentCommandInput;
      return operations.CreateDeployment(input, undefined).deploymentId ?? '';
    },
    read(deploymentId) {
      const record = deployments.get(deploymentId);
      if (!record) return undefined;
      const { components, policies, jobConfiguration, deploymentName, parentTargetArn } = record;
      return {
        DeploymentId: deploymentId,
        TargetArn: record.targetArn,
        ...(parentTargetArn !== undefined && { ParentTargetArn: parentTargetArn }),
        ...(deploymentName !== undefined && { DeploymentName: deploymentName }),
        ...(recased(
          {
            ...(Object.keys(components).length > 0 && { components }),
            ...(Object.keys(policies).length > 0 && { deploymentPolicies: policies }),
            ...(Object.keys(jobConfiguration).length > 0 && { iotJobConfiguration: jobConfiguration }),
          },
          upperFirst,
        ) as ResourceProperties),
        ...tagsProperty(record.tags),
      };
    },
    update(deploymentId, desired) {
      const record = deployments.get(deploymentId);
      if (record) deployments.put({ ...record, tags: readTags(desired) });
      else operations.GetDeployment({ deploymentId });
    },
    delete(deploymentId) {
      const { deploymentStatus } = operations.GetDeployment({ deploymentId });
      if (deploymentStatus === 'ACTIVE') operations.CancelDeployment({ deploymentId }, undefined);
      operations.DeleteDeployment({ deploymentId }, undefined);
    },
    list: () => deployments.list().map(({ deploymentId }) => deploymentId),
  };
}

function readTags({ Tags = {} }: ResourceProperties): Tags {
  const found = tags.parse(Tags);
  checkTags(found);
  return found;
}

function tagsProperty(found: Tags): { Tags?: Tags } {
  return Object.keys(found).length > 0 ? { Tags: found } : {};
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
const upperFirst = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
/** Members whose own members have names of the author's. */
const MAPS: ReadonlySet<string> = new Set(['components', 'tags']);

/** The same with the names of its members spelled as the other API does. */
function recased(value: unknown, spell: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => recased(item, spell));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      spell(name),
      MAPS.has(lowerFirst(name)) && typeof member === 'object' && member !== null
        ? Object.fromEntries(Object.entries(member).map(([own, item]) => [own, recased(item, spell)]))
        : recased(member, spell),
    ]),
  );
}

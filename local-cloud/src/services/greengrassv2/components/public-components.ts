import { parseRecipe, type Recipe } from './recipe.js';

/**
 * Components that AWS publishes, as far as other recipes build on them: what the developer guide says of their type,
 * platforms, dependencies and configuration ("AWS-provided components"). They have no artifacts here.
 */
export const PUBLIC_COMPONENTS: readonly Recipe[] = [
  component('aws.greengrass.Nucleus', '2.15.0', {
    type: 'aws.greengrass.nucleus',
    description:
      'Core functionality for device side orchestration of deployments and lifecycle management for execution of Greengrass components and applications.',
    runtime: 'aws_nucleus_classic',
    configuration: {
      iotDataEndpoint: '',
      iotCredEndpoint: '',
      greengrassDataPlanePort: 8443,
      awsRegion: '',
      iotRoleAlias: '',
      mqtt: {},
      networkProxy: {},
      runWithDefault: {},
      deploymentPollingFrequencySeconds: 15,
      componentStoreMaxSizeBytes: 10_000_000_000,
      platformOverride: {},
    },
    platforms: ['linux', 'darwin', 'windows'],
  }),
  component('aws.greengrass.NucleusLite', '2.2.0', {
    type: 'aws.greengrass.nucleus',
    description: 'The lightweight nucleus for devices with few resources.',
    runtime: 'aws_nucleus_lite',
    configuration: {
      iotDataEndpoint: '',
      iotCredEndpoint: '',
      greengrassDataPlanePort: '8443',
      awsRegion: '',
      iotRoleAlias: '',
      runWithDefault: {},
      platformOverride: {},
    },
    platforms: ['linux'],
  }),
  component('aws.greengrass.Cli', '2.15.0', {
    type: 'aws.greengrass.plugin',
    description: 'Local debugging and development on a core device from the command line.',
    nucleus: '>=2.15.0 <2.16.0',
    configuration: { AuthorizedPosixGroups: null, AuthorizedWindowsGroups: null },
    platforms: ['linux', 'darwin', 'windows'],
  }),
  component('aws.greengrass.DockerApplicationManager', '2.0.15', {
    type: 'aws.greengrass.plugin',
    description: 'Downloads Docker images from public registries and from Amazon ECR.',
    nucleus: '>=2.1.0 <2.16.0',
    configuration: {},
    platforms: ['all'],
  }),
  component('aws.greengrass.TokenExchangeService', '2.0.3', {
    type: 'aws.greengrass.generic',
    description: 'AWS credentials for components, by the role alias of the core device.',
    runtime: '*',
    configuration: {},
    platforms: ['all'],
  }),
  component('aws.greengrass.LogManager', '2.3.9', {
    type: 'aws.greengrass.plugin',
    description: 'Uploads logs of the core device and its components to Amazon CloudWatch Logs.',
    nucleus: '>=2.1.0 <2.16.0',
    configuration: { logsUploaderConfiguration: {}, periodicUploadIntervalSec: '300' },
    platforms: ['all'],
  }),
];

interface Facts {
  readonly type: string;
  readonly description: string;
  /** The nuclei that it runs with; without it every nucleus does. */
  readonly nucleus?: string;
  /** The kind of nucleus; the classic one unless it is said. */
  readonly runtime?: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly platforms: readonly string[];
}

function component(name: string, version: string, facts: Facts): Recipe {
  const { type, description, nucleus, runtime, configuration, platforms } = facts;
  const recipe = {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: name,
    ComponentVersion: version,
    ComponentType: type,
    ComponentDescription: description,
    ComponentPublisher: 'AWS',
    ComponentConfiguration: { DefaultConfiguration: configuration },
    ...(nucleus !== undefined && {
      ComponentDependencies: {
        'aws.greengrass.Nucleus': { VersionRequirement: nucleus, DependencyType: 'SOFT' },
      },
    }),
    Manifests: platforms.map((os) => ({ Platform: { os, ...(runtime !== undefined && { runtime }) } })),
  };
  return parseRecipe(Buffer.from(JSON.stringify(recipe)));
}

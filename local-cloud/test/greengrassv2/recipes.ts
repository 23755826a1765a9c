/** Recipes in the shapes of the developer guide's component recipe reference, by what they show. */
export const DOCUMENTED_RECIPES: Readonly<Record<string, string>> = {
  'a component for Linux and Windows': `---
RecipeFormatVersion: '2020-01-25'
ComponentName: com.example.HelloWorld
ComponentVersion: 1.0.0
ComponentDescription: My first component.
ComponentPublisher: Example
ComponentConfiguration:
  DefaultConfiguration:
    Message: world
    accessControl:
      aws.greengrass.ipc.pubsub:
        com.example.HelloWorld:pubsub:1:
          policyDescription: Allows access to publish to all topics.
          operations: ['aws.greengrass#PublishToTopic']
          resources: ['*']
Manifests:
  - Name: Linux
    Platform:
      os: linux
    Lifecycle:
      Run: |
        python3 -u {artifacts:path}/hello_world.py "{configuration:/Message}"
    Artifacts:
      - URI: "docker:000000000000.dkr.ecr.eu-central-1.amazonaws.com/hello@sha256:0000"
  - Name: Windows
    Platform:
      os: windows
    Lifecycle:
      Run: py -3 -u {artifacts:path}/hello_world.py "{configuration:/Message}"
`,
  'nested lifecycles, environment, skipif and timeouts': `---
RecipeFormatVersion: 2020-01-25
ComponentName: com.example.Lifecycle
ComponentVersion: '2.1.0-beta.1'
ComponentType: aws.greengrass.generic
ComponentDependencies:
  aws.greengrass.Nucleus:
    VersionRequirement: '>=2.0.0 <3.0.0'
    DependencyType: SOFT
  com.example.Base: { VersionRequirement: ^1.0 }
Manifests:
  - Platform:
      os: /darwin|linux/
      architecture: amd64
      runtime: '*'
    Selections: [fast, debug]
    Artifacts: []
  - Platform: { os: all }
Lifecycle:
  Setenv:
    PATHS: "{artifacts:decompressedPath}/bin"
    Retries: 3
  install:
    Skipif: onpath git
    RequiresPrivilege: true
    Timeout: 120
    Script: apt-get install git
  bootstrap:
    BootstrapOnRollback: true
    Script: exit 100
  startup:
    fast: { Script: ./start --fast, Setenv: { MODE: fast } }
    all: ./start
  recover: ./recover
  shutdown: { Script: ./stop, Timeout: 5 }
`,
  'artifacts that are unarchived, with permissions, in JSON': JSON.stringify({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'com.example.Artifacts',
    ComponentVersion: '1.0.0',
    ComponentConfiguration: { DefaultConfiguration: { list: [1, 2.5, null, { deep: true }] } },
    Manifests: [
      {
        Platform: { os: 'linux', 'architecture.detail': 'arm8' },
        Lifecycle: { Run: { Script: '{artifacts:decompressedPath}/a/run', RequiresPrivilege: false } },
        Artifacts: [
          {
            URI: 's3://bucket/a.zip',
            Unarchive: 'ZIP',
            Permission: { Read: 'ALL', Execute: 'OWNER' },
          },
        ],
      },
    ],
  }),
  'a component without manifests': `
RecipeFormatVersion: "2020-01-25"
ComponentName: com.example.Virtual
ComponentVersion: 0.1.0
ComponentDependencies:
  com.example.A:
    VersionRequirement: "~1.0"
`,
};

/** Names of the cloud resources that devices, functions and commands look up by name. */
export const names = {
  thingGroup: 'GreengrassGroup',
  /** Attribute of things that says which group they belong to, also while the group is not there. */
  fleetAttribute: 'fleet',
  provisioningTemplate: 'GreengrassFleetProvisioningTemplate',
  devicePolicy: 'GreengrassV2IoTThingPolicy',
  claimPolicy: 'GreengrassProvisioningClaimPolicy',
  tokenExchangeRole: 'GreengrassV2TokenExchangeRole',
  roleAlias: 'GreengrassCoreTokenExchangeRoleAlias',
  allowlistFunction: 'GreengrassAllowlistHook',
  csrRule: 'CsrTrigger',
  certificateAckRule: 'CrtAckTrigger',
  certificateExpiringTopic: 'device_certificate_expiring',
  /** Asks devices for signing requests: of an audit's findings, or by name. */
  rotationRequestFunction: 'GreengrassRotationRequest',
  /** Signs the certificates that devices ask for. */
  csrFunction: 'GreengrassCsrSigner',
  /** Retires certificates that were replaced. */
  certificateRetirementFunction: 'GreengrassCertificateRetirement',
  certificateAudit: 'DeviceCertificateExpiring',
  /** The SQS queue of events that the rotation could not handle. */
  rotationDeadLetters: 'certificate_rotation_dead_letters',
  /** Named shadow of each thing with its `RotationState`. */
  rotationShadow: 'certificate_rotation',
  /** Stores what the devices' LEDs tell; its first topic level after the rule's name is the thing. */
  telemetryRule: 'Telemetry',
  /** DynamoDB table of {@link TelemetryItem}s. */
  telemetryTable: 'mooring_telemetry',
  /** DynamoDB table of {@link EventItem}s. */
  eventsTable: 'mooring_events',
  /** What AWS IoT assumes to write the two tables. */
  telemetryRole: 'GreengrassTelemetryRole',
  eventsRole: 'GreengrassFleetEventsRole',
  /** What AWS IoT assumes to write its own log. */
  iotLoggingRole: 'GreengrassIotLoggingRole',
  /** The functions behind the dashboard. */
  dashboardSession: 'GreengrassDashboardSession',
  dashboardReader: 'GreengrassDashboardReader',
  dashboardOperator: 'GreengrassDashboardOperator',
  /** Cognito: who may sign in, and the groups that say what they may do. */
  dashboardUserPool: 'mooring-dashboard',
  dashboardIdentityPool: 'mooring_dashboard',
  /** The roles of the dashboard's visitors. */
  viewersRole: 'GreengrassDashboardViewers',
  operatorsRole: 'GreengrassDashboardOperators',
  viewersGroup: 'viewers',
  operatorsGroup: 'operators',
  /** Prefix of the names of what CloudFront has of the dashboard. */
  dashboardSite: 'mooring-dashboard',
  /** The AWS IoT policy of signed-in visitors; what each may do of it, the role says. */
  dashboardPolicy: 'GreengrassDashboardPolicy',
  /** The role that workflows assume, and the prefix of its policies' names. */
  pipelineRole: 'MooringPipeline',
  /** The managed policy that limits what the roles which the pipeline makes can be allowed. */
  rolesBoundary: 'MooringPipelineBoundary',
} as const;

/** The rules that write {@link names.eventsTable}. */
export const eventRules = {
  presence: 'FleetPresence',
  things: 'FleetThings',
  deployments: 'FleetDeployments',
  rotationRequested: 'FleetRotationRequested',
  rotationCompleted: 'FleetRotationCompleted',
} as const;

/**
 * The roles that the infrastructure makes; the pipeline may make these and no others. Their names are those of the
 * whole account, whatever the region.
 */
export const roleNames = [
  names.tokenExchangeRole,
  'GreengrassFleetProvisioningRole',
  'GreengrassRotationRulesRole',
  'GreengrassAuditNotificationRole',
  'GreengrassCertificateAuditRole',
  `${names.allowlistFunction}Role`,
  `${names.rotationRequestFunction}Role`,
  `${names.csrFunction}Role`,
  `${names.certificateRetirementFunction}Role`,
  names.telemetryRole,
  names.eventsRole,
  names.iotLoggingRole,
  `${names.dashboardSession}Role`,
  `${names.dashboardReader}Role`,
  `${names.dashboardOperator}Role`,
  names.viewersRole,
  names.operatorsRole,
] as const;

/** The tokens that GitHub gives to jobs of workflows: who issues them, and for whom. */
export const workflowTokens = {
  issuer: 'token.actions.githubusercontent.com',
  audience: 'sts.amazonaws.com',
} as const;

/** Tags of the pipeline's role, which say what the account is for. */
export const accountTags = { stack: 'mooring:stack', region: 'mooring:region' } as const;

/** Parameters that a device sends with RegisterThing. */
export const provisioningParameters = { serialNumber: 'SerialNumber' } as const;

/** Greengrass component names, each with its folder in `components/`. */
export const componentNames = {
  led: 'docker_led',
  button: 'docker_button',
  certificateRotator: 'docker_certificate_rotator',
  corrupt: 'docker_corrupt',
  osUpdate: 'os_update',
} as const;

/** The components that are container images: each has an ECR repository of its name. */
export const containerComponents = [
  componentNames.led,
  componentNames.button,
  componentNames.certificateRotator,
  componentNames.corrupt,
] as const;

/**
 * Groups of CloudWatch Logs. Those that `aws.greengrass.LogManager` writes to (Greengrass developer guide, "Log
 * manager"): one for each component, and one for the core software. And what rules could not store, and AWS IoT's own log, whose
 * name is AWS's.
 */
export const logGroups = {
  rules: '/mooring/rules',
  iot: 'AWSIotLogsV2',
  prefix: '/aws/greengrass/',
  component: (region: string, component: string) => `/aws/greengrass/UserComponent/${region}/${component}`,
  system: (region: string) => `/aws/greengrass/GreengrassSystemComponent/${region}/System`,
} as const;

/** Tags of Greengrass component versions. */
export const componentTags = {
  /** SHA-256 of what the version was made of. */
  content: 'mooring:content',
  /** Where the version's image is, `host[:port]/repository`: an address that is baked into its recipe. */
  registry: 'mooring:registry',
  /** That the version did not run on the devices, since when, and on how many: it is not deployed any more. */
  broken: 'mooring:broken',
} as const;

/**
 * S3 bucket names, global on AWS, hence the account and the region in them.
 *
 * - `bootstrap`: made before anything else, outlives the infrastructure; its state, function bundles, claims.
 * - `provisioning`: claim certificate, provisioning configuration and the allowlist.
 * - `artifacts`: component artifacts.
 * - `images`: the images that devices are flashed with. Each has a claim in it, so they are as secret as that.
 * - `dashboard`: the files of the web page.
 */
export function bucketNames(account: string, region: string) {
  return {
    bootstrap: `mooring-bootstrap-${account}-${region}`,
    provisioning: `mooring-provisioning-${account}-${region}`,
    artifacts: `mooring-artifacts-${account}-${region}`,
    images: `mooring-images-${account}-${region}`,
    dashboard: `mooring-dashboard-${account}-${region}`,
  } as const;
}

/** Object keys in the buckets of {@link bucketNames}. */
export const objectKeys = {
  /** In `provisioning`: the serial numbers that may join, as {@link parseAllowlist} reads them. */
  allowlist: 'allowlist.txt',
  /** In `provisioning`: {@link AllowlistChanges}. */
  allowlistChanges: 'allowlist-changes.json',
  /** In `provisioning`: {@link ProvisioningConfig}. */
  provisioningConfig: 'provisioning.json',
  claimCertificate: 'claim/certificate.pem.crt',
  claimPrivateKey: 'claim/private.pem.key',
  rootCa: 'claim/root-ca.pem',
  /** In `artifacts`: a file of a component's version. */
  componentArtifact: (component: string, version: string, file: string) => `${component}/${version}/${file}`,
  /** In `images`: an image, named by the SHA-256 of its content. */
  osImage: (target: string, sha256: string, file: string) => `${target}/${sha256}/${file}`,
  /** In `images`: which image of a target is the newest. */
  osImageManifest: (target: string) => `${target}/manifest.json`,
  /** In `bootstrap`, which outlives the infrastructure: which claim certificates there are. */
  claimIndex: 'claims/claims.json',
  /** In `bootstrap`: a claim certificate and its key, for as long as it is not withdrawn. */
  keptClaimCertificate: (certificateId: string) => `claims/${certificateId}/certificate.pem.crt`,
  keptClaimPrivateKey: (certificateId: string) => `claims/${certificateId}/private.pem.key`,
  /** In `bootstrap`: which stack the account is for. */
  accountMarker: 'account.json',
  /** In `bootstrap`: the zip of a function, named by the SHA-256 of its content. */
  functionBundle: (name: string, sha256: string) => `functions/${name}/${sha256}.zip`,
} as const;

/** Names of the cloud resources that devices, functions and commands look up by name. */
export const names = {
  thingGroup: 'GreengrassGroup',
  provisioningTemplate: 'GreengrassFleetProvisioningTemplate',
  devicePolicy: 'GreengrassV2IoTThingPolicy',
  claimPolicy: 'GreengrassProvisioningClaimPolicy',
  tokenExchangeRole: 'GreengrassV2TokenExchangeRole',
  roleAlias: 'GreengrassCoreTokenExchangeRoleAlias',
  allowlistFunction: 'GreengrassAllowlistHook',
  csrRule: 'CsrTrigger',
  certificateAckRule: 'CrtAckTrigger',
  certificateExpiringTopic: 'device_certificate_expiring',
} as const;

/** Parameters that a device sends with RegisterThing. */
export const provisioningParameters = { serialNumber: 'SerialNumber' } as const;

/** Greengrass component names, each with its folder in `components/`. */
export const componentNames = { led: 'docker_led', button: 'docker_button' } as const;

/**
 * S3 bucket names, global on AWS, hence the account and the region in them.
 *
 * - `bootstrap`: made before anything else; infrastructure state and function bundles.
 * - `provisioning`: claim certificate, provisioning configuration and the allowlist.
 * - `artifacts`: component artifacts.
 */
export function bucketNames(account: string, region: string) {
  return {
    bootstrap: `mooring-bootstrap-${account}-${region}`,
    provisioning: `mooring-provisioning-${account}-${region}`,
    artifacts: `mooring-artifacts-${account}-${region}`,
  } as const;
}

/** Object keys in the buckets of {@link bucketNames}. */
export const objectKeys = {
  /** In `provisioning`: the serial numbers that may join, as {@link parseAllowlist} reads them. */
  allowlist: 'allowlist.txt',
  /** In `provisioning`: {@link ProvisioningConfig}. */
  provisioningConfig: 'provisioning.json',
  claimCertificate: 'claim/certificate.pem.crt',
  claimPrivateKey: 'claim/private.pem.key',
  rootCa: 'claim/root-ca.pem',
  /** In `bootstrap`: the zip of a function, named by the SHA-256 of its content. */
  functionBundle: (name: string, sha256: string) => `functions/${name}/${sha256}.zip`,
} as const;

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mqttEndpoint, parseEndpoint } from '../../src/config/endpoint.js';
import { parseInitConfig } from '../../src/config/init-config.js';
import { DeviceError } from '../../src/errors.js';

const CLAIM = `
services:
  aws.greengrass.Nucleus:
    version: "2.15.0"
  aws.greengrass.FleetProvisioningByClaim:
    configuration:
      rootPath: "/greengrass/v2"
      awsRegion: "us-west-2"
      iotDataEndpoint: "device-data-prefix-ats.iot.us-west-2.amazonaws.com"
      iotCredentialEndpoint: "device-credentials-prefix.credentials.iot.us-west-2.amazonaws.com"
      iotRoleAlias: "GreengrassCoreTokenExchangeRoleAlias"
      provisioningTemplate: "GreengrassFleetProvisioningTemplate"
      claimCertificatePath: "claim-certs/claim.pem.crt"
      claimCertificatePrivateKeyPath: "/greengrass/v2/claim-certs/claim.private.pem.key"
      rootCaPath: "/greengrass/v2/AmazonRootCA1.pem"
      templateParameters:
        ThingName: "MyGreengrassCore"
        Slot: 3
`;

function problem(text: string): string {
  try {
    parseInitConfig(text, '/etc/config.yaml');
  } catch (error) {
    if (error instanceof DeviceError) return error.message;
    throw error;
  }
  return 'none';
}

describe('config.yaml', () => {
  it("takes AWS's own example for claim provisioning", () => {
    const config = parseInitConfig(CLAIM, '/etc/config.yaml');
    expect(config.claim).toMatchObject({
      provisioningTemplate: 'GreengrassFleetProvisioningTemplate',
      claimCertificatePath: '/etc/claim-certs/claim.pem.crt',
      templateParameters: { ThingName: 'MyGreengrassCore', Slot: '3' },
    });
  });

  it("takes AWS's own example for a device provisioned by hand, either way of writing rootpath", () => {
    for (const key of ['rootpath', 'rootPath']) {
      const config = parseInitConfig(
        `system:\n  ${key}: /gg\n  thingName: T\n  certificateFilePath: /c\n  privateKeyPath: /k\n  rootCaPath: /r\n` +
          'services:\n  aws.greengrass.Nucleus:\n    configuration:\n      awsRegion: x\n      mqtt: { port: "443" }\n',
        '/etc/config.yaml',
      );
      expect(config.system).toMatchObject({ rootpath: '/gg', thingName: 'T' });
      expect(config.nucleus.mqtt?.port).toBe(443);
    }
  });

  const plugin = 'services.aws.greengrass.FleetProvisioningByClaim.configuration';
  it.each([
    [
      CLAIM.replace(/.*provisioningTemplate.*\n/, ''),
      `/etc/config.yaml: ${plugin}.provisioningTemplate is missing.`,
    ],
    [
      CLAIM.replace(/.*claimCertificatePath.*\n/, ''),
      `/etc/config.yaml: ${plugin}.claimCertificatePath is missing.`,
    ],
    [CLAIM.replace(/"us-west-2"/, '""'), `/etc/config.yaml: ${plugin}.awsRegion is empty.`],
    [
      CLAIM.replace(/"device-data-[^"]*"/, '"https://x/"'),
      `/etc/config.yaml: ${plugin}.iotDataEndpoint is not a host or host:port.`,
    ],
    [
      CLAIM.replace('rootPath:', 'mqttPort: 70000\n      rootPath:'),
      new RegExp(`^/etc/config.yaml: ${plugin}.mqttPort is wrong: `),
    ],
    [
      CLAIM.replace('rootPath:', 'proxyUrl: http://p\n      rootPath:'),
      `/etc/config.yaml: ${plugin}.proxyUrl is set, but proxies are not built.`,
    ],
    [
      CLAIM.replace('rootPath:', 'csrPath: a\n      rootPath:'),
      `/etc/config.yaml: ${plugin} needs both csrPath and csrPrivateKeyPath, or neither.`,
    ],
    ['- a\n- b', /^\/etc\/config.yaml: the document is wrong: expected object, received array\.$/],
    ['a: [', /^The configuration \/etc\/config.yaml is not YAML: /],
  ])('names the file and the key: %#', (text, message) => {
    expect(problem(text)).toMatch(
      typeof message === 'string'
        ? new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
        : message,
    );
  });

  it('fails on anything else only with an error of its own', () => {
    fc.assert(fc.property(fc.string(), (text) => void problem(text)));
    fc.assert(fc.property(fc.json(), (text) => void problem(text)));
  });
});

describe('endpoints', () => {
  it('reads host, port and IPv6', () => {
    expect(parseEndpoint('a.example:1', 8883)).toEqual({ host: 'a.example', port: 1 });
    expect(parseEndpoint('[::1]', 8883)).toEqual({ host: '::1', port: 8883 });
    expect(parseEndpoint('a:70000', 1)).toBeUndefined();
    expect(mqttEndpoint('a:1', 2)).toEqual({ host: 'a', port: 2 });
    expect(mqttEndpoint('a:1', undefined)).toEqual({ host: 'a', port: 1 });
  });

  it('is total', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const endpoint = parseEndpoint(text, 8883);
        if (endpoint) expect(endpoint.port).toBeGreaterThan(0);
      }),
    );
  });
});

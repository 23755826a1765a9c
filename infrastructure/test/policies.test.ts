import { names, topics } from '@mooring/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimPolicyDocument } from '../src/claim-policy.js';
import { devicePolicyDocument } from '../src/device-policy.js';
import { PLACE } from './evaluate.js';
import { allows } from './policy-matcher.js';

/** The longest name of a commercial region. */
const FAR = { ...PLACE, region: 'ap-southeast-1' };
const device = devicePolicyDocument(PLACE);
const claim = claimPolicyDocument(PLACE);
const iot = (resource: string) => `arn:aws:iot:eu-west-1:123456789012:${resource}`;
const greengrass = (resource: string, account = '123456789012') =>
  `arn:aws:greengrass:eu-west-1:${account}:${resource}`;
const as = (thing: string) => ({
  'iot:Connection.Thing.ThingName': thing,
  'iot:Connection.Thing.IsAttached': 'true',
});
const may = (action: string, resource: string, thing = 'A1') =>
  allows(device, { action, resource: iot(resource), variables: as(thing) });

/** Each topic that a device publishes to, and each that it subscribes to and receives from. */
const PUBLISHES = (thing: string) => [
  topics.frequency(thing),
  topics.button(thing),
  topics.telemetry(thing),
  topics.csrResponse(thing),
  topics.certificateAck(thing),
  `$aws/things/${thing}/jobs/$next/namespace-aws-gg-deployment/get`,
  `$aws/things/${thing}/jobs/9c1e/namespace-aws-gg-deployment/update`,
  `$aws/things/${thing}/shadow/name/AWSManagedGreengrassV2Deployment/get`,
  `$aws/things/${thing}/shadow/name/AWSManagedGreengrassV2Deployment/update`,
  `$aws/things/${thing}/shadow/update`,
  `$aws/things/${thing}/greengrassv2/health/json`,
  `$aws/things/${thing}/greengrass/health/json`,
];
const SUBSCRIBES = (thing: string) => [
  topics.setFrequency(thing),
  topics.pressButton(thing),
  topics.csrRequest(thing),
  topics.certificate(thing),
  topics.certificateDone(thing),
  `$aws/things/${thing}/jobs/$next/namespace-aws-gg-deployment/get/accepted`,
  `$aws/things/${thing}/jobs/9c1e/namespace-aws-gg-deployment/update/rejected`,
  `$aws/things/${thing}/jobs/notify-namespace-aws-gg-deployment`,
  `$aws/things/${thing}/jobs/notify-next-namespace-aws-gg-deployment`,
  `$aws/things/${thing}/shadow/name/AWSManagedGreengrassV2Deployment/get/accepted`,
  `$aws/things/${thing}/shadow/name/AWSManagedGreengrassV2Deployment/update/rejected`,
];

describe('the device policy', () => {
  it('fits into the 2048 characters that AWS IoT allows', () => {
    expect(JSON.stringify(devicePolicyDocument(FAR)).length).toBeLessThanOrEqual(2048);
  });

  it.each(['A1', 'A1#2', 'A1#50', 'A1#endpoint-switch'])('lets the thing A1 connect as %s', (client) => {
    expect(may('iot:Connect', `client/${client}`)).toBe(true);
  });

  it.each(['A2', 'A11', 'A1-2', 'a1', ''])('does not let the thing A1 connect as "%s"', (client) => {
    expect(may('iot:Connect', `client/${client}`)).toBe(false);
  });

  it('lets nobody connect with a certificate that is not attached to the thing', () => {
    for (const attached of ['false', undefined]) {
      const variables = {
        'iot:Connection.Thing.ThingName': 'A1',
        ...(attached !== undefined && { 'iot:Connection.Thing.IsAttached': attached }),
      };
      expect(allows(device, { action: 'iot:Connect', resource: iot('client/A1'), variables })).toBe(false);
    }
  });

  it('allows the topics of the contracts and of Greengrass, in their direction only', () => {
    for (const topic of PUBLISHES('A1')) expect(may('iot:Publish', `topic/${topic}`), topic).toBe(true);
    for (const topic of SUBSCRIBES('A1')) {
      expect(may('iot:Subscribe', `topicfilter/${topic}`), topic).toBe(true);
      expect(may('iot:Receive', `topic/${topic}`), topic).toBe(true);
    }
    expect(may('iot:Publish', `topic/${topics.setFrequency('A1')}`)).toBe(false);
    expect(may('iot:Subscribe', `topicfilter/${topics.frequency('A1')}`)).toBe(false);
    expect(may('iot:Receive', `topic/${topics.frequency('A1')}`)).toBe(false);
  });

  it('lets the device read how far its rotation is, and never say so itself', () => {
    const shadow = `$aws/things/A1/shadow/name/${names.rotationShadow}`;
    for (const operation of ['get', 'update', 'delete']) {
      expect(may('iot:Publish', `topic/${shadow}/${operation}`), operation).toBe(false);
    }
    expect(may('iot:Subscribe', `topicfilter/${shadow}/update/accepted`)).toBe(true);
    for (const action of ['iot:UpdateThingShadow', 'iot:DeleteThingShadow']) {
      expect(may(action, `thing/A1/${names.rotationShadow}`)).toBe(false);
    }
    expect(may('iot:Publish', `topic/${shadow}_2/update`)).toBe(true);
  });

  it('allows no topic of another thing, whatever the names', () => {
    const thingName = fc.stringMatching(/^[a-zA-Z0-9:_-]{1,20}$/);
    fc.assert(
      fc.property(thingName, thingName, (own, other) => {
        fc.pre(own !== other);
        for (const topic of PUBLISHES(other)) {
          expect(may('iot:Publish', `topic/${topic}`, own)).toBe(false);
        }
        for (const topic of SUBSCRIBES(other)) {
          expect(may('iot:Subscribe', `topicfilter/${topic}`, own)).toBe(false);
          expect(may('iot:Receive', `topic/${topic}`, own)).toBe(false);
        }
        expect(may('iot:Connect', `client/${other}`, own)).toBe(false);
        expect(may('iot:Connect', `client/${other}#2`, own)).toBe(false);
      }),
    );
  });

  it.each([
    '#',
    '+/+/frequency',
    'device/+/frequency',
    'device/#',
    'lambda/#',
    '$aws/things/+/shadow/get',
    '$aws/#',
  ])('allows no subscription to %s', (filter) => {
    expect(may('iot:Subscribe', `topicfilter/${filter}`)).toBe(false);
  });

  it.each([
    '$aws/certificates/create/json',
    '$aws/events/presence/connected/A1',
    '$aws/rules/CsrTrigger',
    '$aws/rules/CsrTrigger/A1/telemetry',
    `$aws/rules/${names.telemetryRule}/A1`,
    `$aws/rules/${names.telemetryRule}/A2/telemetry`,
    `$aws/rules/${names.telemetryRule}/A1/A2/telemetry`,
    'device/button',
  ])('does not allow to publish to %s', (topic) => {
    expect(may('iot:Publish', `topic/${topic}`)).toBe(false);
  });

  it('allows the Greengrass data plane and this fleet’s role alias, without thing variables', () => {
    const call = (action: string, resource: string) => allows(device, { action, resource });
    const component = 'components:docker_led:versions:1.0.0';
    expect(call('greengrass:ResolveComponentCandidates', greengrass(component))).toBe(true);
    expect(call('greengrass:GetComponentVersionArtifact', greengrass(component))).toBe(true);
    expect(
      call(
        'greengrass:GetComponentVersionArtifact',
        greengrass('components:aws.greengrass.Nucleus:versions:2.14.0', 'aws'),
      ),
    ).toBe(true);
    expect(call('greengrass:GetComponentVersionArtifact', greengrass(component, '999999999999'))).toBe(false);
    expect(call('greengrass:ListThingGroupsForCoreDevice', greengrass('coreDevices:A1'))).toBe(true);
    expect(call('greengrass:GetDeploymentConfiguration', greengrass('coreDevices:A1'))).toBe(true);
    expect(call('greengrass:DeleteCoreDevice', greengrass('coreDevices:A1'))).toBe(false);
    expect(call('iot:AssumeRoleWithCertificate', iot(`rolealias/${names.roleAlias}`))).toBe(true);
    expect(call('iot:AssumeRoleWithCertificate', iot('rolealias/Other'))).toBe(false);
  });
});

describe('the claim policy', () => {
  const uuid = '0b6c1d3e-3c1f-4e0a-9f57-1f1d7a6f2c11';
  const template = `$aws/provisioning-templates/${names.provisioningTemplate}/provision/json`;
  const requests = ['$aws/certificates/create/json', '$aws/certificates/create-from-csr/json', template];
  const claimMay = (action: string, resource: string) => allows(claim, { action, resource: iot(resource) });

  it('fits into the 2048 characters that AWS IoT allows', () => {
    expect(JSON.stringify(claimPolicyDocument(FAR)).length).toBeLessThanOrEqual(2048);
  });

  it('connects under a UUID, and never under the name of a device', () => {
    expect(claimMay('iot:Connect', `client/${uuid}`)).toBe(true);
    expect(claimMay('iot:Connect', `client/claim-${uuid}`)).toBe(true);
    expect(claimMay('iot:Connect', `client/test-${uuid}`)).toBe(true);
    for (const client of ['1000000000000001', '1000000000000001#2', 'A1', `${uuid}x`, 'claim-1']) {
      expect(claimMay('iot:Connect', `client/${client}`), client).toBe(false);
    }
  });

  it('allows the fleet provisioning requests and their answers', () => {
    for (const topic of requests) {
      expect(claimMay('iot:Publish', `topic/${topic}`)).toBe(true);
      for (const answer of ['accepted', 'rejected']) {
        expect(claimMay('iot:Subscribe', `topicfilter/${topic}/${answer}`)).toBe(true);
        expect(claimMay('iot:Receive', `topic/${topic}/${answer}`)).toBe(true);
      }
    }
  });

  it('allows nothing else', () => {
    const other = '$aws/provisioning-templates/Other/provision/json';
    for (const topic of [
      other,
      topics.frequency('A1'),
      topics.setFrequency('A1'),
      '$aws/things/A1/shadow/get',
    ]) {
      expect(claimMay('iot:Publish', `topic/${topic}`), topic).toBe(false);
      expect(claimMay('iot:Subscribe', `topicfilter/${topic}`), topic).toBe(false);
      expect(claimMay('iot:Receive', `topic/${topic}`), topic).toBe(false);
    }
    expect(claimMay('iot:Publish', `topic/${template}/accepted`)).toBe(false);
    expect(claimMay('iot:AssumeRoleWithCertificate', `rolealias/${names.roleAlias}`)).toBe(false);
  });
});

import { names, provisioningParameters } from '@mooring/contracts';

/**
 * The body of the fleet provisioning template (AWS IoT developer guide, "Provisioning templates"): a thing
 * named by its serial number, in the fleet's group and marked as the fleet's, with the certificate made active and attached to this
 * thing exclusively, and the device policy attached to the certificate.
 */
export function provisioningTemplateBody(): string {
  return JSON.stringify({
    Parameters: {
      [provisioningParameters.serialNumber]: { Type: 'String' },
      'AWS::IoT::Certificate::Id': { Type: 'String' },
    },
    Resources: {
      thing: {
        Type: 'AWS::IoT::Thing',
        Properties: {
          ThingName: { Ref: provisioningParameters.serialNumber },
          ThingGroups: [names.thingGroup],
          AttributePayload: { [names.fleetAttribute]: names.thingGroup },
        },
        OverrideSettings: { ThingGroups: 'REPLACE', AttributePayload: 'MERGE' },
      },
      certificate: {
        Type: 'AWS::IoT::Certificate',
        Properties: {
          CertificateId: { Ref: 'AWS::IoT::Certificate::Id' },
          Status: 'ACTIVE',
          ThingPrincipalType: 'EXCLUSIVE_THING',
        },
      },
      policy: {
        Type: 'AWS::IoT::Policy',
        Properties: { PolicyName: names.devicePolicy },
      },
    },
  });
}

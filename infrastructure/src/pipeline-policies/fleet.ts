import { bucketNames, names } from '@mooring/contracts';
import { arn, bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** Devices, their certificates and what lets them join. */
export function fleetStatements(place: Place): Statement[] {
  const of = (resource: string) => arn(place, 'iot', resource);
  const group = of(`thinggroup/${names.thingGroup}`);
  const { provisioning, images } = bucketNames(place.account, place.region);
  return [
    // Claim certificate, endpoints and allowlist: written by `provision`, read by the build of the image.
    allow(['s3:ListBucket'], [bucketArn(place, provisioning)]),
    allow(['s3:DeleteObject', 's3:GetObject', 's3:PutObject'], [bucketArn(place, provisioning, '*')]),
    // Images of devices: published, and the one before read.
    allow(['s3:ListBucket'], [bucketArn(place, images)]),
    allow(['s3:GetObject', 's3:PutObject'], [bucketArn(place, images, '*')]),
    // AWS IoT defines no resource for these actions.
    allow(
      [
        'iot:CreateCertificateFromCsr',
        'iot:DescribeAuditTask',
        'iot:DescribeEndpoint',
        'iot:ListAuditFindings',
        'iot:ListPrincipalThings',
        'iot:ListThings',
        'iot:StartOnDemandAuditTask',
      ],
      ['*'],
    ),
    // Ids of certificates are hashes, unknown beforehand.
    allow(
      [
        'iot:AttachPolicy',
        'iot:DeleteCertificate',
        'iot:DescribeCertificate',
        'iot:DetachPolicy',
        'iot:DetachThingPrincipal',
        'iot:ListAttachedPolicies',
        'iot:ListPrincipalThings',
        'iot:UpdateCertificate',
      ],
      [of('cert/*')],
    ),
    // Things are named by serial numbers, which the allowlist decides on.
    allow(
      [
        'iot:AddThingToThingGroup',
        'iot:DeleteThing',
        'iot:DeleteThingShadow',
        'iot:DescribeThing',
        'iot:DetachThingPrincipal',
        'iot:GetThingConnectivityData',
        'iot:GetThingShadow',
        'iot:ListNamedShadowsForThing',
        'iot:ListThingPrincipals',
        'iot:UpdateThing',
      ],
      [of('thing/*')],
    ),
    allow(['iot:DeleteConnection'], [of('client/*')]),
    allow(['iot:AddThingToThingGroup', 'iot:ListThingsInThingGroup'], [group]),
    allow(
      ['greengrass:DeleteCoreDevice', 'greengrass:GetCoreDevice', 'greengrass:ListInstalledComponents'],
      [arn(place, 'greengrass', 'coreDevices:*')],
    ),
    allow(['lambda:InvokeFunction'], [arn(place, 'lambda', `function:${names.rotationRequestFunction}`)]),
  ];
}

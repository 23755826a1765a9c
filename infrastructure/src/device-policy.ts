import { names } from '@mooring/contracts';
import { arn, type Place } from './place.js';
import { type PolicyDocument, policyDocument } from './policy-document.js';

/**
 * The thing whose certificate made the connection. AWS resolves it for any client id because the
 * provisioning template attaches the certificate exclusively; it is empty outside of MQTT.
 */
const THING = '${iot:Connection.Thing.ThingName}';

/**
 * What a provisioned device may do: connect under its own name, use its own topics, shadows and jobs,
 * report its health, and call the Greengrass data plane and its role alias.
 *
 * AWS IoT limits the document to 2048 characters, hence few statements, each for several actions. An action never goes
 * with a kind of resource that is not its own (AWS IoT developer guide, "Action resources"): who may publish to
 * `topic/…` and subscribe to `topicfilter/…` may do nothing else by the one statement that says both.
 */
export function devicePolicyDocument(place: Place): PolicyDocument {
  const iot = (resource: string) => arn(place, 'iot', resource);
  return policyDocument(
    {
      // A core opens further connections as `{thing}#2` and so on.
      Effect: 'Allow',
      Action: 'iot:Connect',
      Resource: [iot(`client/${THING}`), iot(`client/${THING}#*`)],
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
    },
    {
      // Shadows, classic and named, and jobs with Greengrass's namespaced topics: requests and answers. Subscribing, it
      // hears these and what the cloud tells its components.
      Effect: 'Allow',
      Action: ['iot:Publish', 'iot:Receive', 'iot:Subscribe'],
      Resource: [
        ...OWN_RESERVED.map((suffix) => iot(`topic/$aws/things/${THING}/${suffix}`)),
        ...[`device/${THING}/*`, ...OWN_RESERVED.map((suffix) => `$aws/things/${THING}/${suffix}`)].map(
          (filter) => iot(`topicfilter/${filter}`),
        ),
      ],
    },
    {
      Effect: 'Allow',
      Action: 'iot:Receive',
      Resource: iot(`topic/device/${THING}/*`),
    },
    {
      // How far its rotation is, the cloud says: `$aws/things/{thing}/shadow/name/…`. The wildcard keeps the document
      // short, and denies nothing else that a device may publish.
      Effect: 'Deny',
      Action: 'iot:Publish',
      Resource: iot(`topic/*/name/${names.rotationShadow}/*`),
    },
    {
      // What it publishes: to the cloud's functions, its health, and by Basic Ingest its telemetry. And calls over HTTPS,
      // each with a kind of resource of its own: they carry no thing variables, so the thing cannot be named. Components
      // are the fleet's own, and those that AWS publishes.
      Effect: 'Allow',
      Action: [
        'iot:Publish',
        'greengrass:GetComponentVersionArtifact',
        'greengrass:GetDeploymentConfiguration',
        'greengrass:ListThingGroupsForCoreDevice',
        'greengrass:ResolveComponentCandidates',
        'iot:AssumeRoleWithCertificate',
      ],
      Resource: [
        iot(`topic/lambda/${THING}/*`),
        iot(`topic/$aws/things/${THING}/greengrass*/health/json`),
        iot(`topic/$aws/rules/${names.telemetryRule}/${THING}/telemetry`),
        arn(place, 'greengrass', 'coreDevices:*'),
        arn(place, 'greengrass', 'components:*'),
        arn({ ...place, account: 'aws' }, 'greengrass', 'components:*'),
        iot(`rolealias/${names.roleAlias}`),
      ],
    },
  );
}

/** Below `$aws/things/{thing}/`. */
const OWN_RESERVED = ['shadow/*', 'jobs/*'] as const;

import { names } from '@mooring/contracts';
import { arn, type Place } from './place.js';
import { type PolicyDocument, policyDocument } from './policy-document.js';

/**
 * What the claim certificate, which every device image shares, may do: ask for a certificate and register a
 * thing through the fleet's one template, over the fleet provisioning MQTT API (AWS IoT developer guide,
 * "Device provisioning MQTT API"), in JSON. AWS IoT limits the
 * document to 2048 characters.
 */
export function claimPolicyDocument(place: Place): PolicyDocument {
  const iot = (resource: string) => arn(place, 'iot', resource);
  const requests = [
    '$aws/certificates/create/json',
    '$aws/certificates/create-from-csr/json',
    `$aws/provisioning-templates/${names.provisioningTemplate}/provision/json`,
  ];
  // `accepted` and `rejected`.
  const answers = requests.map((topic) => `${topic}/*`);
  return policyDocument(
    {
      Effect: 'Allow',
      Action: ['iot:Connect'],
      Resource: [iot(`client/*${UUID}`)],
    },
    { Effect: 'Allow', Action: ['iot:Publish'], Resource: requests.map((topic) => iot(`topic/${topic}`)) },
    {
      Effect: 'Allow',
      Action: ['iot:Subscribe'],
      Resource: answers.map((topic) => iot(`topicfilter/${topic}`)),
    },
    { Effect: 'Allow', Action: ['iot:Receive'], Resource: answers.map((topic) => iot(`topic/${topic}`)) },
  );
}

/**
 * Greengrass connects with a random UUID while it holds only the claim; the samples of the AWS IoT device SDKs
 * put a word before it. Nothing else is allowed: a client id that equals a thing's name would throw that device
 * off its connection.
 */
const UUID = [8, 4, 4, 4, 12].map((length) => '?'.repeat(length)).join('-');

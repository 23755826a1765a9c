import {
  type CoreDeviceStatus,
  GreengrassV2Client,
  ListCoreDevicesCommand,
} from '@aws-sdk/client-greengrassv2';
import { IoTClient } from '@aws-sdk/client-iot';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { temporaryDirectory } from '../iot/cloud.js';
import { atEnd } from '../support/at-end.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { type CoreDevice, coreDevice } from './core-device.js';

let cloud: LocalCloud;
let device: CoreDevice;

beforeAll(async () => {
  const { path, remove } = temporaryDirectory();
  atEnd(remove);
  cloud = await startCloud({ stateDirectory: path, log: () => {} });
  device = await coreDevice({ ...cloud, stateDirectory: path }, new IoTClient(clientConfig(cloud)), 'core');
});

const scope = 'test/20260101/eu-central-1/greengrass/aws4_request';

/** Sends a body that no SDK would; keys that were not issued here need no right signature. */
async function post(path: string, body: unknown): Promise<number> {
  const response = await fetch(`${cloud.endpointUrl}${path}`, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

const mostly = <T>(value: T) => fc.oneof({ arbitrary: fc.constant(value), weight: 4 }, fc.jsonValue());
const word = fc.oneof(
  fc.constantFrom('aws.greengrass.Cli', '2.15.0', '^2.0', 'os', 'linux', '*'),
  fc.string(),
);

test('deployments of any shape are taken or refused', async () => {
  const specification = fc.record(
    {
      componentVersion: mostly('2.15.0'),
      configurationUpdate: fc.oneof(
        fc.record({
          merge: fc.oneof(mostly('{"a":1}'), fc.json()),
          reset: fc.oneof(fc.array(word), fc.jsonValue()),
        }),
        fc.jsonValue(),
      ),
      runWith: fc.jsonValue(),
    },
    { requiredKeys: ['componentVersion'] },
  );
  const body = fc.record(
    {
      targetArn: mostly('arn:aws:iot:eu-central-1:000000000000:thing/core'),
      deploymentName: mostly('name'),
      components: fc.oneof(fc.record({ 'aws.greengrass.Cli': specification }), fc.jsonValue()),
      deploymentPolicies: fc.jsonValue(),
      iotJobConfiguration: fc.jsonValue(),
      parentTargetArn: fc.jsonValue(),
      tags: fc.jsonValue(),
    },
    { requiredKeys: ['targetArn'] },
  );
  await fc.assert(
    fc.asyncProperty(body, async (input) => {
      expect(await post('/greengrass/v2/deployments', input)).toBeOneOf([201, 400, 404, 501]);
    }),
    { numRuns: 60 },
  );
});

test('recipes and candidates of any shape are taken or refused', async () => {
  const candidates = fc.record(
    {
      platform: fc.oneof(fc.record({ attributes: fc.dictionary(word, word) }), fc.jsonValue()),
      componentCandidates: fc.oneof(
        fc.array(
          fc.record({
            componentName: mostly('aws.greengrass.Cli'),
            componentVersion: fc.jsonValue(),
            versionRequirements: fc.oneof(fc.dictionary(word, word), fc.jsonValue()),
          }),
        ),
        fc.jsonValue(),
      ),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(candidates, async (body) => {
      const { status } = await device.call('POST', '/greengrass/v2/resolveComponentCandidates', body);
      expect(status).toBeOneOf([200, 400, 404]);
    }),
    { numRuns: 60 },
  );
  await fc.assert(
    fc.asyncProperty(fc.record({ inlineRecipe: fc.jsonValue(), tags: fc.jsonValue() }), async (body) => {
      expect(await post('/greengrass/v2/createComponentVersion', body)).toBe(400);
    }),
    { numRuns: 40 },
  );
});

test('what devices report of their deployments may have any shape', async () => {
  const information = fc.record({
    status: fc.oneof(fc.constantFrom('SUCCEEDED', 'FAILED'), fc.jsonValue()),
    statusDetails: fc.oneof(
      fc.record({ errorStack: fc.jsonValue(), detailedStatus: fc.jsonValue() }),
      fc.jsonValue(),
    ),
    fleetConfigurationArnForStatus: fc.oneof(
      fc.constant('arn:aws:greengrass:eu-central-1:000000000000:configuration:thing/core:1'),
      fc.jsonValue(),
    ),
  });
  await fc.assert(
    fc.asyncProperty(information, async (deploymentInformation) => {
      await device.report({ deploymentInformation });
      const reported = { ...deploymentInformation };
      await device.publish('shadow/name/AWSManagedGreengrassV2Deployment/update', { state: { reported } });
    }),
    { numRuns: 40 },
  );
  const effective = await fetch(`${cloud.endpointUrl}/greengrass/v2/coreDevices/core/effectiveDeployments`, {
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` },
  });
  expect(effective.status).toBe(200);
});

test('null for a component of a deployment, and a status that there is not, are refused', async () => {
  const targetArn = 'arn:aws:iot:eu-central-1:000000000000:thing/core';
  const components = { 'aws.greengrass.Cli': null };
  expect(await post('/greengrass/v2/deployments', { targetArn, components })).toBe(400);
  expect(await post('/greengrass/v2/createComponentVersion', { inlineRecipe: '!not base64!' })).toBe(400);
  const greengrass = new GreengrassV2Client(clientConfig(cloud));
  const status = 'SICK' as CoreDeviceStatus;
  await expect(greengrass.send(new ListCoreDevicesCommand({ status }))).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining('[HEALTHY, UNHEALTHY]'),
  });
});

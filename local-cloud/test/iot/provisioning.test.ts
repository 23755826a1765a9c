import {
  CreateProvisioningTemplateVersionCommand,
  CreateThingTypeCommand,
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  RegisterThingCommand,
  UpdateProvisioningTemplateCommand,
  UpdateThingCommand,
} from '@aws-sdk/client-iot';
import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { FunctionInvoker } from '../../src/services/lambda/invoker.js';
import { type IotCloud, iotCloud } from './cloud.js';
import { connect, type Identity, iotClient, messages, newRequest, prepareFleet, TEMPLATE } from './fleet.js';

const CREATE = '$aws/certificates/create-from-csr/json';
const { csr, key } = await newRequest();
const CSR = { certificateSigningRequest: csr };
const PROVISION = '$aws/provisioning-templates/fleet/provision/json';
const HOOK = 'arn:aws:lambda:eu-central-1:000000000000:function:hook';

interface Answer {
  certificateOwnershipToken: string;
  certificateId: string;
  [member: string]: unknown;
}

/** A device that holds the claim, and asks one request at a time. */
async function claimant(cloud: IotCloud, claim: Identity, clientId: string) {
  const client: MqttClient = await connect(cloud, claim, clientId);
  await client.subscribeAsync(
    [CREATE, PROVISION].flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`]),
    { qos: 1 },
  );
  const received = messages(client);
  return {
    client,
    received,
    async ask(topic: string, payload: object | string): Promise<{ topic: string; body: Answer }> {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
      const answer = received.next();
      await client.publishAsync(topic, text, { qos: 1 });
      return (await answer) as { topic: string; body: Answer };
    },
  };
}

const invoking = (answer: FunctionInvoker['invoke']): FunctionInvoker => ({
  invoke: answer,
  invokeLater: async () => {},
});
const json = (value: unknown) => ({ payload: new TextEncoder().encode(JSON.stringify(value)) });

test('an ownership token expires after an hour, and its unused certificate goes with it', async () => {
  const clock = new ManualClock();
  const cloud = await iotCloud({ clock });
  const iot = iotClient(cloud);
  const claim = await prepareFleet(iot);
  const device = await claimant(cloud, claim, 'claim-1');
  const late = await device.ask(CREATE, CSR);
  const inTime = await device.ask(CREATE, CSR);
  expect(late.topic).toBe(`${CREATE}/accepted`);
  const registration = (token: string, serial: string) => ({
    certificateOwnershipToken: token,
    parameters: { SerialNumber: serial },
  });
  const accepted = await device.ask(PROVISION, registration(inTime.body.certificateOwnershipToken, 'a'));
  expect(accepted).toMatchObject({
    topic: `${PROVISION}/accepted`,
    body: { thingName: 'a', deviceConfiguration: {} },
  });
  device.client.end();

  clock.advance(60 * 60 * 1000 + 1);
  const again = await claimant(cloud, claim, 'claim-1');
  const rejected = await again.ask(PROVISION, registration(late.body.certificateOwnershipToken, 'b'));
  expect(rejected).toMatchObject({
    topic: `${PROVISION}/rejected`,
    body: {
      statusCode: 400,
      errorCode: 'InvalidCertificateOwnershipToken',
      errorMessage: expect.any(String),
    },
  });
  again.client.end();
  const { certificates } = await iot.send(new ListCertificatesCommand({}));
  const ids = certificates?.map(({ certificateId }) => certificateId);
  expect(ids).toContain(inTime.body.certificateId);
  expect(ids).not.toContain(late.body.certificateId);
});

test('answers go to the device that asked and to no other with the same claim', async () => {
  const cloud = await iotCloud();
  const claim = await prepareFleet(iotClient(cloud));
  const asking = await claimant(cloud, claim, 'claim-asking');
  const other = await claimant(cloud, claim, 'claim-other');
  const overheard: string[] = [];
  other.client.on('message', (topic) => overheard.push(topic));
  await Promise.all([asking.ask(CREATE, CSR), asking.ask(CREATE, CSR)]);
  // The other's own answer comes behind whatever it could have overheard.
  const own = await other.ask(CREATE, 'not JSON');
  expect(own).toMatchObject({ topic: `${CREATE}/rejected`, body: { errorCode: 'InvalidPayload' } });
  expect(overheard).toEqual([`${CREATE}/rejected`]);
  asking.client.end();
  other.client.end();
});

test.each<[string, FunctionInvoker | undefined]>([
  ['refuses', invoking(async () => json({ allowProvisioning: false }))],
  ['answers nonsense', invoking(async () => json('yes'))],
  ['fails', invoking(async () => ({ ...json({ errorMessage: 'broken' }), functionError: 'Unhandled' }))],
  ['does not exist', invoking(() => Promise.reject(new Error('Function not found')))],
  ['cannot be run', undefined],
])('a device is refused when the hook %s, and its certificate stays pending', async (_name, invoker) => {
  const cloud = await iotCloud({ ...(invoker && { invoker }) });
  const iot = iotClient(cloud);
  const claim = await prepareFleet(iot, HOOK);
  const device = await claimant(cloud, claim, 'claim-1');
  const { body: made } = await device.ask(CREATE, CSR);
  const { certificateOwnershipToken } = made;
  const rejected = await device.ask(PROVISION, {
    certificateOwnershipToken,
    parameters: { SerialNumber: 'a' },
  });
  expect(rejected).toMatchObject({
    topic: `${PROVISION}/rejected`,
    body: { statusCode: 403, errorCode: 'AccessDenied' },
  });
  device.client.end();
  const { certificateDescription } = await iot.send(
    new DescribeCertificateCommand({ certificateId: made.certificateId }),
  );
  expect(certificateDescription?.status).toBe('PENDING_ACTIVATION');
  await expect(iot.send(new DescribeThingCommand({ thingName: 'a' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const pending = { cert: String(made.certificatePem), key };
  await expect(connect(cloud, pending, 'a')).rejects.toThrow();
});

test('a hook that does not answer in five seconds refuses', async () => {
  const clock = new ManualClock();
  const asked = deferred();
  const cloud = await iotCloud({
    clock,
    invoker: invoking(() => {
      asked.resolve();
      return new Promise(() => {});
    }),
  });
  const claim = await prepareFleet(iotClient(cloud), HOOK);
  const device = await claimant(cloud, claim, 'claim-1');
  const { certificateOwnershipToken } = (await device.ask(CREATE, CSR)).body;
  const answer = device.ask(PROVISION, { certificateOwnershipToken, parameters: { SerialNumber: 'a' } });
  await asked.promise;
  clock.advance(5000);
  expect(await answer).toMatchObject({ topic: `${PROVISION}/rejected`, body: { errorCode: 'AccessDenied' } });
  device.client.end();
});

test('a hook is asked with what it has to know, and may override parameters', async () => {
  const requests: unknown[] = [];
  const cloud = await iotCloud({
    invoker: invoking(async (functionArn, payload, caller) => {
      requests.push({ functionArn, caller, ...(JSON.parse(new TextDecoder().decode(payload)) as object) });
      return json({ allowProvisioning: true, parameterOverrides: { SerialNumber: 'renamed' } });
    }),
  });
  const claim = await prepareFleet(iotClient(cloud), HOOK);
  const device = await claimant(cloud, claim, 'claim-1');
  const { body: made } = await device.ask(CREATE, CSR);
  const { certificateOwnershipToken } = made;
  const accepted = await device.ask(PROVISION, {
    certificateOwnershipToken,
    parameters: { SerialNumber: 'a' },
  });
  device.client.end();
  expect(accepted.body).toMatchObject({ thingName: 'renamed' });
  const templateArn = 'arn:aws:iot:eu-central-1:000000000000:provisioningtemplate/fleet';
  expect(requests).toEqual([
    {
      functionArn: HOOK,
      caller: { service: 'iot.amazonaws.com', sourceArn: templateArn },
      claimCertificateId: claim.certificateId,
      certificateId: made.certificateId,
      certificatePem: made.certificatePem,
      templateArn,
      clientId: 'claim-1',
      parameters: { SerialNumber: 'a' },
    },
  ]);
});

test('a failing registration leaves nothing behind', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const claim = await prepareFleet(iot);
  const { policy: _, ...resources } = TEMPLATE.Resources;
  const missing = { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'missing' } };
  await iot.send(
    new CreateProvisioningTemplateVersionCommand({
      templateName: 'fleet',
      templateBody: JSON.stringify({ ...TEMPLATE, Resources: { ...resources, missing } }),
      setAsDefault: true,
    }),
  );
  const device = await claimant(cloud, claim, 'claim-1');
  const { body: made } = await device.ask(CREATE, CSR);
  const request = {
    certificateOwnershipToken: made.certificateOwnershipToken,
    parameters: { SerialNumber: 'a' },
  };
  expect(await device.ask(PROVISION, request)).toMatchObject({
    topic: `${PROVISION}/rejected`,
    body: { statusCode: 404, errorCode: 'ResourceNotFound' },
  });
  await expect(iot.send(new DescribeThingCommand({ thingName: 'a' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  const { certificateDescription } = await iot.send(
    new DescribeCertificateCommand({ certificateId: made.certificateId }),
  );
  expect(certificateDescription?.status).toBe('PENDING_ACTIVATION');

  await iot.send(new UpdateProvisioningTemplateCommand({ templateName: 'fleet', defaultVersionId: 1 }));
  await iot.send(new UpdateProvisioningTemplateCommand({ templateName: 'fleet', enabled: false }));
  expect(await device.ask(PROVISION, request)).toMatchObject({ body: { errorCode: 'InvalidTemplate' } });
  await iot.send(new UpdateProvisioningTemplateCommand({ templateName: 'fleet', enabled: true }));
  expect(await device.ask(PROVISION, request)).toMatchObject({ body: { thingName: 'a' } });
  device.client.end();
});

test('RegisterThing of the control plane resolves functions and honours override settings', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  await prepareFleet(iot);
  await iot.send(new CreateThingTypeCommand({ thingTypeName: 'board' }));
  const body = (override: string) =>
    JSON.stringify({
      Parameters: { Serial: { Type: 'String' }, Site: { Type: 'String', Default: 'bern' } },
      Mappings: { names: { bern: { long: 'Bern' } } },
      Resources: {
        it: {
          Type: 'AWS::IoT::Thing',
          Properties: {
            ThingName: { 'Fn::Join': ['-', ['dev', { Ref: 'Serial' }]] },
            ThingTypeName: { 'Fn::Select': ['1', ['x', 'board']] },
            AttributePayload: {
              site: { 'Fn::Sub': '${Site}' },
              first: { 'Fn::Select': [0, { 'Fn::Split': ['.', { Ref: 'Serial' }] }] },
              long: { 'Fn::FindInMap': ['names', { Ref: 'Site' }, 'long'] },
            },
          },
          OverrideSettings: { AttributePayload: override },
        },
        allowed: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'device' } },
      },
    });
  const registered = await iot.send(
    new RegisterThingCommand({ templateBody: body('FAIL'), parameters: { Serial: 'n-1' } }),
  );
  expect(registered.resourceArns).toEqual({
    it: 'arn:aws:iot:eu-central-1:000000000000:thing/dev-n-1',
    allowed: 'arn:aws:iot:eu-central-1:000000000000:policy/device',
  });
  const described = () => iot.send(new DescribeThingCommand({ thingName: 'dev-n-1' }));
  expect(await described()).toMatchObject({
    thingTypeName: 'board',
    attributes: { site: 'bern', first: 'n-1', long: 'Bern' },
  });
  await iot.send(
    new UpdateThingCommand({
      thingName: 'dev-n-1',
      attributePayload: { attributes: { own: '1' }, merge: true },
    }),
  );
  const again = (override: string) =>
    iot.send(
      new RegisterThingCommand({ templateBody: body(override), parameters: { Serial: 'n-1', Site: 'bern' } }),
    );
  await expect(again('FAIL')).rejects.toMatchObject({ name: 'ResourceRegistrationFailureException' });
  await again('DO_NOTHING');
  expect((await described()).attributes).toHaveProperty('own');
  await again('MERGE');
  expect((await described()).attributes).toHaveProperty('own');
  await again('REPLACE');
  expect((await described()).attributes).not.toHaveProperty('own');
  await expect(
    iot.send(new RegisterThingCommand({ templateBody: body('FAIL'), parameters: {} })),
  ).rejects.toMatchObject({ name: 'InvalidRequestException', message: expect.stringContaining('Serial') });
  await expect(iot.send(new RegisterThingCommand({ templateBody: '{' }))).rejects.toMatchObject({
    name: 'InvalidRequestException',
  });
});

test('a claim certificate without the right policy gets nothing', async () => {
  const cloud = await iotCloud();
  const iot = iotClient(cloud);
  const claim = await prepareFleet(iot);
  await expect(connect(cloud, claim, 'not-a-claim')).rejects.toThrow();
  const device = await connect(cloud, claim, 'claim-1');
  await expect(device.subscribeAsync('device/a/x')).rejects.toThrow();
  await expect(device.publishAsync('device/a/x', '', { qos: 1 })).rejects.toThrow();
  await expect(
    device.publishAsync('$aws/provisioning-templates/other/provision/json', '{}', { qos: 1 }),
  ).rejects.toThrow();
  device.end();
  const { policies } = await iot.send(new ListAttachedPoliciesCommand({ target: claim.certificateArn }));
  expect(policies?.map(({ policyName }) => policyName)).toEqual(['claim']);
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

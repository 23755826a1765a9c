import * as controlSdk from '@aws-sdk/client-cloudcontrol';
import * as iamSdk from '@aws-sdk/client-iam';
import * as iotSdk from '@aws-sdk/client-iot';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { AwsError } from '../../src/errors.js';
import { readModel } from '../../src/protocol/model.js';
import { awsJson, awsQuery, restJson1 } from '../../src/protocol/protocols.js';
import { defineService } from '../../src/service.js';
import { serve } from '../support/service.js';

/** What the handlers were given last. */
let seen: unknown;
let iot: iotSdk.IoTClient;
let iam: iamSdk.IAMClient;
let control: controlSdk.CloudControlClient;
const endpoints: Record<string, string> = {};

beforeAll(async () => {
  const iotModel = readModel(iotSdk);
  const iotConfig = await serve(
    defineService<typeof iotSdk>({
      name: 'iot',
      scopes: ['iot'],
      model: iotModel,
      protocol: restJson1(iotModel),
      validationError: { code: 'InvalidRequestException' },
      operations: {
        CreateThing: (input) => {
          seen = input;
          return { thingName: input.thingName, thingId: 'id' };
        },
        ListThings: (input) => {
          seen = input;
          return { things: [{ thingName: 'a', attributes: { π: '<&>' } }], nextToken: 'next' };
        },
        DescribeCertificate: () => ({
          certificateDescription: { creationDate: new Date(1_700_000_000_123), status: 'ACTIVE' },
        }),
        DeleteThing: () => {
          throw new iotSdk.VersionConflictException({ message: 'not that version', $metadata: {} });
        },
        DescribeThing: () => {
          throw new AwsError('ThrottlingException', 'slow down', 429);
        },
        AttachPolicy: (input) => {
          seen = input;
          return {};
        },
      },
    }),
  );
  iot = new iotSdk.IoTClient(iotConfig);
  endpoints.iot = iotConfig.endpoint;

  const iamModel = readModel(iamSdk);
  const iamConfig = await serve(
    defineService<typeof iamSdk>({
      name: 'iam',
      scopes: ['iam'],
      model: iamModel,
      protocol: awsQuery(iamModel, 'https://iam.amazonaws.com/doc/2010-05-08/'),
      operations: {
        CreateRole: (input) => {
          seen = input;
          return {
            Role: {
              Path: '/',
              RoleName: input.RoleName,
              RoleId: 'AROA',
              Arn: 'arn:aws:iam::0:role/r',
              CreateDate: new Date(1_700_000_000_000),
              Tags: input.Tags,
              AssumeRolePolicyDocument: '{"a":"<&>\'"}',
            },
          };
        },
        GetRole: () => {
          throw new iamSdk.NoSuchEntityException({ message: 'no <role>', $metadata: {} });
        },
      },
    }),
  );
  iam = new iamSdk.IAMClient(iamConfig);
  endpoints.iam = iamConfig.endpoint;

  const controlModel = readModel(controlSdk);
  const controlConfig = await serve(
    defineService<typeof controlSdk>({
      name: 'cloudcontrol',
      scopes: ['cloudcontrolapi'],
      model: controlModel,
      protocol: awsJson(controlModel, '1.0'),
      operations: {
        GetResource: (input) => {
          seen = input;
          throw new controlSdk.TypeNotFoundException({ message: 'no such type', $metadata: {} });
        },
      },
    }),
  );
  control = new controlSdk.CloudControlClient(controlConfig);
  endpoints.cloudcontrolapi = controlConfig.endpoint;
});

test('REST JSON: label, body and output arrive as they were sent', async () => {
  const attributePayload = { attributes: { 'a/b': 'ü', empty: '' }, merge: true };
  const command = new iotSdk.CreateThingCommand({ thingName: 'a/b c+%', attributePayload });
  await expect(iot.send(command)).resolves.toMatchObject({ thingName: 'a/b c+%', thingId: 'id' });
  expect(seen).toEqual({ thingName: 'a/b c+%', attributePayload });
});

test('REST JSON: query parameters have their types', async () => {
  const output = await iot.send(
    new iotSdk.ListThingsCommand({ maxResults: 7, attributeName: 'a&b', usePrefixAttributeValue: false }),
  );
  expect(seen).toEqual({ maxResults: 7, attributeName: 'a&b', usePrefixAttributeValue: false });
  expect(output).toMatchObject({ things: [{ attributes: { π: '<&>' } }], nextToken: 'next' });
});

test('REST JSON: timestamps keep their milliseconds', async () => {
  const { certificateDescription } = await iot.send(
    new iotSdk.DescribeCertificateCommand({ certificateId: 'c'.repeat(64) }),
  );
  expect(certificateDescription?.creationDate).toEqual(new Date(1_700_000_000_123));
});

test('REST JSON: a modelled error is its class again, another one keeps code and status', async () => {
  await expect(iot.send(new iotSdk.DeleteThingCommand({ thingName: 'a' }))).rejects.toBeInstanceOf(
    iotSdk.VersionConflictException,
  );
  await expect(iot.send(new iotSdk.DescribeThingCommand({ thingName: 'a' }))).rejects.toMatchObject({
    name: 'ThrottlingException',
    message: 'slow down',
    $metadata: { httpStatusCode: 429 },
  });
});

test('REST JSON: a missing member is named, and so is an operation that is not built', async () => {
  await expect(
    iot.send(new iotSdk.AttachPolicyCommand({ policyName: 'p', target: undefined })),
  ).rejects.toMatchObject({ name: 'InvalidRequestException', message: expect.stringContaining("'target'") });
  await expect(iot.send(new iotSdk.ListJobsCommand({}))).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('ListJobs'),
    $metadata: { httpStatusCode: 501 },
  });
});

test('REST JSON: null in a map that is not sparse is refused', async () => {
  const scope = 'k/20260101/eu-central-1/iot/aws4_request';
  const response = await fetch(`${endpoints.iot}/things/x`, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      'x-amz-date': '20260101T000000Z',
    },
    body: '{"attributePayload":{"attributes":{"a":null}}}',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    message: "Value at 'attributePayload.attributes.a' is not allowed to be null",
  });
});

test('AWS query: lists of structures go in, XML comes out', async () => {
  const input = {
    RoleName: 'r',
    AssumeRolePolicyDocument: '{"x": "&=+ ü"}',
    Tags: [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '' },
    ],
  };
  const { Role } = await iam.send(new iamSdk.CreateRoleCommand(input));
  expect(seen).toEqual(input);
  expect(Role).toMatchObject({
    RoleName: 'r',
    CreateDate: new Date(1_700_000_000_000),
    Tags: input.Tags,
    AssumeRolePolicyDocument: '{"a":"<&>\'"}',
  });
});

test('AWS query: an error has the code of its model, and its text is escaped', async () => {
  await expect(iam.send(new iamSdk.GetRoleCommand({ RoleName: 'r' }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
    message: 'no <role>',
  });
  await expect(iam.send(new iamSdk.ListUsersCommand({}))).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('ListUsers'),
  });
});

test('AWS JSON: the target names the operation; errors are their classes', async () => {
  const input = { TypeName: 'AWS::IoT::Thing', Identifier: 'x' };
  await expect(control.send(new controlSdk.GetResourceCommand(input))).rejects.toBeInstanceOf(
    controlSdk.TypeNotFoundException,
  );
  expect(seen).toEqual(input);
});

test('any body is answered with a client error or a result, never with a failure of the server', async () => {
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.string().map((text) => Buffer.from(`Action=CreateRole&${text}`)),
  );
  const targets = [
    { scope: 'iot', method: 'POST', path: '/things/x', headers: {} },
    { scope: 'iot', method: 'PUT', path: '/target-policies/%zz', headers: {} },
    {
      scope: 'iam',
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
    {
      scope: 'cloudcontrolapi',
      method: 'POST',
      path: '/',
      headers: { 'x-amz-target': 'CloudApiService.GetResource' },
    },
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...targets), body, async (target, bytes) => {
      const authorization = `AWS4-HMAC-SHA256 Credential=k/20260101/eu-central-1/${target.scope}/aws4_request, SignedHeaders=host, Signature=0`;
      const response = await fetch(`${endpoints[target.scope]}${target.path}`, {
        method: target.method,
        headers: { ...target.headers, authorization, 'x-amz-date': '20260101T000000Z' },
        body: bytes,
      });
      await response.arrayBuffer();
      expect(response.status).toBeLessThan(500);
    }),
    { numRuns: 300 },
  );
});

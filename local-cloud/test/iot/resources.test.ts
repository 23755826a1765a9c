import {
  type CloudControlClient as Client,
  CloudControlClient,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  ListResourcesCommand,
  type ProgressEvent,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import { AttachPolicyCommand, CreateThingGroupCommand, IoTClient } from '@aws-sdk/client-iot';
import { beforeAll, describe, expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { ALLOW_ALL, policyText, TEMPLATE } from './fleet.js';

let control: Client;
let iot: IoTClient;

beforeAll(async () => {
  const cloud = await startCloud();
  control = new CloudControlClient({ ...clientConfig(cloud), maxAttempts: 1 });
  iot = new IoTClient({ ...clientConfig(cloud), maxAttempts: 1 });
});

async function finished(event: ProgressEvent | undefined): Promise<ProgressEvent> {
  let current = event;
  while (current?.OperationStatus === 'PENDING' || current?.OperationStatus === 'IN_PROGRESS') {
    const { RequestToken } = current;
    current = (await control.send(new GetResourceRequestStatusCommand({ RequestToken }))).ProgressEvent;
  }
  return current ?? {};
}

const create = async (TypeName: string, desired: object) =>
  finished(
    (await control.send(new CreateResourceCommand({ TypeName, DesiredState: JSON.stringify(desired) })))
      .ProgressEvent,
  );
const update = async (TypeName: string, Identifier: string, patch: object[]) =>
  finished(
    (
      await control.send(
        new UpdateResourceCommand({ TypeName, Identifier, PatchDocument: JSON.stringify(patch) }),
      )
    ).ProgressEvent,
  );
const remove = async (TypeName: string, Identifier: string) =>
  finished((await control.send(new DeleteResourceCommand({ TypeName, Identifier }))).ProgressEvent);
const read = async (TypeName: string, Identifier: string) => {
  const { ResourceDescription } = await control.send(new GetResourceCommand({ TypeName, Identifier }));
  return JSON.parse(ResourceDescription?.Properties ?? '') as Record<string, unknown>;
};

const arn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;
const Tags = [{ Key: 'k', Value: 'v' }];
const document = JSON.parse(ALLOW_ALL) as object;
const newDocument = JSON.parse(policyText({ Effect: 'Deny', Action: 'iot:*', Resource: '*' })) as object;
const roleArn = 'arn:aws:iam::000000000000:role/some-role';

describe.each<[type: string, id: string, desired: object, patch: object[], readOnly: object]>([
  [
    'AWS::IoT::ThingGroup',
    'group',
    {
      ThingGroupName: 'group',
      ThingGroupProperties: { ThingGroupDescription: 'd', AttributePayload: { Attributes: { a: '1' } } },
      Tags,
    },
    [{ op: 'replace', path: '/ThingGroupProperties', value: { ThingGroupDescription: 'new' } }],
    { Arn: arn('thinggroup/group'), Id: expect.any(String) },
  ],
  [
    'AWS::IoT::Thing',
    'thing',
    { ThingName: 'thing', AttributePayload: { Attributes: { a: '1' } } },
    [{ op: 'replace', path: '/AttributePayload/Attributes', value: { b: '2' } }],
    { Arn: arn('thing/thing'), Id: expect.any(String) },
  ],
  [
    'AWS::IoT::ThingType',
    'type',
    {
      ThingTypeName: 'type',
      ThingTypeProperties: { ThingTypeDescription: 'd', SearchableAttributes: ['a'] },
      Tags,
    },
    [{ op: 'add', path: '/DeprecateThingType', value: true }],
    { Arn: arn('thingtype/type'), Id: expect.any(String) },
  ],
  [
    'AWS::IoT::Policy',
    'policy',
    { PolicyName: 'policy', PolicyDocument: document, Tags },
    [{ op: 'replace', path: '/PolicyDocument', value: newDocument }],
    { Arn: arn('policy/policy'), Id: 'policy' },
  ],
  [
    'AWS::IoT::RoleAlias',
    'alias',
    { RoleAlias: 'alias', RoleArn: roleArn, CredentialDurationSeconds: 900, Tags },
    [{ op: 'replace', path: '/CredentialDurationSeconds', value: 1800 }],
    { RoleAliasArn: arn('rolealias/alias') },
  ],
  [
    'AWS::IoT::ProvisioningTemplate',
    'template',
    {
      TemplateName: 'template',
      TemplateType: 'FLEET_PROVISIONING',
      TemplateBody: JSON.stringify(TEMPLATE),
      Description: 'd',
      Enabled: true,
      ProvisioningRoleArn: roleArn,
      PreProvisioningHook: {
        TargetArn: 'arn:aws:lambda:eu-central-1:000000000000:function:f',
        PayloadVersion: '2020-04-01',
      },
      Tags,
    },
    [
      { op: 'replace', path: '/TemplateBody', value: JSON.stringify(TEMPLATE, null, 1) },
      { op: 'remove', path: '/PreProvisioningHook' },
      { op: 'remove', path: '/Description' },
    ],
    { TemplateArn: arn('provisioningtemplate/template') },
  ],
])('%s', (type, id, desired, patch, readOnly) => {
  test('is created, read as it was desired, updated and deleted', async () => {
    expect(await create(type, desired)).toMatchObject({ OperationStatus: 'SUCCESS', Identifier: id });
    expect(await create(type, desired)).toMatchObject({
      OperationStatus: 'FAILED',
      ErrorCode: 'AlreadyExists',
    });
    expect(await read(type, id)).toEqual({ ...desired, ...readOnly });
    // More often than a policy or template may have versions.
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await update(type, id, turn === 0 ? patch : [])).toMatchObject({ OperationStatus: 'SUCCESS' });
    }
    const after = await read(type, id);
    for (const { op, path, value } of patch as { op: string; path: string; value?: unknown }[]) {
      const found = path
        .split('/')
        .slice(1)
        .reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], after);
      expect(found).toEqual(op === 'remove' ? undefined : value);
    }
    const { ResourceDescriptions } = await control.send(new ListResourcesCommand({ TypeName: type }));
    expect(ResourceDescriptions?.map(({ Identifier }) => Identifier)).toContain(id);
    expect(await remove(type, id)).toMatchObject({ OperationStatus: 'SUCCESS' });
    await expect(read(type, id)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

test('a policy can be updated as often as one likes', async () => {
  await create('AWS::IoT::Policy', { PolicyName: 'often', PolicyDocument: document });
  for (const value of [newDocument, document, newDocument, document, newDocument, document]) {
    const patch = [{ op: 'replace', path: '/PolicyDocument', value }];
    expect(await update('AWS::IoT::Policy', 'often', patch)).toMatchObject({ OperationStatus: 'SUCCESS' });
  }
  expect(await read('AWS::IoT::Policy', 'often')).toMatchObject({ PolicyDocument: document });
});

test("handlers' errors are those of the service", async () => {
  expect(
    await create('AWS::IoT::Policy', { PolicyName: 'bad', PolicyDocument: { Statement: [] } }),
  ).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'InvalidRequest',
    StatusMessage: expect.stringContaining('Malformed'),
  });
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'holder' }));
  await create('AWS::IoT::Policy', { PolicyName: 'held', PolicyDocument: document });
  await iot.send(new AttachPolicyCommand({ policyName: 'held', target: arn('thinggroup/holder') }));
  expect(await remove('AWS::IoT::Policy', 'held')).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'ResourceConflict',
  });
});

test('what is given no name gets one', async () => {
  const { Identifier } = await create('AWS::IoT::Thing', {});
  expect(await read('AWS::IoT::Thing', Identifier ?? '')).toMatchObject({ ThingName: Identifier });
});

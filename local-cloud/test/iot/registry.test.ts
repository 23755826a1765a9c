import * as sdk from '@aws-sdk/client-iot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { type IotCloud, openIotCloud } from './cloud.js';
import {
  ALLOW_ALL,
  connect,
  iotClient,
  messages,
  newIdentity,
  newRequest,
  policyText,
  TEMPLATE,
} from './fleet.js';

const clock = new ManualClock();
let cloud: IotCloud;
let iot: sdk.IoTClient;

beforeAll(async () => {
  cloud = await openIotCloud({ clock });
  iot = iotClient(cloud);
});
afterAll(() => cloud.close());

const arn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;
const failure = (name: string, message?: string) =>
  expect.objectContaining({ name, ...(message && { message: expect.stringContaining(message) }) });

describe('things', () => {
  test('are made idempotently, updated by version, and deleted', async () => {
    const thing = { thingName: 't1', attributePayload: { attributes: { a: '1' } } };
    const made = await iot.send(new sdk.CreateThingCommand(thing));
    expect(made).toMatchObject({ thingName: 't1', thingArn: arn('thing/t1'), thingId: expect.any(String) });
    expect((await iot.send(new sdk.CreateThingCommand(thing))).thingId).toBe(made.thingId);
    await expect(iot.send(new sdk.CreateThingCommand({ thingName: 't1' }))).rejects.toEqual(
      expect.objectContaining({
        name: 'ResourceAlreadyExistsException',
        resourceId: made.thingId,
        resourceArn: arn('thing/t1'),
      }),
    );
    const update = (input: Partial<sdk.UpdateThingCommandInput>) =>
      iot.send(new sdk.UpdateThingCommand({ thingName: 't1', ...input }));
    await update({ attributePayload: { attributes: { b: '2' }, merge: true }, expectedVersion: 1 });
    await expect(update({ expectedVersion: 1 })).rejects.toEqual(failure('VersionConflictException'));
    await update({ attributePayload: { attributes: { a: '' }, merge: true } });
    await expect(iot.send(new sdk.DescribeThingCommand({ thingName: 't1' }))).resolves.toMatchObject({
      attributes: { b: '2' },
      version: 3,
      defaultClientId: 't1',
      thingArn: arn('thing/t1'),
    });
    await expect(
      update({ attributePayload: { attributes: { a: '1', b: '1', c: '1', d: '1' } } }),
    ).rejects.toEqual(failure('InvalidRequestException', 'attributes'));
    const remove = (expectedVersion?: number) =>
      iot.send(new sdk.DeleteThingCommand({ thingName: 't1', expectedVersion }));
    await expect(remove(1)).rejects.toEqual(failure('VersionConflictException'));
    await remove(3);
    await remove();
    await expect(iot.send(new sdk.DescribeThingCommand({ thingName: 't1' }))).rejects.toEqual(
      failure('ResourceNotFoundException', 't1'),
    );
    await expect(iot.send(new sdk.CreateThingCommand({ thingName: 'not a name' }))).rejects.toEqual(
      failure('InvalidRequestException', 'thingName'),
    );
  });

  test('are listed in pages and by attribute', async () => {
    for (let index = 0; index < 7; index += 1) {
      const attributes = { site: index % 2 ? 'odd' : 'even' };
      await iot.send(
        new sdk.CreateThingCommand({ thingName: `list-${index}`, attributePayload: { attributes } }),
      );
    }
    const pages: number[] = [];
    const names: (string | undefined)[] = [];
    for await (const { things = [] } of sdk.paginateListThings({ client: iot }, { maxResults: 3 })) {
      pages.push(things.length);
      names.push(...things.map(({ thingName }) => thingName));
    }
    expect(pages).toEqual([3, 3, 1]);
    expect(names).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `list-${index}`));
    const { things } = await iot.send(
      new sdk.ListThingsCommand({
        attributeName: 'site',
        attributeValue: 'od',
        usePrefixAttributeValue: true,
      }),
    );
    expect(things).toHaveLength(3);
    await expect(iot.send(new sdk.ListThingsCommand({ nextToken: 'made up' }))).rejects.toEqual(
      failure('InvalidRequestException'),
    );
  });
});

test('thing types are deprecated before they are deleted', async () => {
  const thingTypeName = 'type';
  const thingTypeProperties = { thingTypeDescription: 'd', searchableAttributes: ['a'] };
  const tags = [{ Key: 'k', Value: 'v' }];
  await iot.send(new sdk.CreateThingTypeCommand({ thingTypeName, thingTypeProperties, tags }));
  await iot.send(new sdk.CreateThingTypeCommand({ thingTypeName, thingTypeProperties }));
  await expect(iot.send(new sdk.CreateThingTypeCommand({ thingTypeName }))).rejects.toEqual(
    failure('ResourceAlreadyExistsException'),
  );
  const tooMany = { searchableAttributes: ['a', 'b', 'c', 'd'] };
  await expect(
    iot.send(new sdk.CreateThingTypeCommand({ thingTypeName: 'wide', thingTypeProperties: tooMany })),
  ).rejects.toEqual(failure('InvalidRequestException', 'searchable'));
  await iot.send(new sdk.CreateThingCommand({ thingName: 'typed', thingTypeName }));
  const remove = () => iot.send(new sdk.DeleteThingTypeCommand({ thingTypeName }));
  await expect(remove()).rejects.toEqual(failure('InvalidRequestException', 'Deprecate'));
  await iot.send(new sdk.DeprecateThingTypeCommand({ thingTypeName }));
  await expect(iot.send(new sdk.CreateThingCommand({ thingName: 'late', thingTypeName }))).rejects.toEqual(
    failure('InvalidRequestException', 'deprecated'),
  );
  await expect(remove()).rejects.toEqual(failure('InvalidRequestException', '5 minutes'));
  clock.advance(5 * 60_000);
  await expect(remove()).rejects.toEqual(failure('InvalidRequestException', 'associated'));
  await iot.send(new sdk.UpdateThingCommand({ thingName: 'typed', removeThingType: true }));
  await remove();
  await expect(iot.send(new sdk.DescribeThingTypeCommand({ thingTypeName }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
});

describe('thing groups', () => {
  test('form a hierarchy', async () => {
    const create = (thingGroupName: string, parentGroupName?: string) =>
      iot.send(new sdk.CreateThingGroupCommand({ thingGroupName, parentGroupName }));
    await create('g');
    await create('g-a', 'g');
    await create('g-a-1', 'g-a');
    await create('g-b', 'g');
    await create('other');
    await expect(create('x', 'missing')).rejects.toEqual(failure('ResourceNotFoundException'));
    await expect(create('g-b', 'g-a')).rejects.toEqual(failure('ResourceAlreadyExistsException'));
    const { thingGroupMetadata } = await iot.send(
      new sdk.DescribeThingGroupCommand({ thingGroupName: 'g-a-1' }),
    );
    expect(thingGroupMetadata).toMatchObject({
      parentGroupName: 'g-a',
      rootToParentThingGroups: [
        { groupName: 'g', groupArn: arn('thinggroup/g') },
        { groupName: 'g-a', groupArn: arn('thinggroup/g-a') },
      ],
    });
    const list = async (input: sdk.ListThingGroupsCommandInput) =>
      (await iot.send(new sdk.ListThingGroupsCommand(input))).thingGroups?.map(({ groupName }) => groupName);
    expect(await list({ recursive: false })).toEqual(['g', 'other']);
    expect(await list({ parentGroup: 'g' })).toEqual(['g-a', 'g-a-1', 'g-b']);
    expect(await list({ parentGroup: 'g', recursive: false })).toEqual(['g-a', 'g-b']);
    expect(await list({ namePrefixFilter: 'g-a' })).toEqual(['g-a', 'g-a-1']);
    await expect(iot.send(new sdk.DeleteThingGroupCommand({ thingGroupName: 'g' }))).rejects.toEqual(
      failure('InvalidRequestException', 'child groups'),
    );
  });

  test('hold things, one group of a hierarchy each', async () => {
    await iot.send(new sdk.CreateThingCommand({ thingName: 'member' }));
    const join = (thingGroupName: string) =>
      iot.send(new sdk.AddThingToThingGroupCommand({ thingGroupName, thingName: 'member' }));
    await join('g-a-1');
    await join('g-a-1');
    await join('other');
    await expect(join('g-b')).rejects.toEqual(failure('InvalidRequestException', 'hierarchy'));
    const inGroup = async (thingGroupName: string, recursive?: boolean) =>
      (await iot.send(new sdk.ListThingsInThingGroupCommand({ thingGroupName, recursive }))).things;
    expect(await inGroup('g')).toEqual([]);
    expect(await inGroup('g', true)).toEqual(['member']);
    const groups = async () =>
      (await iot.send(new sdk.ListThingGroupsForThingCommand({ thingName: 'member' }))).thingGroups?.map(
        ({ groupName }) => groupName,
      );
    expect(await groups()).toEqual(['g-a-1', 'other']);
    await iot.send(
      new sdk.UpdateThingGroupsForThingCommand({
        thingName: 'member',
        thingGroupsToRemove: ['g-a-1'],
        thingGroupsToAdd: ['g-b'],
      }),
    );
    expect(await groups()).toEqual(['g-b', 'other']);
    await iot.send(new sdk.DeleteThingGroupCommand({ thingGroupName: 'other' }));
    expect(await groups()).toEqual(['g-b']);
    await iot.send(new sdk.DeleteThingCommand({ thingName: 'member' }));
    expect(await inGroup('g-b')).toEqual([]);
  });
});

describe('policies', () => {
  test('have at most five versions, one of them the default', async () => {
    const policyName = 'versions';
    await iot.send(new sdk.CreatePolicyCommand({ policyName, policyDocument: ALLOW_ALL }));
    await expect(
      iot.send(new sdk.CreatePolicyCommand({ policyName, policyDocument: ALLOW_ALL })),
    ).rejects.toEqual(failure('ResourceAlreadyExistsException'));
    for (let index = 2; index <= 5; index += 1) {
      const setAsDefault = index === 3;
      const made = await iot.send(
        new sdk.CreatePolicyVersionCommand({ policyName, policyDocument: ALLOW_ALL, setAsDefault }),
      );
      expect(made).toMatchObject({ policyVersionId: String(index), isDefaultVersion: setAsDefault });
    }
    await expect(
      iot.send(new sdk.CreatePolicyVersionCommand({ policyName, policyDocument: ALLOW_ALL })),
    ).rejects.toEqual(failure('VersionsLimitExceededException'));
    await expect(iot.send(new sdk.GetPolicyCommand({ policyName }))).resolves.toMatchObject({
      defaultVersionId: '3',
      policyDocument: ALLOW_ALL,
    });
    const remove = (policyVersionId: string) =>
      iot.send(new sdk.DeletePolicyVersionCommand({ policyName, policyVersionId }));
    await expect(remove('3')).rejects.toEqual(failure('DeleteConflictException', 'default'));
    await expect(iot.send(new sdk.DeletePolicyCommand({ policyName }))).rejects.toEqual(
      failure('DeleteConflictException', 'versions'),
    );
    for (const id of ['1', '2', '4', '5']) await remove(id);
    await iot.send(new sdk.DeletePolicyCommand({ policyName }));
  });

  test('with a malformed document are refused, and say what is wrong with it', async () => {
    const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*', NotAction: 'x' };
    await expect(
      iot.send(new sdk.CreatePolicyCommand({ policyName: 'bad', policyDocument: policyText(statement) })),
    ).rejects.toEqual(failure('MalformedPolicyException', 'NotAction'));
  });

  test('are attached to certificates and groups, and stay as long as they are', async () => {
    const { certificateArn } = await newIdentity(iot, 'attached', ALLOW_ALL);
    const target = arn('thinggroup/g-a');
    await iot.send(new sdk.AttachPolicyCommand({ policyName: 'attached', target }));
    const { targets } = await iot.send(new sdk.ListTargetsForPolicyCommand({ policyName: 'attached' }));
    expect(targets?.sort()).toEqual([certificateArn, target].sort());
    const { principals } = await iot.send(new sdk.ListPolicyPrincipalsCommand({ policyName: 'attached' }));
    expect(principals).toEqual([certificateArn]);
    const inherited = await iot.send(
      new sdk.ListAttachedPoliciesCommand({ target: arn('thinggroup/g-a-1'), recursive: true }),
    );
    expect(inherited.policies).toEqual([{ policyName: 'attached', policyArn: arn('policy/attached') }]);
    await expect(iot.send(new sdk.DeletePolicyCommand({ policyName: 'attached' }))).rejects.toEqual(
      failure('DeleteConflictException', 'attached to one or more principals'),
    );
    for (const wrong of [arn('cert/0000'), arn('thinggroup/none')]) {
      await expect(
        iot.send(new sdk.AttachPolicyCommand({ policyName: 'attached', target: wrong })),
      ).rejects.toEqual(failure('ResourceNotFoundException'));
    }
    const { effectivePolicies } = await iot.send(
      new sdk.GetEffectivePoliciesCommand({ principal: certificateArn }),
    );
    expect(effectivePolicies).toMatchObject([{ policyName: 'attached', policyDocument: ALLOW_ALL }]);
    await iot.send(
      new sdk.DetachPrincipalPolicyCommand({ policyName: 'attached', principal: certificateArn }),
    );
    await iot.send(new sdk.DetachPolicyCommand({ policyName: 'attached', target }));
    await iot.send(new sdk.DeletePolicyCommand({ policyName: 'attached' }));
  });
});

describe('certificates', () => {
  test('have to be inactive and detached before they are deleted', async () => {
    const { certificateArn, certificateId } = await newIdentity(iot, 'doomed', ALLOW_ALL);
    await iot.send(new sdk.CreateThingCommand({ thingName: 'holder' }));
    const attachment = { thingName: 'holder', principal: certificateArn };
    await iot.send(new sdk.AttachThingPrincipalCommand(attachment));
    const { principals } = await iot.send(new sdk.ListThingPrincipalsCommand({ thingName: 'holder' }));
    expect(principals).toEqual([certificateArn]);
    const { things } = await iot.send(new sdk.ListPrincipalThingsCommand({ principal: certificateArn }));
    expect(things).toEqual(['holder']);
    await expect(iot.send(new sdk.DeleteThingCommand({ thingName: 'holder' }))).rejects.toEqual(
      failure('InvalidRequestException', 'principals'),
    );
    const remove = (forceDelete = false) =>
      iot.send(new sdk.DeleteCertificateCommand({ certificateId, forceDelete }));
    await expect(remove()).rejects.toEqual(failure('CertificateStateException', 'deactivated'));
    await iot.send(new sdk.UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
    await expect(remove(true)).rejects.toEqual(failure('DeleteConflictException', 'Things'));
    await iot.send(new sdk.DetachThingPrincipalCommand(attachment));
    await expect(remove()).rejects.toEqual(failure('DeleteConflictException', 'policies'));
    await remove(true);
    await expect(iot.send(new sdk.DescribeCertificateCommand({ certificateId }))).rejects.toEqual(
      failure('ResourceNotFoundException', certificateId),
    );
    const { targets } = await iot.send(new sdk.ListTargetsForPolicyCommand({ policyName: 'doomed' }));
    expect(targets).toEqual([]);
  });

  test('are made with keys, from signing requests, or registered from elsewhere', async () => {
    const made = await iot.send(new sdk.CreateKeysAndCertificateCommand({}));
    expect(made.certificateArn).toBe(arn(`cert/${made.certificateId}`));
    expect(made.keyPair?.PublicKey).toContain('BEGIN PUBLIC KEY');
    const { certificateDescription } = await iot.send(
      new sdk.DescribeCertificateCommand({ certificateId: made.certificateId }),
    );
    expect(certificateDescription).toMatchObject({
      status: 'INACTIVE',
      certificateMode: 'DEFAULT',
      ownedBy: '000000000000',
      validity: { notAfter: new Date('2049-12-31T23:59:59Z') },
    });
    await expect(
      iot.send(new sdk.CreateCertificateFromCsrCommand({ certificateSigningRequest: 'nonsense' })),
    ).rejects.toEqual(failure('InvalidRequestException', 'CSR'));
    const { csr } = await newRequest();
    const signed = await iot.send(
      new sdk.CreateCertificateFromCsrCommand({ certificateSigningRequest: csr }),
    );
    const register = () =>
      iot.send(new sdk.RegisterCertificateWithoutCACommand({ certificatePem: signed.certificatePem }));
    await expect(register()).rejects.toEqual(failure('ResourceAlreadyExistsException'));
    await iot.send(new sdk.DeleteCertificateCommand({ certificateId: signed.certificateId }));
    expect((await register()).certificateId).toBe(signed.certificateId);
    const ids: (string | undefined)[] = [];
    let marker: string | undefined;
    do {
      const page = await iot.send(
        new sdk.ListCertificatesCommand({ pageSize: 1, marker, ascendingOrder: true }),
      );
      ids.push(...(page.certificates ?? []).map(({ certificateId }) => certificateId));
      marker = page.nextMarker;
    } while (marker !== undefined);
    expect(ids).toEqual(expect.arrayContaining([made.certificateId, signed.certificateId]));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('provisioning templates have versions', async () => {
  const templateName = 'template';
  const templateBody = JSON.stringify(TEMPLATE);
  const provisioningRoleArn = 'arn:aws:iam::000000000000:role/r';
  const template = { templateName, templateBody, provisioningRoleArn, description: 'd' };
  await expect(
    iot.send(new sdk.CreateProvisioningTemplateCommand({ ...template, templateBody: '{}' })),
  ).rejects.toEqual(failure('InvalidRequestException', 'Resources'));
  const made = await iot.send(new sdk.CreateProvisioningTemplateCommand(template));
  expect(made).toMatchObject({ templateArn: arn('provisioningtemplate/template'), defaultVersionId: 1 });
  await expect(iot.send(new sdk.CreateProvisioningTemplateCommand(template))).rejects.toEqual(
    failure('ResourceAlreadyExistsException'),
  );
  const second = await iot.send(
    new sdk.CreateProvisioningTemplateVersionCommand({ templateName, templateBody }),
  );
  expect(second).toMatchObject({ versionId: 2, isDefaultVersion: false });
  await iot.send(
    new sdk.UpdateProvisioningTemplateCommand({
      templateName,
      enabled: true,
      defaultVersionId: 2,
      preProvisioningHook: { targetArn: 'arn:aws:lambda:eu-central-1:000000000000:function:f' },
    }),
  );
  await expect(
    iot.send(new sdk.DescribeProvisioningTemplateCommand({ templateName })),
  ).resolves.toMatchObject({
    enabled: true,
    defaultVersionId: 2,
    templateBody,
    preProvisioningHook: { payloadVersion: '2020-04-01' },
  });
  const { versions } = await iot.send(new sdk.ListProvisioningTemplateVersionsCommand({ templateName }));
  expect(versions).toMatchObject([
    { versionId: 2, isDefaultVersion: true },
    { versionId: 1, isDefaultVersion: false },
  ]);
  const remove = () => iot.send(new sdk.DeleteProvisioningTemplateCommand({ templateName }));
  await expect(remove()).rejects.toEqual(failure('DeleteConflictException'));
  await iot.send(new sdk.DeleteProvisioningTemplateVersionCommand({ templateName, versionId: 1 }));
  await remove();
  const { templates } = await iot.send(new sdk.ListProvisioningTemplatesCommand({}));
  expect(templates).toEqual([]);
});

test('role aliases and tags', async () => {
  const roleArn = 'arn:aws:iam::000000000000:role/exchange';
  const made = await iot.send(new sdk.CreateRoleAliasCommand({ roleAlias: 'alias', roleArn }));
  expect(made.roleAliasArn).toBe(arn('rolealias/alias'));
  await iot.send(new sdk.UpdateRoleAliasCommand({ roleAlias: 'alias', credentialDurationSeconds: 900 }));
  await expect(
    iot.send(new sdk.UpdateRoleAliasCommand({ roleAlias: 'alias', credentialDurationSeconds: 1 })),
  ).rejects.toEqual(failure('InvalidRequestException'));
  const { roleAliasDescription } = await iot.send(new sdk.DescribeRoleAliasCommand({ roleAlias: 'alias' }));
  expect(roleAliasDescription).toMatchObject({
    roleArn,
    credentialDurationSeconds: 900,
    owner: '000000000000',
  });
  const { roleAliases } = await iot.send(new sdk.ListRoleAliasesCommand({}));
  expect(roleAliases).toEqual(['alias']);

  const resourceArn = made.roleAliasArn;
  const tags = async () => (await iot.send(new sdk.ListTagsForResourceCommand({ resourceArn }))).tags;
  await iot.send(
    new sdk.TagResourceCommand({
      resourceArn,
      tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
    }),
  );
  await iot.send(new sdk.UntagResourceCommand({ resourceArn, tagKeys: ['a'] }));
  expect(await tags()).toEqual([{ Key: 'b', Value: '2' }]);
  await iot.send(new sdk.DeleteRoleAliasCommand({ roleAlias: 'alias' }));
  await expect(tags()).rejects.toEqual(failure('ResourceNotFoundException'));
});

test('endpoints name their ports, and events can be configured', async () => {
  const endpoint = async (endpointType: string) =>
    (await iot.send(new sdk.DescribeEndpointCommand({ endpointType }))).endpointAddress;
  expect(await endpoint('iot:Data-ATS')).toBe(`localhost:${cloud.ports.mqtt}`);
  expect(await endpoint('iot:CredentialProvider')).toBe(`localhost:${cloud.ports.https}`);
  await expect(endpoint('iot:Other')).rejects.toEqual(failure('InvalidRequestException'));
  await iot.send(
    new sdk.UpdateEventConfigurationsCommand({ eventConfigurations: { THING: { Enabled: true } } }),
  );
  const { eventConfigurations } = await iot.send(new sdk.DescribeEventConfigurationsCommand({}));
  expect(eventConfigurations).toMatchObject({ THING: { Enabled: true }, JOB: { Enabled: false } });
  await expect(iot.send(new sdk.CreateBillingGroupCommand({ billingGroupName: 'b' }))).rejects.toEqual(
    failure('NotImplementedException', 'CreateBillingGroup'),
  );
});

test('what becomes of things is told when it is kept, while the account wants it', async () => {
  const identity = await newIdentity(iot, 'event-watcher', ALLOW_ALL);
  const watcher = await connect(cloud, identity, 'event-watcher');
  const events = messages(watcher);
  await watcher.subscribeAsync('$aws/events/thing/#', { qos: 1 });
  const want = (Enabled: boolean) =>
    iot.send(new sdk.UpdateEventConfigurationsCommand({ eventConfigurations: { THING: { Enabled } } }));
  const thingName = 'told-of';
  await want(false);
  await iot.send(new sdk.CreateThingCommand({ thingName: 'not-told-of' }));
  await want(true);
  const { thingId } = await iot.send(new sdk.CreateThingCommand({ thingName }));
  // The same again changes nothing.
  await iot.send(new sdk.CreateThingCommand({ thingName }));
  await iot.send(new sdk.UpdateThingCommand({ thingName, attributePayload: { attributes: { a: '1' } } }));
  await expect(
    iot.send(new sdk.UpdateThingCommand({ thingName, attributePayload: { attributes: { a: '?' } } })),
  ).rejects.toThrow();
  await iot.send(new sdk.DeleteThingCommand({ thingName }));
  const told = {
    eventType: 'THING_EVENT',
    eventId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    timestamp: expect.any(Number),
    ...{ accountId: cloud.accountId, thingId, thingName, thingTypeName: null },
  };
  const topic = `$aws/events/thing/${thingName}`;
  const attributes = { a: '1' };
  for (const [operation, rest] of [
    ['created', { versionNumber: 1, attributes: {} }],
    ['updated', { versionNumber: 2, attributes }],
    ['deleted', { versionNumber: 2, attributes }],
  ] as const) {
    expect(await events.next()).toEqual({
      topic: `${topic}/${operation}`,
      body: { ...told, operation: operation.toUpperCase(), ...rest },
    });
  }
  await watcher.endAsync();
});

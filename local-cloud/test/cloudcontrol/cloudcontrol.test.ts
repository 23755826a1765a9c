import {
  CancelResourceRequestCommand,
  type CloudControlClient,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  ListResourceRequestsCommand,
  ListResourcesCommand,
  type ProgressEvent,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import { DescribeTypeCommand, ListStacksCommand, ListTypesCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, test, vi } from 'vitest';
import { loadResourceSchema } from '../../src/resource-schema.js';
import { registryPattern, violations } from '../../src/services/cloudcontrol/model-validation.js';
import { boxType, Gate, serve, testBase } from './support.js';

const TypeName = 'Test::Local::Box';
const base = testBase();
const gate = new Gate();
const box = boxType(base, gate);
const { control, formation } = await serve(base, [box]);

async function ended(client: CloudControlClient, event: ProgressEvent | undefined): Promise<ProgressEvent> {
  return vi.waitFor(async () => {
    const status = await client.send(
      new GetResourceRequestStatusCommand({ RequestToken: event?.RequestToken ?? '' }),
    );
    const now = status.ProgressEvent ?? {};
    expect(now.OperationStatus).not.toBe('IN_PROGRESS');
    return now;
  });
}

async function create(desired: object, ClientToken?: string): Promise<ProgressEvent | undefined> {
  const DesiredState = JSON.stringify(desired);
  const { ProgressEvent } = await control.send(
    new CreateResourceCommand({ TypeName, DesiredState, ClientToken }),
  );
  return ProgressEvent;
}

async function update(Identifier: string, patch: unknown): Promise<ProgressEvent | undefined> {
  const PatchDocument = JSON.stringify(patch);
  const { ProgressEvent } = await control.send(
    new UpdateResourceCommand({ TypeName, Identifier, PatchDocument }),
  );
  return ProgressEvent;
}

async function propertiesOf(Identifier: string): Promise<unknown> {
  const { ResourceDescription } = await control.send(new GetResourceCommand({ TypeName, Identifier }));
  return JSON.parse(ResourceDescription?.Properties ?? '');
}

test('a resource is created, read, updated, listed and deleted, each change by a request of its own', async () => {
  const accepted = await create({ Name: 'a', Secret: 's', Colour: 'red', Tags: [{ Key: 'k', Value: 'v' }] });
  expect(accepted).toMatchObject({
    TypeName,
    Identifier: 'a',
    Operation: 'CREATE',
    OperationStatus: 'IN_PROGRESS',
  });
  const done = await ended(control, accepted);
  expect(done).toMatchObject({
    OperationStatus: 'SUCCESS',
    Identifier: 'a',
    RequestToken: accepted?.RequestToken,
  });
  const created = { Name: 'a', Colour: 'red', Tags: [{ Key: 'k', Value: 'v' }], Arn: 'arn:box/a' };
  expect(await propertiesOf('a')).toEqual(created);
  expect(JSON.parse(done.ResourceModel ?? '')).toEqual(created);

  const updated = await update('a', [
    { op: 'replace', path: '/Colour', value: 'green' },
    { op: 'add', path: '/Size', value: 3 },
    { op: 'remove', path: '/Tags' },
  ]);
  expect(await ended(control, updated)).toMatchObject({ Operation: 'UPDATE', OperationStatus: 'SUCCESS' });
  expect(await propertiesOf('a')).toEqual({ Name: 'a', Colour: 'green', Size: 3, Arn: 'arn:box/a' });
  expect(base.store.table<{ Secret: string }>('test.boxes').get('a')?.Secret).toBe('s');

  const { ResourceDescriptions } = await control.send(new ListResourcesCommand({ TypeName }));
  expect(ResourceDescriptions?.map(({ Identifier }) => Identifier)).toEqual(['a']);

  const { ProgressEvent } = await control.send(new DeleteResourceCommand({ TypeName, Identifier: 'a' }));
  expect(await ended(control, ProgressEvent)).toMatchObject({
    Operation: 'DELETE',
    OperationStatus: 'SUCCESS',
  });
  await expect(propertiesOf('a')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: "Resource of type 'Test::Local::Box' with identifier 'a' was not found.",
  });
});

describe('a desired state that does not fit the schema is refused at once', () => {
  test.each([
    ['unknown property', { Name: 'b', Secret: 's', Foo: 1 }, '#: extraneous key [Foo] is not permitted'],
    ['missing property', { Name: 'b' }, '#: required key [Secret] not found'],
    [
      'wrong type',
      { Name: 'b', Secret: 's', Tags: {} },
      '#/Tags: expected type: JSONArray, found: JSONObject',
    ],
    ['no enum value', { Name: 'b', Secret: 's', Colour: 'blue' }, '#/Colour: blue is not a valid enum value'],
    ['pattern', { Name: 'b c', Secret: 's' }, '#/Name: failed validation constraint for keyword [pattern]'],
    [
      'range',
      { Name: 'b', Secret: 's', Size: 0 },
      '#/Size: failed validation constraint for keyword [minimum]',
    ],
    [
      'inner property',
      { Name: 'b', Secret: 's', Tags: [{ Key: 'k' }] },
      '#/Tags/0: required key [Value] not found',
    ],
  ])('%s', async (_name, desired, message) => {
    await expect(create(desired)).rejects.toMatchObject({
      name: 'ValidationException',
      message: `Model validation failed (${message})`,
    });
  });

  test('read-only property', async () => {
    await expect(create({ Name: 'b', Secret: 's', Arn: 'mine' })).rejects.toMatchObject({
      name: 'InvalidRequestException',
      message: expect.stringContaining('[/properties/Arn]'),
    });
  });

  test.each(['{', '[]', '"x"', 'null'])('what is no JSON object: %s', async (DesiredState) => {
    await expect(control.send(new CreateResourceCommand({ TypeName, DesiredState }))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });
});

describe('an update', () => {
  test('of create-only and read-only properties is refused, given again unchanged they are not', async () => {
    await ended(control, await create({ Name: 'c', Secret: 's', Lock: { Kind: 'key', Code: '1' } }));
    await expect(update('c', [{ op: 'replace', path: '/Name', value: 'd' }])).rejects.toMatchObject({
      name: 'NotUpdatableException',
      message: 'Invalid patch update: createOnlyProperties [/properties/Name] cannot be updated',
    });
    await expect(update('c', [{ op: 'replace', path: '/Lock/Kind', value: 'pin' }])).rejects.toMatchObject({
      name: 'NotUpdatableException',
    });
    await expect(update('c', [{ op: 'replace', path: '/Arn', value: 'x' }])).rejects.toMatchObject({
      name: 'ValidationException',
    });
    const same = await update('c', [
      { op: 'add', path: '/Name', value: 'c' },
      { op: 'add', path: '/Secret', value: 'new' },
      { op: 'replace', path: '/Lock', value: { Kind: 'key', Code: '2' } },
    ]);
    expect(await ended(control, same)).toMatchObject({ OperationStatus: 'SUCCESS' });
    expect(await propertiesOf('c')).toEqual({ Name: 'c', Lock: { Kind: 'key' }, Arn: 'arn:box/c' });
    expect(base.store.table<{ Secret: string }>('test.boxes').get('c')?.Secret).toBe('new');
  });

  test.each([
    ['no array', '{}'],
    ['no JSON', 'x'],
    [
      'a write-only property replaced, which cannot be read',
      '[{"op":"replace","path":"/Secret","value":"x"}]',
    ],
    ['an invalid result', '[{"op":"add","path":"/Size","value":"large"}]'],
    ['a removed required property', '[{"op":"replace","path":"","value":7}]'],
  ])('with %s is refused', async (_name, PatchDocument) => {
    await expect(
      control.send(new UpdateResourceCommand({ TypeName, Identifier: 'c', PatchDocument })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('of what is not there is refused', async () => {
    await expect(update('none', [])).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

test('failures of handlers are told by the request, in Cloud Control’s words', async () => {
  await ended(control, await create({ Name: 'e', Secret: 's' }));
  expect(await ended(control, await create({ Name: 'e', Secret: 's' }))).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'AlreadyExists',
    StatusMessage: "Resource of type 'Test::Local::Box' with identifier 'e' already exists.",
  });
  expect(await ended(control, await create({ Name: 'limit', Secret: 's' }))).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'ServiceLimitExceeded',
    StatusMessage: 'Too many boxes',
  });
  const warned = new Promise((resolve) => process.once('warning', resolve));
  expect(await ended(control, await create({ Name: 'defect', Secret: 's' }))).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'InternalFailure',
  });
  expect(await warned).toMatchObject({ name: 'LocalCloudDefect' });
  const { ProgressEvent } = await control.send(new DeleteResourceCommand({ TypeName, Identifier: 'none' }));
  expect(await ended(control, ProgressEvent)).toMatchObject({
    OperationStatus: 'FAILED',
    ErrorCode: 'NotFound',
  });
  await expect(propertiesOf('forbidden')).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

test('types and requests that are not there are named', async () => {
  const DesiredState = '{}';
  await expect(
    control.send(new CreateResourceCommand({ TypeName: 'AWS::Foo::Bar', DesiredState })),
  ).rejects.toMatchObject({
    name: 'TypeNotFoundException',
    message: expect.stringContaining('AWS::Foo::Bar'),
  });
  await expect(
    control.send(new GetResourceRequestStatusCommand({ RequestToken: 'none' })),
  ).rejects.toMatchObject({ name: 'RequestTokenNotFoundException' });
});

test('a resource has one operation at a time, and a request that is under way cannot be cancelled', async () => {
  gate.shut();
  const first = await create({ Name: 'f', Secret: 's' });
  await vi.waitFor(() => expect(box.calls.at(-1)).toBe('create'));
  await expect(create({ Name: 'f', Secret: 's' })).rejects.toMatchObject({
    name: 'ConcurrentOperationException',
  });
  await expect(control.send(new DeleteResourceCommand({ TypeName, Identifier: 'f' }))).rejects.toMatchObject({
    name: 'ConcurrentOperationException',
  });
  const cancel = new CancelResourceRequestCommand({ RequestToken: first?.RequestToken });
  await expect(control.send(cancel)).rejects.toMatchObject({ name: 'ConcurrentModificationException' });
  const { ResourceRequestStatusSummaries } = await control.send(
    new ListResourceRequestsCommand({ ResourceRequestStatusFilter: { OperationStatuses: ['IN_PROGRESS'] } }),
  );
  expect(ResourceRequestStatusSummaries?.map(({ RequestToken }) => RequestToken)).toEqual([
    first?.RequestToken,
  ]);
  gate.release();
  expect(await ended(control, first)).toMatchObject({ OperationStatus: 'SUCCESS' });
  await expect(control.send(cancel)).rejects.toMatchObject({ name: 'ValidationException' });
});

test('a client token stands for its request, and for no other input', async () => {
  const first = await create({ Name: 'g', Secret: 's' }, 'token-1');
  await ended(control, first);
  const again = await create({ Name: 'g', Secret: 's' }, 'token-1');
  expect(again).toMatchObject({ RequestToken: first?.RequestToken, OperationStatus: 'SUCCESS' });
  await expect(create({ Name: 'h', Secret: 's' }, 'token-1')).rejects.toMatchObject({
    name: 'ClientTokenConflictException',
  });
  base.clock.advance(36 * 3_600_000);
  const later = await create({ Name: 'h', Secret: 's' }, 'token-1');
  expect(later?.RequestToken).not.toBe(first?.RequestToken);
});

test('lists come in pages', async () => {
  await Promise.all(
    ['p1', 'p2', 'p3'].map(async (Name) => ended(control, await create({ Name, Secret: 's' }))),
  );
  const names: (string | undefined)[] = [];
  let NextToken: string | undefined;
  do {
    const page = await control.send(new ListResourcesCommand({ TypeName, MaxResults: 2, NextToken }));
    expect(page.ResourceDescriptions?.length).toBeLessThanOrEqual(2);
    names.push(...(page.ResourceDescriptions ?? []).map(({ Identifier }) => Identifier));
    NextToken = page.NextToken;
  } while (NextToken);
  expect(names).toEqual([...names].sort());
  expect(names).toEqual(expect.arrayContaining(['p1', 'p2', 'p3']));

  const tokens: (string | undefined)[] = [];
  do {
    const page = await control.send(new ListResourceRequestsCommand({ MaxResults: 2, NextToken }));
    tokens.push(...(page.ResourceRequestStatusSummaries ?? []).map(({ RequestToken }) => RequestToken));
    NextToken = page.NextToken;
  } while (NextToken);
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(tokens.length).toBeGreaterThan(5);
});

test('requests are forgotten after seven days', async () => {
  const old = await create({ Name: 'old', Secret: 's' });
  await ended(control, old);
  base.clock.advance(8 * 24 * 3_600_000);
  await ended(control, await create({ Name: 'young', Secret: 's' }));
  await expect(
    control.send(new GetResourceRequestStatusCommand({ RequestToken: old?.RequestToken })),
  ).rejects.toMatchObject({ name: 'RequestTokenNotFoundException' });
});

describe('the registry', () => {
  test('describes the types that Cloud Control manages', async () => {
    const type = await formation.send(new DescribeTypeCommand({ Type: 'RESOURCE', TypeName }));
    expect(type).toMatchObject({ TypeName, ProvisioningType: 'FULLY_MUTABLE', Visibility: 'PUBLIC' });
    expect(JSON.parse(type.Schema ?? '')).toEqual(box.schema);
    const byArn = await formation.send(new DescribeTypeCommand({ Arn: type.Arn }));
    expect(byArn.TypeName).toBe(TypeName);
    const { TypeSummaries } = await formation.send(new ListTypesCommand({ Visibility: 'PUBLIC' }));
    expect(TypeSummaries?.map((summary) => summary.TypeName)).toEqual([TypeName]);
  });

  test('says what it does not have', async () => {
    await expect(
      formation.send(new DescribeTypeCommand({ Type: 'RESOURCE', TypeName: 'AWS::Foo::Bar' })),
    ).rejects.toMatchObject({ name: 'TypeNotFoundException' });
    await expect(formation.send(new ListStacksCommand({}))).rejects.toMatchObject({
      name: 'NotImplementedException',
      message: expect.stringContaining('ListStacks'),
    });
  });
});

describe('published schemas', () => {
  test('validate what AWS accepts and refuse what it does not', () => {
    const schema = loadResourceSchema('AWS::IoT::ThingGroup');
    const described = {
      ThingGroupName: 'Devices',
      ThingGroupProperties: { ThingGroupDescription: 'All of them' },
    };
    expect(violations(schema, described)).toEqual([]);
    expect(violations(schema, { ...described, Tags: [{ Key: 'k' }] })).toEqual([
      '#/Tags/0: required key [Value] not found',
    ]);
    const lambda = loadResourceSchema('AWS::Lambda::Function');
    const code = { S3Bucket: 'bucket', S3Key: 'key' };
    expect(violations(lambda, { Code: code, Role: 'arn:aws:iam::000000000000:role/r' })).toEqual([]);
    expect(violations(lambda, { Code: { ...code, S3Bucket: 'dot.' }, Role: 'nobody' })).toHaveLength(2);
  });

  test('a pattern that JavaScript cannot read accepts everything', () => {
    expect(registryPattern('(?i)unreadable[').test('anything')).toBe(true);
    expect(registryPattern('^[\\p{Graph}\\x20]*$').test('a b')).toBe(true);
    expect(registryPattern('^[\\p{Graph}\\x20]*$').test('a\nb')).toBe(false);
  });
});

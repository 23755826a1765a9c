import * as sdk from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { matches } from '../../src/services/iot/fleet-index/matching.js';
import { readQuery } from '../../src/services/iot/fleet-index/query.js';
import { type IotCloud, openIotCloud } from './cloud.js';
import { ALLOW_ALL, connect, iotClient, newIdentity, sdkConfig } from './fleet.js';

const fields = new Map<string, (string | number | boolean)[]>([
  ['thingName', ['Pump-7']],
  ['thingGroupNames', ['harbour', 'north']],
  ['attributes.site', ['Old Harbour wall']],
  ['attributes.year', ['1998']],
  ['shadow.reported.level', [7.5]],
  ['connectivity.connected', [true]],
]);

describe('a query', () => {
  test.each([
    ['thingName:pump-7', true],
    ['thingName:pump*', true],
    ['thingName:*-7', true],
    ['thingName:pump-?', true],
    ['thingName:pump', false],
    ['thingName:pump\\*', false],
    ['thingGroupNames:north', true],
    ['thingGroupNames:(south OR north)', true],
    ['attributes.site:harbour', true],
    ['attributes.site:"harbour WALL"', true],
    ['attributes.site:"old wall"', false],
    ['attributes.year:[1990 TO 2000]', true],
    ['attributes.year:{1998 TO 2000]', false],
    ['attributes.year:[* TO 1998]', true],
    ['attributes.year:>1997', true],
    ['attributes.year:<=1997', false],
    ['shadow.reported.level:7.5', true],
    ['shadow.reported.level:{-1 TO 8}', true],
    ['connectivity.connected:true', true],
    ['connectivity.connected:false', false],
    ['connectivity.connected:true thingName:other', false],
    ['connectivity.connected:true AND NOT thingName:other', true],
    ['thingName:(pump* AND -pump-7)', false],
    ['thingName:other OR (harbour AND true)', true],
    ['attributes.other:*', false],
    ['attributes.site:*', true],
    ['*', true],
    ['north', true],
  ])('%s: %s', (text, expected) => {
    expect(matches(readQuery(text), fields)).toBe(expected);
  });

  test.each([
    [''],
    ['thingName:'],
    ['(thingName:a'],
    ['thingName:a)'],
    ['thingName:[1 TO'],
    ['thingName:[1 2]'],
    ['AND )'],
    ['thingName:a/b'],
    ['a b c d e f g h i j k l m'],
    ['thingName:*a thingGroupNames:*b'],
    ['('.repeat(200)],
  ])('%j is refused', (text) => {
    expect(() => readQuery(text)).toThrow(expect.objectContaining({ name: 'InvalidQueryException' }));
  });

  test('of any text is read or refused, and matches in time', () => {
    const pieces = fc.constantFrom(
      'a',
      'thingName:',
      '*',
      '?',
      '(',
      ')',
      '[1 TO 2]',
      '"x y"',
      ' AND ',
      ' OR ',
      '-',
      '\\',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (text) => {
          try {
            matches(readQuery(text), fields);
          } catch (error) {
            expect(error).toBeInstanceOf(sdk.InvalidQueryException);
          }
        },
      ),
    );
  });
});

describe('the index of things', () => {
  let cloud: IotCloud;
  let iot: sdk.IoTClient;
  beforeAll(async () => {
    cloud = await openIotCloud();
    iot = iotClient(cloud);
  });
  afterAll(() => cloud.close());
  const search = (queryString: string, more: Partial<sdk.SearchIndexCommandInput> = {}) =>
    iot.send(new sdk.SearchIndexCommand({ queryString, ...more }));
  const index = (thingIndexingConfiguration: sdk.ThingIndexingConfiguration) =>
    iot.send(new sdk.UpdateIndexingConfigurationCommand({ thingIndexingConfiguration }));

  test('is not there until it is enabled, and shows things, groups, shadows and connections', async () => {
    await expect(search('*')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('UpdateIndexingConfiguration'),
    });
    await index({ thingIndexingMode: 'REGISTRY' });
    await expect(search('connectivity.connected:true')).rejects.toMatchObject({
      name: 'InvalidQueryException',
    });
    await expect(search('shadow.reported.a:1')).rejects.toMatchObject({ name: 'InvalidQueryException' });
    await index({
      thingIndexingMode: 'REGISTRY_AND_SHADOW',
      thingConnectivityIndexingMode: 'STATUS',
      namedShadowIndexingMode: 'ON',
      filter: { namedShadowNames: ['place'] },
    });
    await expect(iot.send(new sdk.DescribeIndexCommand({ indexName: 'AWS_Things' }))).resolves.toMatchObject({
      indexStatus: 'ACTIVE',
      schema: 'MULTI_INDEXING_MODE',
    });
    await expect(iot.send(new sdk.ListIndicesCommand({}))).resolves.toMatchObject({
      indexNames: ['AWS_Things'],
    });

    const data = new IoTDataPlaneClient(sdkConfig(cloud));
    await iot.send(new sdk.CreateThingGroupCommand({ thingGroupName: 'north' }));
    for (let number = 0; number < 5; number += 1) {
      const thingName = `pump-${number}`;
      await iot.send(
        new sdk.CreateThingCommand({
          thingName,
          attributePayload: { attributes: { number: String(number) } },
        }),
      );
      if (number < 3) {
        await iot.send(new sdk.AddThingToThingGroupCommand({ thingName, thingGroupName: 'north' }));
      }
    }
    const shadow = (shadowName: string | undefined, reported: object) =>
      data.send(
        new UpdateThingShadowCommand({
          thingName: 'pump-1',
          ...(shadowName !== undefined && { shadowName }),
          payload: Buffer.from(JSON.stringify({ state: { reported } })),
        }),
      );
    await shadow(undefined, { level: 3 });
    await shadow('place', { pier: { number: 4 } });
    await shadow('other', { secret: 1 });
    data.destroy();
    const device = await connect(cloud, await newIdentity(iot, 'pumps', ALLOW_ALL), 'pump-2');

    const [one] =
      (await search('thingGroupNames:north AND shadow.name.place.reported.pier.number:[4 TO 4]')).things ??
      [];
    expect(one).toMatchObject({
      thingName: 'pump-1',
      thingGroupNames: ['north'],
      attributes: { number: '1' },
      connectivity: { connected: false },
    });
    const document: unknown = JSON.parse(one?.shadow ?? '');
    expect(document).toMatchObject({
      reported: { level: 3 },
      hasDelta: false,
      version: 1,
      name: { place: { reported: { pier: { number: 4 } }, version: 1 } },
    });
    expect(JSON.stringify(document)).not.toContain('secret');
    const connected = (await search('connectivity.connected:true')).things;
    expect(connected).toMatchObject([
      {
        thingName: 'pump-2',
        connectivity: { connected: true, timestamp: expect.any(Number), clientId: 'pump-2' },
      },
    ]);
    await device.endAsync();

    const first = await search('thingName:pump*', { maxResults: 2 });
    const second = await search('thingName:pump*', { maxResults: 3, nextToken: first.nextToken });
    expect([first, second].map(({ things = [] }) => things.map(({ thingName }) => thingName))).toEqual([
      ['pump-0', 'pump-1'],
      ['pump-2', 'pump-3', 'pump-4'],
    ]);
    expect(second.nextToken).toBeUndefined();
    await expect(search('*', { maxResults: 101 })).rejects.toMatchObject({ name: 'InvalidRequestException' });
    await expect(search('*', { indexName: 'AWS_ThingGroups' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('refuses configurations that contradict themselves, or are not built', async () => {
    const refused = { name: 'InvalidRequestException' };
    await expect(
      index({ thingIndexingMode: 'OFF', thingConnectivityIndexingMode: 'STATUS' }),
    ).rejects.toMatchObject(refused);
    await expect(
      index({ thingIndexingMode: 'REGISTRY', filter: { namedShadowNames: ['a'] } }),
    ).rejects.toMatchObject(refused);
    await expect(
      index({ thingIndexingMode: 'REGISTRY', deviceDefenderIndexingMode: 'VIOLATIONS' }),
    ).rejects.toMatchObject(refused);
  });
});

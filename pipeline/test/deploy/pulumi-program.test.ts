import { getAzs } from '@pulumi/aws-native/getAzs.js';
import { getRegion } from '@pulumi/aws-native/getRegion.js';
import { Policy, RoleAlias, ThingGroup } from '@pulumi/aws-native/iot/index.js';
import { Provider } from '@pulumi/aws-native/provider.js';
import { Bucket } from '@pulumi/aws-native/s3/index.js';
import pulumi from '@pulumi/pulumi';
import { afterEach, describe, expect, it } from 'vitest';
import { UNKNOWN } from '../../src/deploy/json.js';
import type { DesiredResource } from '../../src/deploy/plan.js';
import { stackProgram } from '../../src/deploy/pulumi-program.js';
import type { Register } from '../../src/deploy/stack-program.js';
import { publishedSchema } from './published-schemas.js';

const PLACE = { account: '123456789012', region: 'eu-west-1', partition: 'aws' };

/** Runs a program; `cloud` says what a resource gets besides its inputs. */
async function evaluate(
  run: () => Promise<object>,
  {
    mode = 'apply',
    cloud = {},
    config = {},
  }: { mode?: 'preview' | 'apply'; cloud?: object; config?: Record<string, string> } = {},
) {
  const desired: DesiredResource[] = [];
  const register: Register = async (resource) => {
    desired.push(resource);
    return JSON.parse(
      JSON.stringify({
        ...(mode === 'apply' && { identifier: `id-of-${resource.name}` }),
        properties: { ...resource.properties, ...cloud },
      }),
    );
  };
  const program = stackProgram({ run, project: 'p', stack: 's', config, ...PLACE }, async (type) =>
    publishedSchema(type),
  );
  return { outputs: await program(register, mode), desired };
}

/** A resource of a provider that the program should not use. */
class Foreign extends pulumi.CustomResource {}

const listeners = process.listenerCount('unhandledRejection');
afterEach(() => {
  expect(process.listenerCount('unhandledRejection')).toBe(listeners);
});

describe('stackProgram', () => {
  it('hands over each resource under its CloudFormation type and names', async () => {
    const { desired, outputs } = await evaluate(
      async () => {
        const group = new ThingGroup('group', {
          thingGroupName: 'g',
          thingGroupProperties: { thingGroupDescription: 'd' },
        });
        return { arn: group.arn, id: group.id, nested: { name: group.thingGroupName } };
      },
      { cloud: { Arn: 'arn-of-g' } },
    );
    expect(desired).toEqual([
      {
        key: 'aws-native:iot:ThingGroup::group',
        name: 'group',
        type: 'AWS::IoT::ThingGroup',
        properties: { ThingGroupName: 'g', ThingGroupProperties: { ThingGroupDescription: 'd' } },
        dependencies: [],
        options: {
          retainOnDelete: false,
          protect: false,
          deleteBeforeReplace: false,
          replaceOnChanges: [['parentGroupName'], ['thingGroupName']],
        },
      },
    ]);
    expect(outputs).toEqual({ arn: 'arn-of-g', id: 'id-of-group', nested: { name: 'g' } });
  });

  const chain = async () => {
    const group = new ThingGroup('group', { thingGroupName: 'g' });
    const alias = new RoleAlias('alias', { roleAlias: 'a', roleArn: pulumi.interpolate`role/${group.arn}` });
    new Policy(
      'policy',
      { policyDocument: { list: [1, { deep: alias.roleAliasArn }] } },
      { dependsOn: [group], retainOnDelete: true, protect: true, deleteBeforeReplace: true },
    );
    return { alias: alias.roleAliasArn };
  };

  it('resolves what one resource needs of another, and reports dependencies and options', async () => {
    const { desired } = await evaluate(chain, { cloud: { Arn: 'x', RoleAliasArn: 'y' } });
    expect(desired.map(({ name, properties }) => [name, properties])).toEqual([
      ['group', { ThingGroupName: 'g' }],
      ['alias', { RoleAlias: 'a', RoleArn: 'role/x' }],
      ['policy', { PolicyDocument: { list: [1, { deep: 'y' }] } }],
    ]);
    const [, alias, policy] = desired;
    expect(alias?.dependencies).toEqual(['aws-native:iot:ThingGroup::group']);
    expect([...(policy?.dependencies ?? [])].sort()).toEqual([
      'aws-native:iot:RoleAlias::alias',
      'aws-native:iot:ThingGroup::group',
    ]);
    expect(policy?.options).toMatchObject({ retainOnDelete: true, protect: true, deleteBeforeReplace: true });
  });

  it('previews with what is known, and says what is not', async () => {
    const { desired, outputs } = await evaluate(chain, { mode: 'preview' });
    expect(desired.map(({ name, properties }) => [name, properties])).toEqual([
      ['group', { ThingGroupName: 'g' }],
      ['alias', { RoleAlias: 'a', RoleArn: UNKNOWN }],
      ['policy', { PolicyDocument: { list: [1, { deep: UNKNOWN }] } }],
    ]);
    expect(outputs).toBeUndefined();
    const known = await evaluate(chain, { mode: 'preview', cloud: { Arn: 'x', RoleAliasArn: 'y' } });
    expect(known.outputs).toEqual({ alias: 'y' });
  });

  it('answers where it is, and gives the configuration', async () => {
    const { outputs } = await evaluate(
      async () => ({ ...(await getRegion()), days: new pulumi.Config('p').requireNumber('days') }),
      { config: { 'p:days': '7' } },
    );
    expect(outputs).toEqual({ region: 'eu-west-1', days: 7 });
  });

  it('sees through components', async () => {
    class Both extends pulumi.ComponentResource {
      constructor(name: string) {
        super('p:index:Both', name);
        const group = new ThingGroup('inner', { thingGroupName: 'g' }, { parent: this });
        new Policy('policy', { policyDocument: {} }, { parent: this, dependsOn: [group] });
      }
    }
    const { desired } = await evaluate(async () => ({ of: new Both('both').urn }));
    expect(desired.map(({ key, dependencies }) => [key, dependencies])).toEqual([
      ['aws-native:iot:ThingGroup::inner', []],
      ['aws-native:iot:Policy::policy', ['aws-native:iot:ThingGroup::inner']],
    ]);
  });

  it('keeps programs apart that run at once', async () => {
    const program = (name: string) => async () => {
      const group = new ThingGroup(name, { thingGroupName: name });
      return { name: group.thingGroupName };
    };
    const names = ['a', 'b', 'c'];
    const all = await Promise.all(names.map((name) => evaluate(program(name))));
    expect(all.map(({ outputs, desired }) => [outputs, desired.map((one) => one.name)])).toEqual(
      names.map((name) => [{ name }, [name]]),
    );
  });

  it.each<[string, () => Promise<object>, RegExp]>([
    [
      'the program',
      async () => {
        throw new Error('broken program');
      },
      /broken program/,
    ],
    [
      'an apply of the program',
      async () => {
        const group = new ThingGroup('group', { thingGroupName: 'g' });
        new Policy('policy', {
          policyDocument: group.id.apply(() => {
            throw new Error('broken apply');
          }),
        });
        return {};
      },
      /broken apply/,
    ],
    [
      'another provider',
      async () => new Foreign('aws:iot/thing:Thing', 't', {}),
      /cannot deploy aws:iot\/thing:Thing/,
    ],
    [
      'an explicit provider',
      async () => new Provider('other', { region: 'us-east-1' }),
      /cannot deploy pulumi:providers:aws-native/,
    ],
    [
      'a secret',
      async () => new Policy('policy', { policyDocument: pulumi.secret({ a: 1 }) }),
      /policy: the local target does not take a secret/,
    ],
    [
      'an asset',
      async () => new Policy('policy', { policyDocument: new pulumi.asset.StringAsset('x') }),
      /policy: the local target does not take a/,
    ],
    [
      'ignoreChanges',
      async () => new Policy('policy', { policyDocument: {} }, { ignoreChanges: ['policyDocument'] }),
      /policy: .* resource option ignoreChanges/,
    ],
    [
      'an import',
      async () => new Policy('policy', { policyDocument: {} }, { import: 'x' }),
      /resource option import/,
    ],
    [
      'two resources of one name',
      async () => [new Bucket('b'), new Bucket('b')],
      /Two resources of the program are called aws-native:s3:Bucket::b/,
    ],
    [
      'another provider function',
      async () => getAzs({}),
      /does not answer the provider function aws-native:index:getAzs/,
    ],
  ])('tells what is wrong with %s', async (_, run, message) => {
    await expect(evaluate(run)).rejects.toThrow(message);
  });

  it('ends when a resource fails, with that error', async () => {
    const failing: Register = async ({ name }) => {
      throw new Error(`no ${name}`);
    };
    const program = stackProgram(
      { run: chain, project: 'p', stack: 's', config: {}, ...PLACE },
      async (type) => publishedSchema(type),
    );
    await expect(program(failing, 'apply')).rejects.toThrow('no group');
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudControlClient } from '@aws-sdk/client-cloudcontrol';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { ManualClock } from '../../src/clock.js';
import { AwsError } from '../../src/errors.js';
import { front } from '../../src/http/front.js';
import { listenHttp } from '../../src/http/listener.js';
import type { Base } from '../../src/plugin.js';
import type { ResourceProperties, ResourceType } from '../../src/resource-type.js';
import { cloudControl } from '../../src/services/cloudcontrol/cloudcontrol.js';
import { cloudFormation } from '../../src/services/cloudformation/cloudformation.js';
import type { RoleAuthority } from '../../src/services/iam/role-authority.js';
import { openStore } from '../../src/store/store.js';
import { atEnd } from '../support/at-end.js';

/** Calls of a resource type's handlers that wait until a test lets them go on. */
export class Gate {
  #open = Promise.resolve();
  #release = () => {};

  shut(): void {
    this.#open = new Promise((resolve) => {
      this.#release = resolve;
    });
  }
  release(): void {
    this.#release();
  }
  pass(): Promise<void> {
    return this.#open;
  }
}

/** A base with a store and a clock of its own. */
export function testBase(): Base & { clock: ManualClock } {
  const directory = mkdtempSync(join(tmpdir(), 'cloudcontrol-'));
  const store = openStore(directory);
  atEnd(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    store,
    stateDirectory: directory,
    clock: new ManualClock(),
    accountId: '000000000000',
    region: 'eu-central-1',
    log: () => {},
  };
}

/** No role may do anything; the tests call as the account. */
const roles: RoleAuthority = { decide: () => 'implicitDeny' };

/** Serves Cloud Control and CloudFormation for `types` over HTTP. */
export async function serve(base: Base, types: readonly ResourceType[]) {
  const control = cloudControl(base, types, { roles });
  const services = [...control.services, ...cloudFormation(base, types, { roles }).services];
  const { accountId, clock } = base;
  const http = await listenHttp(
    front({ services, credentials: () => undefined, accountId, clock }),
    '127.0.0.1',
    0,
  );
  const config = {
    endpoint: `http://127.0.0.1:${http.port}`,
    region: base.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const clients = { control: new CloudControlClient(config), formation: new CloudFormationClient(config) };
  atEnd(async () => {
    clients.control.destroy();
    clients.formation.destroy();
    await http.close();
  });
  return { ...clients, close: () => control.close?.() };
}

/** A resource type with every kind of property, whose resources are kept in the store. */
export function boxType(base: Base, gate = new Gate()): ResourceType & { calls: string[] } {
  const table = base.store.table<Record<string, unknown>>('test.boxes');
  const calls: string[] = [];
  return {
    typeName: 'Test::Local::Box',
    calls,
    schema: {
      typeName: 'Test::Local::Box',
      description: 'A box',
      additionalProperties: false,
      definitions: {
        Tag: {
          type: 'object',
          additionalProperties: false,
          properties: { Key: { type: 'string' }, Value: { type: 'string' } },
          required: ['Key', 'Value'],
        },
      },
      properties: {
        Name: { type: 'string', minLength: 1, pattern: '^[\\p{Alnum}_-]+$' },
        Colour: { type: 'string', enum: ['red', 'green'] },
        Size: { type: 'integer', minimum: 1 },
        Secret: { type: 'string' },
        Lock: {
          type: 'object',
          additionalProperties: false,
          properties: { Kind: { type: 'string' }, Code: { type: 'string' } },
        },
        Tags: { type: 'array', uniqueItems: true, items: { $ref: '#/definitions/Tag' } },
        Odd: { type: 'string', pattern: '(?i)unreadable[' },
        Arn: { type: 'string' },
      },
      required: ['Name', 'Secret'],
      primaryIdentifier: ['/properties/Name'],
      createOnlyProperties: ['/properties/Name', '/properties/Lock/Kind'],
      readOnlyProperties: ['/properties/Arn'],
      writeOnlyProperties: ['/properties/Secret', '/properties/Lock/Code'],
      handlers: { create: {}, read: {}, update: {}, delete: {}, list: {} },
    },
    async create(desired) {
      calls.push('create');
      if (desired.Name === 'limit') throw new AwsError('LimitExceededException', 'Too many boxes');
      if (desired.Name === 'defect') throw new TypeError('a defect');
      await gate.pass();
      table.put(String(desired.Name), { ...desired, Arn: `arn:box/${desired.Name}` });
      return String(desired.Name);
    },
    read(identifier): ResourceProperties | undefined {
      if (identifier === 'forbidden') throw new AwsError('AccessDeniedException', 'Not this one', 403);
      return table.get(identifier);
    },
    async update(identifier, desired) {
      calls.push('update');
      await gate.pass();
      const secret = desired.Secret ?? table.get(identifier)?.Secret;
      table.put(identifier, { ...desired, Secret: secret, Arn: `arn:box/${identifier}` });
    },
    async delete(identifier) {
      calls.push('delete');
      await gate.pass();
      table.delete(identifier);
    },
    list: () => [...table.entries()].map(([name]) => name),
  };
}

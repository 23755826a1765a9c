import { Sha256 } from '@aws-crypto/sha256-js';
import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { IoTClient, ListThingPrincipalsCommand } from '@aws-sdk/client-iot';
import { fromCognitoIdentityPool } from '@aws-sdk/credential-providers';
import {
  AllowlistAnswer,
  AllowlistChange,
  ApiProblem,
  type DashboardConfig,
  DeploymentsPage,
  DevicesAnswer,
  EventsPage,
  FleetPage,
  names,
  RotationAnswer,
  SessionAnswer,
  TelemetryAnswer,
  topics,
} from '@mooring/contracts';
import { SignatureV4 } from '@smithy/signature-v4';
import { beforeAll, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { atEnd } from '../../../local-cloud/test/support/at-end.js';
import { dashboardConfig } from '../../src/dashboard/cloud.js';
import { publishDashboard } from '../../src/dashboard/publish.js';
import { withDashboardUsers } from '../../src/dashboard/users.js';
import { deployLocal } from '../../src/deploy/index.js';
import { withDashboardChanges } from '../../src/fleet-sync/dashboard-changes.js';
import { provision } from '../../src/provisioning/provision.js';
import { type Credentials, clientConfig } from '../../src/target.js';
import { DeviceConnection, joinFleet } from './certified-device.js';
import { type RunningCloud, startCloud } from './running-cloud.js';

const ALLOWLIST = '# the fleet\nd1\nd2\n';
let cloud: RunningCloud;
let iot: IoTClient;
let config: DashboardConfig;

beforeAll(async () => {
  cloud = await startCloud();
  atEnd(() => cloud.stop());
  await deployLocal(cloud.target);
  await provision(cloud.target, ALLOWLIST);
  config = await dashboardConfig(cloud.target);
  iot = new IoTClient(clientConfig(cloud.target));
  atEnd(() => iot.destroy());
});

/** Credentials as the page gets them: of a guest, or of who signs in with a first password. */
async function visit(idToken?: string): Promise<Credentials> {
  const provider = `cognito-idp.${config.region}.amazonaws.com/${config.userPoolId}`;
  return fromCognitoIdentityPool({
    identityPoolId: config.identityPoolId,
    clientConfig: { region: config.region, endpoint: config.cognitoIdentityUrl },
    ...(idToken !== undefined && { logins: { [provider]: idToken } }),
  })();
}

async function signIn(name: string, password: string): Promise<string> {
  const cognito = new CognitoIdentityProviderClient({ ...clientConfig(cloud.target) });
  const ClientId = config.userPoolClientId;
  const { Session } = await cognito.send(
    new InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId,
      AuthParameters: { USERNAME: name, PASSWORD: password },
    }),
  );
  const { AuthenticationResult } = await cognito.send(
    new RespondToAuthChallengeCommand({
      ...{ ChallengeName: 'NEW_PASSWORD_REQUIRED', ClientId, Session },
      ChallengeResponses: { USERNAME: name, NEW_PASSWORD: 'Chosen-2-Myself' },
    }),
  );
  cognito.destroy();
  return AuthenticationResult?.IdToken ?? '';
}

/** What AWS IoT tells, the tables and the index have soon after. */
function eventually(seen: () => Promise<void>): Promise<void> {
  return vi.waitFor(seen, { timeout: 30_000, interval: 100 });
}

/** A signed request to a function's URL. */
async function ask(credentials: Credentials, method: string, url: string, body?: object): Promise<Response> {
  const { hostname, host, pathname, searchParams } = new URL(url);
  const query: Record<string, string[]> = {};
  for (const name of searchParams.keys()) query[name] = searchParams.getAll(name);
  const signer = new SignatureV4({ credentials, region: config.region, service: 'lambda', sha256: Sha256 });
  const text = body && JSON.stringify(body);
  const { headers } = await signer.sign({
    ...{ method, protocol: 'http:', hostname, path: pathname, query },
    headers: { host, ...(text !== undefined && { 'content-type': 'application/json' }) },
    ...(text !== undefined && { body: text }),
  });
  return fetch(url, { method, headers, ...(text !== undefined && { body: text }) });
}

async function read<T>(schema: z.ZodType<T>, answer: Promise<Response>): Promise<T> {
  const response = await answer;
  const body = await response.text();
  expect(response.status, body).toBe(200);
  return schema.parse(JSON.parse(body));
}

it('the page is published once, is served with its headers, and says nothing secret', async () => {
  const first = await publishDashboard(cloud.target);
  expect(first.written.at(-1)).toBe('index.html');
  await expect(publishDashboard(cloud.target)).resolves.toMatchObject({ written: [], deleted: [] });
  const page = await fetch(first.url);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(await page.text()).toContain('<script type="module"');
  expect(await (await fetch(new URL('config.json', first.url))).json()).toEqual(config);
});

it('a guest sees the fleet, and may neither act nor publish', async () => {
  const identity = await joinFleet(iot, 'd1', 3650);
  const device = await DeviceConnection.open(cloud, 'd1', identity);
  const guest = await visit();
  await eventually(async () => {
    const { devices } = await read(FleetPage, ask(guest, 'GET', `${config.readerUrl}/fleet`));
    expect(devices).toMatchObject([{ thing: 'd1', connected: true }]);
  });
  const details = `${config.readerUrl}/devices?thing=d1&thing=nobody`;
  expect(await read(DevicesAnswer, ask(guest, 'GET', details))).toMatchObject({
    devices: [{ thing: 'd1', connected: true, certificates: [{ status: 'ACTIVE' }], components: [] }],
  });
  await device.publish(topics.telemetry('d1'), { frequency: 3, blinking: true });
  await eventually(async () => {
    const { points } = await read(
      TelemetryAnswer,
      ask(
        guest,
        'GET',
        `${config.readerUrl}/devices/d1/telemetry?from=${Date.now() - 600_000}&to=${Date.now()}&points=100`,
      ),
    );
    expect(points).toMatchObject([{ frequency: 3, blinking: true }]);
  });
  await eventually(async () => {
    const { events } = await read(EventsPage, ask(guest, 'GET', `${config.readerUrl}/events?thing=d1`));
    expect(events.map(({ type }) => type)).toContain('connected');
  });
  expect(await read(AllowlistAnswer, ask(guest, 'GET', `${config.readerUrl}/allowlist`))).toEqual({
    serials: [
      { serial: 'd1', joined: true },
      { serial: 'd2', joined: false },
    ],
  });
  expect(await read(DeploymentsPage, ask(guest, 'GET', `${config.readerUrl}/deployments`))).toEqual({
    deployments: [],
  });
  expect((await ask(guest, 'DELETE', `${config.operatorUrl}/allowlist/d1`)).status).toBe(403);
  expect((await ask({ ...guest, secretAccessKey: 'x' }, 'GET', `${config.readerUrl}/fleet`)).status).toBe(
    403,
  );
});

it('an operator rotates and removes; the change outlives the allowlist of the repository', async () => {
  const password = await withDashboardUsers(cloud.target, (users) => users.add('olga', 'operator'));
  await expect(withDashboardUsers(cloud.target, (users) => users.list())).resolves.toMatchObject([
    { name: 'olga', role: 'operator', status: 'FORCE_CHANGE_PASSWORD' },
  ]);
  const idToken = await signIn('olga', password);
  const operator = await visit(idToken);
  const session = await read(
    SessionAnswer,
    ask(operator, 'POST', `${config.sessionUrl}/session`, { idToken }),
  );
  expect(session.identityId).toMatch(`${config.region}:`);
  const problem = async (answer: Promise<Response>) => ApiProblem.parse(await (await answer).json());
  expect(
    await problem(ask(operator, 'POST', `${config.sessionUrl}/session`, { idToken: `${idToken}x` })),
  ).toMatchObject({ code: 'TokenRefused' });

  const identity = await joinFleet(iot, 'd2', 3650);
  const device = await DeviceConnection.open(cloud, 'd2', identity);
  await device.subscribe(topics.csrRequest('d2'));
  expect(
    await read(RotationAnswer, ask(operator, 'POST', `${config.operatorUrl}/devices/d2/rotation`)),
  ).toEqual({ thing: 'd2', requested: true });
  await device.next(topics.csrRequest('d2'));
  expect(await problem(ask(operator, 'POST', `${config.operatorUrl}/devices/nobody/rotation`))).toMatchObject(
    { code: 'NoSuchDevice' },
  );

  const removed = await read(AllowlistChange, ask(operator, 'DELETE', `${config.operatorUrl}/allowlist/d2`));
  expect(removed).toEqual({
    ...{ serial: 'd2', allowed: false, changed: true },
    certificates: [identity.certificateId],
  });
  await device.closed;
  await expect(iot.send(new ListThingPrincipalsCommand({ thingName: 'd2' }))).rejects.toThrow();

  // Provisioning again with the file as it was does not let the device in again.
  await provision(cloud.target, ALLOWLIST);
  const { serials } = await read(AllowlistAnswer, ask(operator, 'GET', `${config.readerUrl}/allowlist`));
  expect(serials.map(({ serial }) => serial)).toEqual(['d1']);
  const { text, changes } = await withDashboardChanges(cloud.target, ALLOWLIST);
  expect(text).toBe('# the fleet\nd1\n');
  expect(changes).toMatchObject([
    { serial: 'd2', allowed: false, by: expect.stringContaining(names.operatorsRole) },
  ]);
  expect(await read(AllowlistChange, ask(operator, 'PUT', `${config.operatorUrl}/allowlist/d2`))).toEqual({
    serial: 'd2',
    allowed: true,
    changed: true,
  });
  expect((await withDashboardChanges(cloud.target, ALLOWLIST)).changes).toEqual([]);
});

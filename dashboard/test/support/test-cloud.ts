import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DashboardConfig, DEVICES_AT_ONCE } from '@mooring/contracts';
import { TestBroker } from './test-broker.js';
import { TestFleet } from './test-fleet.js';

const PAGE = fileURLToPath(new URL('../../dist/page', import.meta.url));
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** Things on one page of the list, as few as the fleet index gives. */
const PAGE_SIZE = 250;

/**
 * What the page needs of a cloud, answering as the contract says, with as many devices and messages as a test wants.
 * It plays no AWS: signatures are asked for and not checked.
 */
export class TestCloud {
  readonly broker: TestBroker;
  readonly fleet: TestFleet;
  /** Paths that were asked, with their queries. */
  readonly asked: string[] = [];
  /** Groups of whoever signs in. */
  groups: string[] = ['operators'];
  guests = true;
  /** Whether refresh tokens are refused. */
  revoked = false;
  /** Operations of Cognito that were called. */
  readonly calls: string[] = [];
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private down = false;

  constructor(count: number, now = Date.now()) {
    this.fleet = new TestFleet(count, now);
    this.broker = new TestBroker(this.server);
    this.broker.received = (topic, payload) => this.play(topic, payload);
  }

  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return this.url;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Answers nothing any more until {@link recover}. */
  fail(): void {
    this.down = true;
    this.broker.drop();
    this.server.closeAllConnections();
  }

  recover(): void {
    this.down = false;
  }

  get isDown(): boolean {
    return this.down;
  }

  async stop(): Promise<void> {
    this.broker.drop();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Devices answer what they are told. */
  private play(topic: string, payload: Buffer): void {
    const [direction, thing = '', what] = topic.split('/');
    if (direction !== 'device' || !this.fleet.devices.has(thing)) return;
    if (what === 'frequency') {
      const { frequency } = JSON.parse(payload.toString()) as { frequency: number };
      this.fleet.frequency.set(thing, frequency);
      this.broker.publish(`lambda/${thing}/frequency`, { frequency });
    }
    if (what === 'button') {
      const state = !this.fleet.blinking.get(thing);
      this.fleet.blinking.set(thing, state);
      this.broker.publish(`lambda/${thing}/button`, { state });
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.down) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', this.url);
    const target = request.headers['x-amz-target'];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (typeof target === 'string') return send(response, ...this.cognito(target.split('.')[1] ?? '', body));
    if (url.pathname.startsWith('/reader/') || url.pathname.startsWith('/operator/')) {
      this.asked.push(`${request.method} ${url.pathname}${url.search}`);
      if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
        return send(response, 403, { Message: 'Forbidden' });
      }
      return send(response, ...this.api(request.method ?? 'GET', url));
    }
    if (url.pathname === '/session/session') return send(response, 200, { identityId: 'eu-central-1:1' });
    if (url.pathname === '/page/config.json') return send(response, 200, this.config());
    await this.file(url.pathname.replace(/^\/page\//, ''), response);
  }

  /** What `config.json` says. */
  config(): DashboardConfig {
    return {
      stack: 'test',
      region: 'eu-central-1',
      cognitoUserPoolsUrl: this.url,
      cognitoIdentityUrl: this.url,
      mqttUrl: `${this.url.replace('http', 'ws')}/mqtt`,
      sessionUrl: `${this.url}/session`,
      readerUrl: `${this.url}/reader`,
      operatorUrl: `${this.url}/operator`,
      userPoolId: 'eu-central-1_test',
      userPoolClientId: 'client',
      identityPoolId: 'eu-central-1:pool',
      guests: this.guests,
    };
  }

  private cognito(operation: string, body: string): [number, object] {
    const input = JSON.parse(body) as { AuthFlow?: string; AuthParameters?: Record<string, string> };
    this.calls.push(operation === 'InitiateAuth' ? `${operation} ${input.AuthFlow}` : operation);
    const soon = Date.now() / 1_000 + 3_600;
    switch (operation) {
      case 'GetId':
        return [200, { IdentityId: 'eu-central-1:11111111-1111-4111-8111-111111111111' }];
      case 'GetCredentialsForIdentity':
        return [
          200,
          {
            Credentials: {
              AccessKeyId: 'ASIA',
              SecretKey: 'secret',
              SessionToken: 'token',
              Expiration: soon,
            },
          },
        ];
      case 'InitiateAuth': {
        const { USERNAME = 'ada', PASSWORD } = input.AuthParameters ?? {};
        if (this.revoked && input.AuthFlow === 'REFRESH_TOKEN_AUTH') {
          return [400, { __type: 'NotAuthorizedException', message: 'Refresh Token has been revoked' }];
        }
        if (PASSWORD === 'wrong') {
          return [400, { __type: 'NotAuthorizedException', message: 'Incorrect username or password.' }];
        }
        if (PASSWORD === 'temporary') {
          return [
            200,
            {
              ChallengeName: 'NEW_PASSWORD_REQUIRED',
              Session: 's',
              ChallengeParameters: { USER_ID_FOR_SRP: USERNAME },
            },
          ];
        }
        return [200, this.tokens(USERNAME, soon)];
      }
      case 'RespondToAuthChallenge':
        return [200, this.tokens('ada', soon)];
      default:
        return [200, {}];
    }
  }

  private tokens(name: string, exp: number): object {
    const claims = { sub: 's', exp, 'cognito:username': name, 'cognito:groups': this.groups };
    const encoded = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return { AuthenticationResult: { IdToken: `e30.${encoded}.x`, RefreshToken: 'refresh' } };
  }

  private api(method: string, url: URL): [number, object] {
    const [, , what, name, more] = url.pathname.split('/').map(decodeURIComponent);
    const next = Number(url.searchParams.get('next') ?? 0);
    const { fleet } = this;
    switch (`${method} ${what}${name === undefined ? '' : '/:name'}${more === undefined ? '' : `/${more}`}`) {
      case 'GET fleet': {
        const devices = fleet.summaries().slice(next, next + PAGE_SIZE);
        const end = next + PAGE_SIZE >= fleet.devices.size;
        return [200, { devices, next: end ? undefined : String(next + PAGE_SIZE) }];
      }
      case 'GET devices': {
        const things = url.searchParams.getAll('thing');
        if (things.length > DEVICES_AT_ONCE) return [400, { code: 'TooMany', message: 'too many devices' }];
        return [200, { devices: things.flatMap((thing) => fleet.devices.get(thing) ?? []) }];
      }
      case 'GET devices/:name/telemetry': {
        const query = (key: string) => Number(url.searchParams.get(key));
        return [200, fleet.telemetry(name ?? '', query('from'), query('to'), query('points'))];
      }
      case 'GET devices/:name/logs': {
        const component = url.searchParams.get('component');
        const events = Array.from({ length: 40 }, (_, index) => ({
          at: fleet.now - (next + index) * 21_000,
          message: `2026-11-27T10:00:00.000Z [INFO] (Copier) ${component}: stdout. {"level":"info","message":"blinking at 2 Hz, line ${next + index}"}`,
        }));
        return [200, { events, next: next < 80 ? String(next + 40) : undefined }];
      }
      case 'GET deployments':
        return [
          200,
          {
            deployments: [
              fleet.deployment,
              ...[6, 5, 4].map((revision) => ({
                deploymentId: `a1b2c3d4-0000-4000-8000-00000000000${revision}`,
                revision: String(revision),
                name: 'mooring fleet',
                status: 'INACTIVE',
                created: fleet.now - (10 - revision) * 86_400_000,
                latest: false,
              })),
            ],
          },
        ];
      case 'GET deployments/:name':
        if (name !== fleet.deployment.deploymentId) {
          return [404, { code: 'NoSuchDeployment', message: `there is no deployment ${name}` }];
        }
        return [200, fleet.deployment];
      case 'GET events': {
        const thing = url.searchParams.get('thing');
        const found = fleet.events.filter((event) => thing === null || event.thing === thing);
        return [
          200,
          {
            events: found.slice(next, next + 50),
            next: next + 50 < found.length ? String(next + 50) : undefined,
          },
        ];
      }
      case 'GET allowlist':
        return [
          200,
          { serials: [...fleet.allowed].map((serial) => ({ serial, joined: fleet.devices.has(serial) })) },
        ];
      case 'POST devices/:name/rotation':
        return this.rotate(name ?? '');
      case 'PUT allowlist/:name': {
        const changed = !fleet.allowed.has(name ?? '');
        fleet.allowed.add(name ?? '');
        return [200, { serial: name, allowed: true, changed }];
      }
      case 'DELETE allowlist/:name': {
        const certificates = fleet.devices.get(name ?? '')?.certificates.map((each) => each.certificateId);
        fleet.allowed.delete(name ?? '');
        fleet.devices.delete(name ?? '');
        this.broker.publish(`$aws/events/thing/${name}/deleted`, {
          eventType: 'THING_EVENT',
          thingName: name,
        });
        return [200, { serial: name, allowed: false, changed: true, certificates }];
      }
      default:
        return [404, { code: 'NoSuchPath', message: `${method} ${url.pathname}` }];
    }
  }

  private rotate(thing: string): [number, object] {
    const device = this.fleet.devices.get(thing);
    if (device === undefined) return [404, { code: 'NoSuchDevice', message: `there is no device ${thing}` }];
    const certificateId = 'c0ffee'.padEnd(64, '1');
    this.broker.publish(`device/${thing}/csr_req`, {});
    device.rotation = { stage: 'completed', at: Date.now(), certificateId };
    device.certificates = [{ certificateId, status: 'ACTIVE', expires: Date.now() + 365 * 86_400_000 }];
    this.broker.publish(`device/${thing}/crt`, {
      certificateArn: `arn:aws:iot:eu-central-1:000000000000:cert/${certificateId}`,
      certificateId,
      certificatePem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    });
    this.broker.publish(`device/${thing}/crt_done`, { certificateArn: certificateId });
    return [200, { thing, requested: true }];
  }

  private async file(path: string, response: ServerResponse): Promise<void> {
    const name = path === '' ? 'index.html' : path;
    const file = join(PAGE, normalize(`/${name}`));
    const content = await readFile(file).catch(() => undefined);
    if (content === undefined) return send(response, 404, {});
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ${this.url} ${this.url.replace('http', 'ws')}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
    });
    response.end(content);
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readInitConfig } from '../../src/config/init-config.js';
import { DeviceError } from '../../src/errors.js';
import { type Layout, makeLayout } from '../../src/layout.js';
import { obtainIdentity } from '../../src/provisioning/identity.js';
import { makeAuthority } from '../support/authority.js';
import { HastyClock, type PreparedDevice, prepareDevice } from '../support/fixtures.js';
import { TestBroker } from '../support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());
beforeEach(() => {
  broker.certificates.length = 0;
  broker.registrations.length = 0;
  broker.published.length = 0;
  broker.provisioning = {
    createCertificate: () => 'accept',
    register: ({ SerialNumber }) => ({ thingName: SerialNumber ?? 'thing' }),
  };
});

interface Attempt {
  readonly layout: Layout;
  readonly lines: string[];
  readonly clock: HastyClock;
}

async function provision(device: PreparedDevice, attempt: Partial<Attempt> = {}, signal?: AbortSignal) {
  const store = await obtainIdentity({
    layout: attempt.layout ?? makeLayout(device.root),
    initConfig: readInitConfig(device.configFile),
    nucleusVersion: '2.15.0',
    clock: attempt.clock ?? new HastyClock(),
    log: (level, message) => attempt.lines?.push(`${level} ${message}`),
    signal: signal ?? new AbortController().signal,
    onProvisioned: () => {},
  });
  return store.current;
}

describe('claim provisioning', () => {
  it.each(['mqtt5', 'mqtt3'] as const)('gives the device an identity of its own over %s', async (version) => {
    const device = await prepareDevice(broker, 'SN-1', { nucleus: { mqtt: { version } } });
    const config = await provision(device);
    expect(config.system.thingName).toBe('SN-1');
    expect(config.nucleus).toMatchObject({
      awsRegion: 'eu-west-1',
      iotDataEndpoint: `127.0.0.1:${broker.port}`,
    });
    const certificate = new X509Certificate(readFileSync(join(device.root, 'thingCert.crt')));
    const key = createPrivateKey(readFileSync(join(device.root, 'privKey.key')));
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(key.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(statSync(join(device.root, 'privKey.key')).mode & 0o777).toBe(0o600);
    expect(device.claimFiles.some((file) => existsSync(file))).toBe(false);
    expect(existsSync(join(device.root, 'config', 'provisioning.json'))).toBe(false);
    expect(existsSync(join(device.root, 'config', 'provisioning.key'))).toBe(false);
    expect(broker.connects.at(-1)?.version).toBe(version === 'mqtt5' ? 5 : 4);
  });

  it('never sends the private key', async () => {
    const device = await prepareDevice(broker, 'SN-2');
    await provision(device);
    expect(broker.published.map(({ topic }) => topic)).toEqual([
      '$aws/certificates/create-from-csr/json',
      '$aws/provisioning-templates/Template/provision/json',
    ]);
    expect(broker.published.map(({ payload }) => payload).join()).not.toContain('PRIVATE KEY');
  });

  it('does not provision a device twice, and takes changed endpoints over', async () => {
    const device = await prepareDevice(broker, 'SN-3', {
      claim: { iotDataEndpoint: '127.0.0.1', mqttPort: broker.port },
    });
    expect((await provision(device)).nucleus.mqtt).toEqual({ port: broker.port });
    const config = readFileSync(device.configFile, 'utf8');
    writeFileSync(
      device.configFile,
      config.replace(/mqttPort: .*/, '').replace(': 127.0.0.1', ': 127.0.0.1:4711'),
    );
    const again = await provision(device);
    expect(again.system.thingName).toBe('SN-3');
    expect(again.nucleus).toMatchObject({ iotDataEndpoint: '127.0.0.1:4711', mqtt: {} });
    expect(again.nucleus.mqtt).not.toHaveProperty('port');
    expect(broker.certificates).toHaveLength(1);
  });

  it("reports the hook's refusal at once, in the cloud's words, and keeps the claim", async () => {
    broker.provisioning.register = () => ({
      statusCode: 403,
      errorCode: 'AccessDenied',
      errorMessage: 'not on the allowlist',
    });
    const device = await prepareDevice(broker, 'SN-4');
    const failure = await provision(device).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DeviceError);
    expect(failure).toMatchObject({
      code: 'PROVISIONING_REFUSED',
      message:
        'AWS IoT refuses to provision the device SerialNumber=SN-4 with template Template: AccessDenied (403): not on the allowlist',
    });
    expect(broker.registrations).toHaveLength(1);
    expect(existsSync(join(device.root, 'thingCert.crt'))).toBe(false);
    expect(device.claimFiles.every((file) => existsSync(file))).toBe(true);
  });

  it('tries again after a lost connection, throttling and a failure of the service', async () => {
    const trouble = [
      'drop',
      { statusCode: 429, errorCode: 'Throttled', errorMessage: 'slow down' },
      'drop',
    ] as const;
    let asked = 0;
    broker.provisioning.createCertificate = () => trouble[asked++] ?? 'accept';
    let registered = 0;
    broker.provisioning.register = () =>
      registered++ === 0
        ? { statusCode: 500, errorCode: 'InternalFailure', errorMessage: 'oops' }
        : { thingName: 'SN-5' };
    const device = await prepareDevice(broker, 'SN-5');
    const lines: string[] = [];
    const config = await provision(device, { lines });
    expect(config.system.thingName).toBe('SN-5');
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(4);
    expect(broker.certificates).toHaveLength(1);
  });

  it('asks for no certificate that it could not keep', async () => {
    const device = await prepareDevice(broker, 'SN-15', { claim: { privateKeyPath: '/proc/nowhere/key' } });
    await expect(provision(device)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /: privateKeyPath lies in \/proc\/nowhere, which cannot be written: ENOENT/,
      ),
    });
    expect(broker.certificates).toEqual([]);
  });

  it('waits for an endpoint that is not there yet', async () => {
    const device = await prepareDevice(broker, 'SN-6');
    await broker.stop();
    const clock = new HastyClock();
    const provisioning = provision(device, { clock });
    while (clock.waits.length < 4) await new Promise((resolve) => setTimeout(resolve, 2));
    await broker.listen();
    expect((await provisioning).system.thingName).toBe('SN-6');
    expect(clock.waits.slice(0, 3)).toEqual([
      expect.toSatisfy((wait: number) => wait >= 250 && wait <= 500),
      expect.toSatisfy((wait: number) => wait >= 500 && wait <= 1000),
      expect.toSatisfy((wait: number) => wait >= 1000 && wait <= 2000),
    ]);
  });

  it('asks again when no answer comes', async () => {
    let timedOut = false;
    broker.provisioning.createCertificate = () => (timedOut ? 'accept' : 'silence');
    const device = await prepareDevice(broker, 'SN-7');
    const clock = new HastyClock((delay) => {
      if (delay < 29_000) return true;
      const first = !timedOut;
      timedOut = true;
      return first;
    });
    const lines: string[] = [];
    const config = await provision(device, { clock, lines });
    expect(config.system.thingName).toBe('SN-7');
    expect(lines[0]).toMatch(/^warn .*no answer to \$aws\/certificates\/create-from-csr\/json within 30 s/);
  });

  it.each([
    ['before the certificate', 'createCertificate'],
    ['before the registration', 'register'],
  ] as const)('goes on after being killed %s was answered', async (_when, stage) => {
    const killed = new AbortController();
    const accept = { ...broker.provisioning };
    broker.provisioning = {
      ...accept,
      [stage]: () => {
        killed.abort(new Error('killed'));
        return 'silence';
      },
    };
    const device = await prepareDevice(broker, 'SN-8');
    await expect(provision(device, {}, killed.signal)).rejects.toThrow('killed');
    const key = readFileSync(join(device.root, 'config', 'provisioning.key'), 'utf8');
    broker.provisioning = accept;
    expect((await provision(device)).system.thingName).toBe('SN-8');
    expect(readFileSync(join(device.root, 'privKey.key'), 'utf8')).toBe(key);
    expect(broker.certificates).toHaveLength(1);
  });

  it('asks for a new certificate when the ownership token has expired meanwhile', async () => {
    const killed = new AbortController();
    broker.provisioning.register = () => {
      killed.abort(new Error('killed'));
      return 'silence';
    };
    const device = await prepareDevice(broker, 'SN-9');
    await expect(provision(device, {}, killed.signal)).rejects.toThrow('killed');
    broker.tokens.clear();
    broker.provisioning.register = () => ({ thingName: 'SN-9' });
    expect((await provision(device)).system.thingName).toBe('SN-9');
    expect(broker.certificates).toHaveLength(2);
  });

  it('never connects with a certificate that AWS has not activated', () => {
    expect(broker.violations).toEqual([]);
  });

  it.each([
    ['claimCertificatePath', /^claimCertificatePath .* cannot be read: ENOENT/],
    ['rootCaPath', /^rootCaPath .* cannot be read: ENOENT/],
  ])('says which file is not there: %s', async (key, message) => {
    const device = await prepareDevice(broker, 'SN-10', { claim: { [key]: '/nonexistent' } });
    await expect(provision(device)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('refuses an endpoint that its root CA did not sign', async () => {
    const device = await prepareDevice(broker, 'SN-11');
    writeFileSync(join(device.root, 'rootCA.pem'), (await makeAuthority('Another')).certificate);
    await expect(provision(device)).rejects.toMatchObject({ code: 'SERVER_UNTRUSTED' });
  });

  it('reports a claim certificate of another authority', async () => {
    const device = await prepareDevice(broker, 'SN-12');
    const stranger = await (await makeAuthority('Another')).client('stranger');
    writeFileSync(join(device.root, 'claim.crt'), stranger.certificate);
    writeFileSync(join(device.root, 'claim.key'), stranger.privateKey);
    await expect(provision(device)).rejects.toMatchObject({ code: 'CLAIM_REFUSED' });
  });

  it('reports a claim policy that does not allow the request', async () => {
    broker.refusedFilters.add('$aws/certificates/create-from-csr/json/accepted');
    const device = await prepareDevice(broker, 'SN-13');
    const failure = provision(device);
    await expect(failure).rejects.toMatchObject({ code: 'CLAIM_REFUSED' });
    broker.refusedFilters.clear();
  });
});

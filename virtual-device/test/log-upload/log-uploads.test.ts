import { appendFileSync, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { JsonValue } from '../../src/ipc/capabilities.js';
import { CloudWatchLogs } from '../../src/log-upload/cloudwatch.js';
import { LogUploads } from '../../src/log-upload/log-uploads.js';
import { temporaryFolder } from '../support/fixtures.js';
import { LogsServer } from '../support/logs-server.js';
import { ManualClock } from '../support/manual-clock.js';

const REGION = 'eu-west-1';
const GROUP = `/aws/greengrass/UserComponent/${REGION}/led`;
const FIVE_MINUTES = 300_000;

let server: LogsServer;
let folder: string;
let clock: ManualClock;
let lines: string[];

beforeEach(async () => {
  server = await LogsServer.start();
  folder = temporaryFolder();
  mkdirSync(join(folder, 'logs'));
  clock = new ManualClock(Date.UTC(2026, 10, 22, 12));
  lines = [];
});

function write(text: string): void {
  const path = join(folder, 'logs', 'led.log');
  appendFileSync(path, text);
  const seconds = clock.now() / 1000 - 10;
  utimesSync(path, seconds, seconds);
}

function start(configuration: () => JsonValue | undefined, credentials?: () => Promise<never>) {
  const log = (level: string, message: string) => lines.push(`${level} ${message}`);
  const destination = new CloudWatchLogs({
    region: REGION,
    credentials:
      credentials ??
      (async () => ({
        accessKeyId: 'ASIADEVICE',
        secretAccessKey: 'secret',
        sessionToken: 'session',
        expiration: new Date(Date.now() + 3_600_000),
      })),
    log,
  });
  const uploads = new LogUploads({
    thingName: 'T',
    region: REGION,
    logsFolder: join(folder, 'logs'),
    positionsFile: join(folder, 'work', 'positions.json'),
    configuration,
    destination,
    clock,
    log,
  });
  onTestFinished(async () => {
    await uploads.close();
    await destination.close();
  });
  uploads.start();
  return uploads;
}

const deployed: JsonValue = { logsUploaderConfiguration: { componentLogsConfigurationMap: { led: {} } } };
const nextUpload = async () => {
  await clock.planned((delay) => delay === FIVE_MINUTES);
  clock.advance(FIVE_MINUTES);
};

describe('uploads of logs', () => {
  it('begin when the log manager is deployed, and make their group and stream', async () => {
    let configuration: JsonValue | undefined;
    const uploads = start(() => configuration);
    write('a\n');
    configuration = deployed;
    uploads.configurationChanged();
    await server.heard(() => server.messages.length === 1);
    expect(server.received.map(({ operation }) => operation)).toEqual([
      'CreateLogGroup',
      'CreateLogStream',
      'PutLogEvents',
    ]);
    expect(server.received[2]).toMatchObject({
      authorization: expect.stringMatching(/Credential=ASIADEVICE\/\d+\/eu-west-1\/logs\//),
      token: 'session',
      request: { logGroupName: GROUP, logStreamName: '/2026/11/22/thing/T' },
    });
    write('b\n');
    await nextUpload();
    await server.heard(() => server.messages.length === 2);
    configuration = undefined;
    write('c\n');
    await nextUpload();
    configuration = deployed;
    uploads.configurationChanged();
    await server.heard(() => server.messages.length === 3);
    expect(server.messages).toEqual(['a', 'b', 'c']);
  });

  it('wait while they fail, say so once, and lose nothing', async () => {
    server.refusal = { status: 400, type: 'AccessDeniedException' };
    write('a\n');
    start(() => deployed);
    await nextUpload();
    await nextUpload();
    await clock.planned((delay) => delay === FIVE_MINUTES);
    expect(lines).toEqual([expect.stringMatching(/^warn The logs of led cannot be uploaded now: /)]);
    server.refusal = undefined;
    await nextUpload();
    await server.heard(() => server.messages.length === 1);
    expect(server.messages).toEqual(['a']);
  });

  it('go on behind events that are refused for good', async () => {
    server.refusal = { status: 400, type: 'InvalidParameterException' };
    write('a\n');
    start(() => deployed);
    await clock.planned((delay) => delay === FIVE_MINUTES);
    expect(lines).toEqual([
      expect.stringMatching(/^error Events of led.log are left out: CloudWatch Logs refuses/),
    ]);
    server.refusal = undefined;
    write('b\n');
    await nextUpload();
    await server.heard(() => server.messages.length === 1);
    expect(server.messages).toEqual(['b']);
  });

  it('wait for credentials', async () => {
    write('a\n');
    start(
      () => deployed,
      () => Promise.reject(new Error('The credentials provider cannot be reached.')),
    );
    await clock.planned((delay) => delay === FIVE_MINUTES);
    expect(lines.join()).toMatch(/The credentials provider cannot be reached/);
    expect(server.received).toEqual([]);
  });

  it('name what is wrong in the configuration, once', async () => {
    start(() => ({ ...deployed, periodicUploadIntervalSec: 'often' }));
    await nextUpload();
    await clock.planned((delay) => delay === FIVE_MINUTES);
    expect(lines).toEqual([
      expect.stringMatching(
        /^error The configuration of the log manager: periodicUploadIntervalSec: .*; this part is left out$/,
      ),
    ]);
  });
});

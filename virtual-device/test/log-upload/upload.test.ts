import {
  appendFileSync,
  existsSync,
  readdirSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceError } from '../../src/errors.js';
import { parseLogUploadConfiguration } from '../../src/log-upload/configuration.js';
import type { LogEvent } from '../../src/log-upload/events.js';
import { UploadPositions } from '../../src/log-upload/positions.js';
import { type LogDestination, uploadLog } from '../../src/log-upload/upload.js';
import { temporaryFolder } from '../support/fixtures.js';
import { ManualClock } from '../support/manual-clock.js';

const NOON = Date.UTC(2026, 10, 22, 12);
const GROUP = '/aws/greengrass/UserComponent/eu-west-1/led';

let folder: string;
let clock: ManualClock;
let cloud: Cloud;
let lines: string[];

class Cloud implements LogDestination {
  readonly batches: { group: string; stream: string; events: readonly LogEvent[] }[] = [];
  failure: Error | undefined;

  async put(group: string, stream: string, events: readonly LogEvent[]): Promise<void> {
    if (this.failure) throw this.failure;
    this.batches.push({ group, stream, events });
  }

  get messages(): string[] {
    return this.batches.flatMap(({ events }) => events.map(({ message }) => message));
  }
}

beforeEach(() => {
  folder = temporaryFolder();
  clock = new ManualClock(NOON);
  cloud = new Cloud();
  lines = [];
});

const at = (name = 'led.log') => join(folder, name);
const log = (level: string, message: string) => lines.push(`${level} ${message}`);
/** Says when a file was last written to, in milliseconds before now. */
function aged(name: string, milliseconds: number): void {
  const seconds = (clock.now() - milliseconds) / 1000;
  utimesSync(at(name), seconds, seconds);
}
function write(text: string, name = 'led.log', age = 10_000): void {
  appendFileSync(at(name), text);
  aged(name, age);
}

/** What a device does every few minutes, as if it had just been started. */
async function upload(configuration: Record<string, unknown> = {}): Promise<void> {
  const { sources } = parseLogUploadConfiguration(
    JSON.parse(
      JSON.stringify({
        logsUploaderConfiguration: { componentLogsConfigurationMap: { led: configuration } },
      }),
    ),
    folder,
  );
  const positions = new UploadPositions(at('positions.json'), log);
  for (const source of sources) {
    await uploadLog(source, {
      thingName: 'T',
      region: 'eu-west-1',
      destination: cloud,
      positions,
      clock,
      log,
      signal: new AbortController().signal,
    });
  }
}

describe('a log', () => {
  it('goes to the group and the day’s stream that AWS documents, with its own times', async () => {
    write('2026-11-21T23:59:59.000Z [INFO] a\n2026-11-22T00:00:01.000Z [INFO] b\n  at c\nd\n');
    await upload();
    const [before, after] = [Date.UTC(2026, 10, 21, 23, 59, 59), Date.UTC(2026, 10, 22, 0, 0, 1)];
    expect(cloud.batches).toEqual([
      {
        group: GROUP,
        stream: '/2026/11/21/thing/T',
        events: [{ timestamp: before, message: '2026-11-21T23:59:59.000Z [INFO] a' }],
      },
      {
        group: GROUP,
        stream: '/2026/11/22/thing/T',
        events: [
          { timestamp: after, message: '2026-11-22T00:00:01.000Z [INFO] b\n  at c' },
          { timestamp: after, message: 'd' },
        ],
      },
    ]);
  });

  it('is uploaded as it grows and is rotated, every event once, over restarts', async () => {
    write('a1\na2\n');
    await upload();
    write('a3\na4');
    await upload();
    write(' goes on\na5\n');
    renameSync(at(), at('led_2026_11_22_12_0000.log'));
    write('b1\n', 'led.log', 5_000);
    await upload();
    renameSync(at(), at('led_2026_11_22_12_0001.log'));
    write('c1\n', 'led.log', 4_000);
    await upload();
    await upload();
    expect(cloud.messages).toEqual(['a1', 'a2', 'a3', 'a4 goes on', 'a5', 'b1', 'c1']);
  });

  it('keeps an event back that may still go on', async () => {
    write('a\nTrace:\n', 'led.log', 0);
    await upload();
    expect(cloud.messages).toEqual(['a']);
    write('  at b\n', 'led.log', 0);
    clock.advance(10_000);
    await upload();
    expect(cloud.messages).toEqual(['a', 'Trace:\n  at b']);
  });

  it('that cannot be uploaded waits, and goes on where it was', async () => {
    write('a\n');
    await upload();
    write('b\n');
    cloud.failure = new DeviceError('OFFLINE', 'no network');
    await expect(upload()).rejects.toThrow('no network');
    write('c\n');
    cloud.failure = undefined;
    await upload();
    expect(cloud.messages).toEqual(['a', 'b', 'c']);
  });

  it('is not held up by events that are refused for good', async () => {
    write('a\n');
    cloud.failure = new DeviceError('REQUEST_REFUSED', 'no');
    await upload();
    cloud.failure = undefined;
    write('b\n');
    await upload();
    expect(cloud.messages).toEqual(['b']);
    expect(lines).toEqual(['error Events of led.log are left out: no']);
  });

  it('goes in batches that AWS takes', async () => {
    const lineOf = (index: number) => `${String(index).padStart(6, '0')} ${'x'.repeat(100)}`;
    const expected = Array.from({ length: 25_000 }, (_, index) => lineOf(index));
    write(`${expected.join('\n')}\n${'y'.repeat(700_000)}\n`);
    await upload();
    expect(cloud.messages.findIndex((message, index) => message !== expected[index])).toBe(expected.length);
    expect(cloud.messages.slice(expected.length).join('') === 'y'.repeat(700_000)).toBe(true);
    for (const { events } of cloud.batches) {
      const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0);
      expect(bytes).toBeLessThanOrEqual(1_048_576);
      expect(events.length).toBeLessThanOrEqual(10_000);
      for (const { message } of events) expect(Buffer.byteLength(message) + 26).toBeLessThanOrEqual(262_144);
    }
  });

  it('of bytes that are no text is uploaded all the same', async () => {
    writeFileSync(at(), Buffer.alloc(900_000, 0xff));
    appendFileSync(at(), '\nend\n');
    aged('led.log', 10_000);
    await upload();
    expect(cloud.messages.at(-1)).toBe('end');
  });

  it('leaves out what is too old, and what is below the level in the nucleus’s JSON format', async () => {
    write('2026-11-01T00:00:00.000Z [INFO] old\n');
    write(`{"timestamp":${NOON},"level":"INFO"}\n{"timestamp":${NOON},"level":"ERROR"}\nplain [DEBUG]\n`);
    await upload({ minimumLogLevel: 'WARN' });
    expect(cloud.messages).toEqual([`{"timestamp":${NOON},"level":"ERROR"}`, 'plain [DEBUG]']);
    expect(lines).toEqual(['warn 1 events of led.log are older than CloudWatch Logs takes and are left out']);
  });

  it('that is cut off by its writer begins anew', async () => {
    write('aaaa\nb\n');
    await upload();
    truncateSync(at(), 0);
    write('c\n');
    await upload();
    expect(cloud.messages).toEqual(['aaaa', 'b', 'c']);
  });

  it('is removed when it is uploaded and rotated, if told to', async () => {
    write('a\n', 'led_2026_11_22_11_0000.log', 20_000);
    write('b\n');
    cloud.failure = new Error('offline');
    await expect(upload({ deleteLogFileAfterCloudUpload: true })).rejects.toThrow();
    expect(existsSync(at('led_2026_11_22_11_0000.log'))).toBe(true);
    cloud.failure = undefined;
    await upload({ deleteLogFileAfterCloudUpload: true });
    expect(readdirSync(folder).sort()).toEqual(['led.log', 'positions.json']);
    expect(cloud.messages).toEqual(['a', 'b']);
  });

  it('takes no more disk than it may', async () => {
    for (let hour = 0; hour < 5; hour++)
      write('x'.repeat(1023).concat('\n'), `led_2026_11_22_0${hour}_0000.log`, 90_000 - hour * 1000);
    write('b\n');
    await upload({ diskSpaceLimit: 3, diskSpaceLimitUnit: 'KB' });
    expect(readdirSync(folder).sort()).toEqual([
      'led.log',
      'led_2026_11_22_03_0000.log',
      'led_2026_11_22_04_0000.log',
      'positions.json',
    ]);
    expect(cloud.messages).toHaveLength(6);
  });

  it('has no files yet, or others have', async () => {
    await upload({ logFileDirectoryPath: join(folder, 'absent') });
    write('x\n', 'led_strip.log');
    await upload();
    expect(cloud.messages).toEqual([]);
  });
});

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { type Running, start } from './harness.js';

const PUB = 'mosquitto_pub';
const SUB = 'mosquitto_sub';

const installed = [PUB, SUB].every(
  (command) => spawnSync(command, ['--help'], { stdio: 'ignore' }).error === undefined,
);
const said = installed ? '' : ' (skipped: not installed; Debian has them in mosquitto-clients)';

const run = promisify(execFile);

describe.skipIf(!installed)(`mosquitto's clients${said}`, () => {
  const at = ({ port }: Running) => ['-h', '127.0.0.1', '-p', String(port)];

  /** mosquitto_sub, ready: its lines from now on. */
  async function subscribe(
    running: Running,
    ...args: string[]
  ): Promise<{ child: ChildProcess; lines: Promise<string[]> }> {
    const subscribed = new Promise<void>((resolve) => running.broker.on('subscribed', () => resolve()));
    const child = spawn(SUB, [...at(running), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    atEnd(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const lines = new Promise<string[]>((resolve) =>
      child.on('close', () => resolve(text.trim().split('\n'))),
    );
    await subscribed;
    return { child, lines };
  }

  test.each(['mqttv31', 'mqttv311', 'mqttv5'])('%s: publish and subscribe', async (version) => {
    const running = await start();
    const args = ['-V', version, '-i', 'sub', '-q', '1', '-t', 'a/+', '-C', '3', '-F', '%t %q %p'];
    const { lines } = await subscribe(running, ...args);
    for (const [qos, text] of [
      ['0', 'zero'],
      ['1', 'one'],
      ['1', 'two'],
    ] as const) {
      await run(PUB, [...at(running), '-V', version, '-i', 'pub', '-q', qos, '-t', 'a/b', '-m', text]);
    }
    expect(await lines).toEqual(['a/b 0 zero', 'a/b 1 one', 'a/b 1 two']);
  });

  test('MQTT 5 properties', async () => {
    const running = await start();
    const { lines } = await subscribe(running, '-V', 'mqttv5', '-t', 'a', '-C', '1', '-F', '%C|%R|%D|%P|%p');
    const properties = ['content-type', 'text/x', 'response-topic', 'r', 'correlation-data', 'cd'];
    const pairs = properties.flatMap((name, index) =>
      index % 2 === 0 ? ['-D', 'publish', name, properties[index + 1] ?? ''] : [],
    );
    const user = ['-D', 'publish', 'user-property', 'k', 'v'];
    await run(PUB, [...at(running), '-V', 'mqttv5', '-t', 'a', '-m', 'x', ...pairs, ...user]);
    expect(await lines).toEqual(['text/x|r|cd|k:v|x']);
  });

  test('a retained message, and a will when the client is killed', async () => {
    const running = await start();
    await run(PUB, [...at(running), '-r', '-q', '1', '-t', 'state', '-m', 'kept']);
    const { stdout } = await run(SUB, [...at(running), '-t', 'state', '-C', '1', '-F', '%r %p']);
    expect(stdout).toBe('1 kept\n');
    const { lines } = await subscribe(running, '-t', 'gone', '-C', '1');
    const will = ['--will-topic', 'gone', '--will-payload', 'bye', '--will-qos', '1'];
    const { child } = await subscribe(running, '-t', 'x', ...will);
    child.kill('SIGKILL');
    expect(await lines).toEqual(['bye']);
  });

  test('a lasting session gets what it missed', async () => {
    const running = await start();
    const args = ['-i', 'lasting', '-c', '-q', '1', '-t', 'a'];
    await run(SUB, [...at(running), ...args, '-E']);
    for (const text of ['1', '2']) {
      await run(PUB, [...at(running), '-q', '1', '-t', 'a', '-m', text]);
    }
    const { stdout } = await run(SUB, [...at(running), ...args, '-C', '2']);
    expect(stdout).toBe('1\n2\n');
  });

  test('a refusal is understood', async () => {
    const running = await start({
      authorizer: { connect: () => ({ allowed: false, reason: 'not-authorized', because: 'No' }) },
    });
    const attempt = run(PUB, [...at(running), '-V', 'mqttv5', '-t', 'a', '-m', 'x']);
    await expect(attempt).rejects.toMatchObject({ stderr: expect.stringMatching(/not authori[sz]ed/i) });
  });
});

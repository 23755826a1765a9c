import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Authority, makeAuthority, type Pair } from '../../../virtual-device/test/support/authority.js';
import { tryPair } from '../../certificate-rotator/src/trial.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';

let authority: Authority;
let server: Pair;
let pair: Pair;
beforeAll(async () => {
  authority = await makeAuthority();
  server = await authority.server();
  pair = await authority.client('SN-1');
});

/** A broker that answers the first packet so. @returns its port, and what it has received */
async function broker(answer: (socket: TLSSocket) => void, clients = authority.certificate) {
  const received: Buffer[] = [];
  const listener = createServer(
    {
      cert: server.certificate,
      key: server.privateKey,
      ca: clients,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received.push(bytes);
        if (received.length === 1) answer(socket);
      });
    },
  );
  listener.on('tlsClientError', () => {});
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => void listener.close());
  return { port: (listener.address() as AddressInfo).port, received };
}

const tryAt = (port: number, options: { rootCa?: string; clock?: ManualClock; clientId?: string } = {}) =>
  tryPair(pair, {
    endpoint: { host: '127.0.0.1', port },
    rootCa: authority.certificate,
    clientId: 'SN-1#certificate-rotator',
    clock: new ManualClock(),
    ...options,
  });

describe('tryPair', () => {
  it('connects with a clean session, and disconnects when it is accepted', async () => {
    const { port, received } = await broker((socket) => socket.write(Buffer.of(0x20, 2, 0, 0)));
    expect(await tryAt(port)).toEqual({ outcome: 'accepted' });
    await eventually(() => expect(Buffer.concat(received).at(-2)).toBe(0xe0));
    expect(Buffer.concat(received).subarray(0, -2)).toEqual(
      Buffer.concat([
        Buffer.of(0x10, 36, 0, 4),
        Buffer.from('MQTT'),
        Buffer.of(4, 2, 0, 60, 0, 24),
        Buffer.from('SN-1#certificate-rotator'),
      ]),
    );
  });

  it('is understood with the longest name of a thing', async () => {
    const { port, received } = await broker((socket) => socket.write(Buffer.of(0x20, 2, 0, 0)));
    const clientId = `${'a'.repeat(128)}#certificate-rotator`;
    expect(await tryAt(port, { clientId })).toEqual({ outcome: 'accepted' });
    expect(received[0]?.subarray(0, 3)).toEqual(Buffer.of(0x10, 128 + 32, 1));
    expect(received[0]).toHaveLength(3 + 160);
  });

  it('is refused by a return code, by a connection that is closed, and by TLS', async () => {
    const refusing = await broker((socket) => socket.write(Buffer.of(0x20, 2, 0, 5)));
    expect(await tryAt(refusing.port)).toEqual({
      outcome: 'refused',
      reason: 'the connection was refused (return code 5)',
    });
    const closing = await broker((socket) => socket.end());
    expect(await tryAt(closing.port)).toMatchObject({ outcome: 'refused' });
    const others = await broker(() => {}, (await makeAuthority('Other CA')).certificate);
    expect(await tryAt(others.port)).toMatchObject({ outcome: 'refused' });
  });

  it('says nothing of the pair when nobody is there, is to be trusted, or answers', async () => {
    const { port } = await broker(() => {});
    expect(await tryAt(1)).toMatchObject({ outcome: 'unreachable' });
    const rootCa = (await makeAuthority('Other CA')).certificate;
    expect(await tryAt(port, { rootCa })).toMatchObject({ outcome: 'unreachable' });
    const clock = new ManualClock();
    const trial = tryAt(port, { clock });
    clock.advance(30_000);
    expect(await trial).toEqual({ outcome: 'unreachable', reason: 'no answer within 30 s' });
    expect(clock.waiting).toBe(0);
  });

  it('cannot use what is no pair', async () => {
    const outcome = await tryPair(
      { certificate: 'nothing', privateKey: 'nothing' },
      { endpoint: { host: '127.0.0.1', port: 1 }, rootCa: '', clientId: 'SN-1', clock: new ManualClock() },
    );
    expect(outcome).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('cannot be used') });
  });
});

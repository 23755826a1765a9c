import { KeyObject } from 'node:crypto';
import { CertificateMessage, topics } from '@mooring/contracts';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { UnsignableError } from '../../src/rotation/certificates.js';
import { certificateKeyId, publicKeyId } from '../../src/rotation/public-key.js';
import { signCsr } from '../../src/sign-csr/sign.js';
import {
  Crash,
  csr,
  DAY,
  type Device,
  type Fleet,
  failing,
  MINUTE,
  newKeys,
  openFleet,
  someCertificateId,
} from '../rotation/fleet.js';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet();
});

/** What the rule makes of a device's message. */
const eventOf = ({ thing, certificateId }: Pick<Device, 'thing' | 'certificateId'>, request: unknown) => ({
  thing,
  principal: certificateId,
  clientId: thing,
  csr: request,
});

/** A message with a signing request for a new key. */
async function newEvent(device: Device) {
  const { thing: name, certificateId: challengePassword } = device;
  return eventOf(device, await csr({ name, challengePassword }));
}

describe('signCsr', () => {
  it('signs the key, makes the certificate the thing’s own with its policy, and sends it', async () => {
    const device = await fleet.device();
    const ports = fleet.ports();
    const keys = await newKeys();
    const at = fleet.clock.now();
    const signed = await signCsr(eventOf(device, await csr({ keys, name: device.thing })), ports);

    const [{ topic, message } = { topic: '', message: {} }] = ports.published;
    expect(ports.published).toHaveLength(1);
    expect(topic).toBe(topics.certificate(device.thing));
    const { certificateId, certificateArn, certificatePem } = CertificateMessage.parse(message);
    expect(signed).toEqual({ outcome: 'issued', certificateId });
    expect(certificateKeyId(certificatePem)).toBe(publicKeyId(KeyObject.from(keys.publicKey)));
    expect(await fleet.certificates.find(certificateId)).toMatchObject({
      status: 'ACTIVE',
      arn: certificateArn,
    });
    expect(await fleet.certificatesOf(device.thing)).toEqual([certificateId, device.certificateId].sort());
    expect(await fleet.policiesOf(certificateArn)).toEqual(['GreengrassV2IoTThingPolicy']);
    // Exclusively: no other thing can have it.
    const other = await fleet.device();
    await expect(fleet.attach(other.thing, certificateArn, false)).rejects.toThrow(/exclusive/);
    expect(await fleet.states.read(device.thing)).toMatchObject({
      state: { stage: 'issued', at, certificateId },
      signing: undefined,
    });
    expect(ports.lines).toEqual([{ event: 'certificate-issued', thing: device.thing, certificateId }]);
  });

  it('sends the same certificate again when it is asked again for the same key', async () => {
    const device = await fleet.device();
    const ports = fleet.ports();
    const event = await newEvent(device);
    const first = await signCsr(event, ports);
    expect(await signCsr(event, ports)).toEqual(first);
    const [once, twice] = ports.published;
    expect(twice).toEqual(once);
    expect(await fleet.certificatesOf(device.thing)).toHaveLength(2);
  });

  it('does nothing for the key of the certificate in use, nor for that of an older one', async () => {
    const old = await fleet.device();
    const device = { thing: old.thing, ...(await fleet.certificate(old.thing)) };
    for (const { keys } of [device, old]) {
      const ports = fleet.ports();
      const known = await fleet.states.read(device.thing);
      expect(await signCsr(eventOf(device, await csr({ keys })), ports)).toMatchObject({
        outcome: 'replayed',
      });
      expect(ports.published).toEqual([]);
      expect(ports.lines).toMatchObject([
        { event: 'csr-replayed', thing: device.thing, principal: device.certificateId },
      ]);
      expect(await fleet.states.read(device.thing)).toEqual(known);
    }
    expect(await fleet.certificatesOf(device.thing)).toHaveLength(2);
  });

  it('lets a request that comes again after the rotation change nothing, over the new certificate', async () => {
    const old = await fleet.device();
    const device = { thing: old.thing, ...(await fleet.certificate(old.thing)) };
    const { thing, certificateId } = device;
    const state = { stage: 'completed', at: fleet.clock.now(), certificateId } as const;
    await fleet.states.write(thing, { state });
    const known = await fleet.states.read(thing);
    for (const keys of [device.keys, await newKeys()]) {
      const ports = fleet.ports();
      const again = await csr({ keys, name: thing, challengePassword: old.certificateId });
      expect(await signCsr(eventOf(device, again), ports)).toMatchObject({ outcome: 'replayed' });
      expect(ports.published).toEqual([]);
      expect(ports.lines).toMatchObject([{ event: 'csr-replayed', thing, principal: certificateId }]);
      expect(await fleet.states.read(thing)).toEqual(known);
    }
    // A device that was asked again is told why it gets none.
    await fleet.states.write(thing, { state: { ...state, stage: 'requested' } });
    const wrong = await csr({ name: thing, challengePassword: old.certificateId });
    expect(await signCsr(eventOf(device, wrong), fleet.ports())).toMatchObject({ outcome: 'refused' });
  });

  it('refuses a request that is not the device’s own, and says so in its state', async () => {
    const device = await fleet.device();
    const ports = fleet.ports();
    const reason = 'its common name is not that of the thing';
    expect(await signCsr(eventOf(device, await csr({ name: 'another' })), ports)).toEqual({
      outcome: 'refused',
      reason,
    });
    expect(ports.published).toEqual([]);
    expect(ports.lines).toEqual([
      { event: 'csr-refused', thing: device.thing, principal: device.certificateId, reason },
    ]);
    expect((await fleet.states.read(device.thing)).state).toEqual({
      stage: 'refused',
      at: fleet.clock.now(),
      certificateId: device.certificateId,
      reason,
    });
    // The next good one is signed, and nothing is left of the refusal.
    expect(await signCsr(await newEvent(device), ports)).toMatchObject({ outcome: 'issued' });
    expect((await fleet.states.read(device.thing)).state?.reason).toBeUndefined();
  });

  describe('when somebody else asks', () => {
    it.each<[string, (victim: Device) => Promise<object>, RegExp]>([
      [
        'with the certificate of another thing',
        async ({ thing }) =>
          eventOf({ thing, certificateId: (await fleet.device()).certificateId }, await csr({ name: thing })),
        /not the thing’s/,
      ],
      [
        'with a certificate that does not exist',
        async ({ thing }) => eventOf({ thing, certificateId: someCertificateId('none') }, await csr({})),
        /not the thing’s/,
      ],
      [
        'with a certificate that was revoked',
        async (victim) => {
          await fleet.certificates.revoke(victim.certificateId);
          return newEvent(victim);
        },
        /not active/,
      ],
      [
        'for a thing that does not exist',
        async (victim) => newEvent({ ...victim, thing: 'nobody' }),
        /no such thing/,
      ],
    ])('%s, nothing changes but the log', async (_, attack, reason) => {
      const victim = await fleet.device();
      const event = await attack(victim);
      const all = await fleet.allCertificates();
      const ports = fleet.ports();
      expect(await signCsr(event, ports)).toEqual({
        outcome: 'refused',
        reason: expect.stringMatching(reason),
      });
      expect(ports.published).toEqual([]);
      expect(ports.lines).toMatchObject(
        [{ ...event, csr: undefined, clientId: undefined, event: 'csr-refused' }].map(
          ({ csr: _csr, clientId: _client, ...line }) => line,
        ),
      );
      expect(await fleet.allCertificates()).toEqual(all);
      expect((await fleet.states.read(victim.thing)).version).toBeUndefined();
    });
  });

  it('never lets more than three certificates wait, and makes room by the oldest that nobody comes back to', async () => {
    const device = await fleet.device();
    const ports = fleet.ports();
    const issued: string[] = [];
    for (const _ of [1, 2, 3]) {
      await fleet.clock.advance(MINUTE);
      const signed = await signCsr(await newEvent(device), ports);
      if (signed.outcome === 'issued') issued.push(signed.certificateId);
    }
    expect(issued).toHaveLength(3);
    const all = await fleet.allCertificates();
    const refusal = { outcome: 'refused', reason: expect.stringContaining('wait to be acknowledged') };
    expect(await signCsr(await newEvent(device), ports)).toEqual(refusal);
    expect(await fleet.allCertificates()).toEqual(all);

    const tomorrow = { ...ports, now: () => fleet.clock.now() + DAY - MINUTE / 2 };
    expect(await signCsr(await newEvent(device), tomorrow)).toMatchObject({ outcome: 'issued' });
    const left = await fleet.certificatesOf(device.thing);
    expect(left).toHaveLength(4);
    expect(left).toEqual(expect.arrayContaining([device.certificateId, ...issued.slice(1)]));
    expect(await fleet.certificates.find(issued[0] ?? '')).toBeUndefined();
    expect((await fleet.states.read(device.thing)).retiring).toEqual([]);
  });

  it('waits for another invocation that makes a certificate for the thing', async () => {
    const device = await fleet.device();
    const ports = fleet.ports();
    const event = await newEvent(device);
    const all = await fleet.allCertificates();
    const outcomes = await Promise.allSettled([signCsr(event, ports), signCsr(event, ports)]);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') expect(outcome.value).toMatchObject({ outcome: 'issued' });
      else expect(['SigningBusyError', 'StateChangedError']).toContain(outcome.reason.name);
    }
    await fleet.clock.advance(MINUTE);
    expect(await signCsr(event, ports)).toMatchObject({ outcome: 'issued' });
    expect((await fleet.allCertificates()).size).toBe(all.size + 1);
    expect(new Set(ports.published.map(({ message }) => message.certificateId)).size).toBe(1);
  });

  describe.each(['crash', 'error'] as const)('after a %s', (how) => {
    const EFFECTS = ['open', 'note', 'create', 'attach', 'policy', 'activate', 'state', 'publish'];

    it.each(EFFECTS.map((name, index) => [index + 1, name] as const))(
      'at effect %i (%s) a retry gives the device one certificate, and leaves none behind',
      async (nth) => {
        const device = await fleet.device();
        const event = await newEvent(device);
        const all = await fleet.allCertificates();
        const ports = fleet.ports();
        await expect(signCsr(event, failing(ports, nth, how))).rejects.toThrow(Crash);
        await fleet.clock.advance(MINUTE);
        const signed = await signCsr(event, ports);
        await expectOneMore(device, all, signed, ports.published.at(-1)?.message.certificateId);
      },
    );
  });

  it.each([2, 3, 4, 5])(
    'leaves no certificate that nothing points to when it crashed at effect %i and the device made another key',
    async (nth) => {
      const device = await fleet.device();
      const all = await fleet.allCertificates();
      const ports = fleet.ports();
      await expect(signCsr(await newEvent(device), failing(ports, nth, 'crash'))).rejects.toThrow(Crash);
      await fleet.clock.advance(MINUTE);
      await signCsr(await newEvent(device), ports);
      const added = [...(await fleet.allCertificates())].filter((id) => !all.has(id));
      expect((await fleet.certificatesOf(device.thing)).filter((id) => !all.has(id))).toEqual(added.sort());
    },
  );

  it('refuses what AWS IoT does not sign, and signs the next', async () => {
    const device = await fleet.device();
    const ports = fleet.ports();
    const create = () => Promise.reject(new UnsignableError('AWS IoT does not sign it: Invalid CSR'));
    const strict = { ...ports, certificates: { ...ports.certificates, create } };
    expect(await signCsr(await newEvent(device), strict)).toMatchObject({ outcome: 'refused' });
    expect(await fleet.states.read(device.thing)).toMatchObject({
      state: { stage: 'refused', reason: 'AWS IoT does not sign it: Invalid CSR' },
      signing: undefined,
    });
    expect(await signCsr(await newEvent(device), ports)).toMatchObject({ outcome: 'issued' });
  });

  it('also retries what a retry left', async () => {
    const device = await fleet.device();
    const event = await newEvent(device);
    const all = await fleet.allCertificates();
    const ports = fleet.ports();
    for (const nth of [3, 2, 1, 2, 1, 2]) {
      await expect(signCsr(event, failing(ports, nth, 'crash'))).rejects.toThrow(Crash);
      await fleet.clock.advance(MINUTE);
    }
    await expectOneMore(
      device,
      all,
      await signCsr(event, ports),
      ports.published.at(-1)?.message.certificateId,
    );
  });

  it('refuses whatever else it is sent', async () => {
    const { thing, certificateId } = await fleet.device();
    const all = await fleet.allCertificates();
    const part = (value: string) => fc.oneof(fc.constant(value), fc.string(), fc.anything());
    const event = fc.oneof(
      fc.anything(),
      fc.record({
        thing: part(thing),
        principal: part(certificateId),
        clientId: part(thing),
        csr: fc.anything(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(event, async (value) => {
        expect(await signCsr(value, fleet.ports())).toMatchObject({ outcome: 'refused' });
      }),
      { numRuns: 30 },
    );
    expect(await fleet.allCertificates()).toEqual(all);
  });
});

/** The device has its certificate and the new one, which is ready to be used; nothing else was made. */
async function expectOneMore(device: Device, before: ReadonlySet<string>, signed: object, sent: unknown) {
  expect(signed).toEqual({ outcome: 'issued', certificateId: sent });
  const certificateId = String(sent);
  expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId, certificateId].sort());
  expect([...(await fleet.allCertificates())].filter((id) => !before.has(id))).toEqual([certificateId]);
  const certificate = await fleet.certificates.find(certificateId);
  expect(certificate?.status).toBe('ACTIVE');
  expect(await fleet.policiesOf(certificate?.arn ?? '')).toHaveLength(1);
  expect(await fleet.states.read(device.thing)).toMatchObject({
    state: { stage: 'issued', certificateId },
    signing: undefined,
  });
}

import { topics } from '@mooring/contracts';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { RetirementError, retireCertificates } from '../../src/retire-certificate/retire.js';
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
} from '../rotation/fleet.js';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet();
});

/** What the rule makes of a device's acknowledgement over the connection of a certificate. */
const eventOf = (thing: string, certificateId: string, certificateArn: unknown) => ({
  thing,
  principal: certificateId,
  clientId: thing,
  certificateArn,
});
const ackOf = ({ thing, certificateId, certificateArn }: Omit<Device, 'keys'>) =>
  eventOf(thing, certificateId, certificateArn);

/** A device with an old certificate and a new one. */
async function rotating(): Promise<{ old: Device; device: Device }> {
  const old = await fleet.device();
  return { old, device: { thing: old.thing, ...(await fleet.certificate(old.thing)) } };
}

describe('retireCertificates', () => {
  it('deletes all but the acknowledged certificate, and tells the device', async () => {
    const { old, device } = await rotating();
    const ports = fleet.ports();
    expect(await retireCertificates(ackOf(device), ports)).toEqual({
      outcome: 'completed',
      retired: [old.certificateId],
      kept: [],
    });
    expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId]);
    expect(await fleet.certificates.find(old.certificateId)).toBeUndefined();
    expect(await fleet.certificates.find(device.certificateId)).toMatchObject({ status: 'ACTIVE' });
    expect(ports.published).toEqual([
      { topic: topics.certificateDone(device.thing), message: { certificateArn: device.certificateArn } },
    ]);
    expect(await fleet.states.read(device.thing)).toMatchObject({
      state: { stage: 'completed', at: fleet.clock.now(), certificateId: device.certificateId },
      retiring: [],
    });
    expect(ports.lines.map(({ event }) => event)).toEqual([
      'certificate-deleted',
      'certificate-acknowledged',
    ]);
  });

  it('answers once more when it is asked once more, and changes nothing', async () => {
    const { device } = await rotating();
    const ports = fleet.ports();
    await retireCertificates(ackOf(device), ports);
    const known = await fleet.states.read(device.thing);
    await fleet.clock.advance(MINUTE);
    await retireCertificates(ackOf(device), ports);
    expect(ports.published).toHaveLength(2);
    expect(ports.published[1]).toEqual(ports.published[0]);
    expect(await fleet.states.read(device.thing)).toEqual(known);
  });

  it('is safe when two run at once', async () => {
    const { device } = await rotating();
    const ports = fleet.ports();
    const both = await Promise.allSettled([1, 2].map(() => retireCertificates(ackOf(device), ports)));
    if (both.some(({ status }) => status === 'rejected')) await retireCertificates(ackOf(device), ports);
    expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId]);
    expect(await fleet.states.read(device.thing)).toMatchObject({
      state: { stage: 'completed' },
      retiring: [],
    });
  });

  it('does nothing for a certificate that was replaced before', async () => {
    const { old, device } = await rotating();
    const ports = fleet.ports();
    await retireCertificates(ackOf(device), ports);
    expect(await retireCertificates(ackOf(old), ports)).toMatchObject({ outcome: 'refused' });
    expect(ports.published).toHaveLength(1);
    expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId]);
  });

  it('keeps a younger certificate that the device may be about to switch to, and the state of that', async () => {
    const { old, device } = await rotating();
    const ports = fleet.ports();
    await fleet.clock.advance(MINUTE);
    const signed = await signCsr({ ...ackOf(device), csr: await csr({ name: device.thing }) }, ports);
    const younger = signed.outcome === 'issued' ? signed.certificateId : '';
    expect(await retireCertificates(ackOf(device), ports)).toEqual({
      outcome: 'completed',
      retired: [old.certificateId],
      kept: [younger],
    });
    expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId, younger].sort());
    expect(ports.published.at(-1)?.topic).toBe(topics.certificateDone(device.thing));
    expect(await fleet.states.read(device.thing)).toMatchObject({
      state: { stage: 'issued', certificateId: younger },
      retiring: [],
    });

    const tomorrow = { ...ports, now: () => fleet.clock.now() + DAY + MINUTE };
    expect(await retireCertificates(ackOf(device), tomorrow)).toMatchObject({ retired: [younger], kept: [] });
    expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId]);
  });

  it('deletes a younger certificate that was made twice for one key', async () => {
    const old = await fleet.device();
    const ports = fleet.ports();
    const request = await csr({ keys: await newKeys() });
    const twice: { id: string; arn: string }[] = [];
    for (const _ of [1, 2]) {
      await fleet.clock.advance(1000);
      const made = await fleet.certificates.create(request);
      await fleet.attach(old.thing, made.arn);
      await fleet.certificates.activate(made.id);
      twice.push(made);
    }
    const [{ id, arn } = { id: '', arn: '' }] = twice;
    await retireCertificates(eventOf(old.thing, id, arn), ports);
    expect(await fleet.certificatesOf(old.thing)).toEqual([id]);
  });

  it('only detaches a certificate that another thing uses too', async () => {
    const { device } = await rotating();
    const other = await fleet.device();
    const shared = await fleet.certificates.create(await csr({}));
    await fleet.certificates.activate(shared.id);
    for (const { thing } of [device, other]) await fleet.attach(thing, shared.arn, false);
    await fleet.clock.advance(2 * DAY);
    const ports = { ...fleet.ports() };
    await retireCertificates(ackOf(device), ports);
    expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId]);
    expect(await fleet.certificatesOf(other.thing)).toEqual([other.certificateId, shared.id].sort());
    expect(await fleet.certificates.find(shared.id)).toMatchObject({ status: 'ACTIVE' });
    expect(ports.lines).toContainEqual({
      event: 'certificate-shared',
      thing: device.thing,
      certificateId: shared.id,
      things: [device.thing, other.thing].sort(),
    });
  });

  describe('when somebody else acknowledges', () => {
    it.each<[string, (victim: Device, other: Device) => object, RegExp]>([
      [
        'another certificate than that of the connection',
        (victim, other) => eventOf(other.thing, other.certificateId, victim.certificateArn),
        /not that of the connection/,
      ],
      [
        'its own certificate on the topic of another',
        (victim, other) => ackOf({ ...other, thing: victim.thing }),
        /not the thing’s/,
      ],
      [
        'the certificate of another on its topic',
        (victim, other) => eventOf(victim.thing, other.certificateId, victim.certificateArn),
        /not the thing’s/,
      ],
      ['for a thing that does not exist', (victim) => ackOf({ ...victim, thing: 'nobody' }), /no such thing/],
      [
        'in another account',
        (victim) =>
          eventOf(
            victim.thing,
            victim.certificateId,
            victim.certificateArn.replace(/\d{12}/, '999999999999'),
          ),
        /not that of the connection/,
      ],
      [
        'nothing',
        (victim) => eventOf(victim.thing, victim.certificateId, undefined),
        /not that of the connection/,
      ],
    ])('%s, nothing changes but the log', async (_, attack, reason) => {
      const { device: victim } = await rotating();
      const event = attack(victim, await fleet.device());
      const all = await fleet.allCertificates();
      const attached = await fleet.certificatesOf(victim.thing);
      const ports = fleet.ports();
      expect(await retireCertificates(event, ports)).toEqual({
        outcome: 'refused',
        reason: expect.stringMatching(reason),
      });
      const { thing, principal } = event as { thing: string; principal: string };
      expect(ports.lines).toEqual([
        { event: 'ack-refused', thing, principal, reason: expect.stringMatching(reason) },
      ]);
      expect(ports.published).toEqual([]);
      expect(await fleet.allCertificates()).toEqual(all);
      expect(await fleet.certificatesOf(victim.thing)).toEqual(attached);
      expect((await fleet.states.read(victim.thing)).version).toBeUndefined();
    });

    it('with a certificate that is not active, nothing changes', async () => {
      const { device } = await rotating();
      await fleet.certificates.revoke(device.certificateId);
      expect(await retireCertificates(ackOf(device), fleet.ports())).toMatchObject({
        outcome: 'refused',
        reason: 'the certificate of the connection is not active',
      });
      expect(await fleet.certificatesOf(device.thing)).toHaveLength(2);
    });
  });

  describe.each(['crash', 'error'] as const)('after a %s', (how) => {
    const EFFECTS = [
      'note',
      'revoke',
      'detach policy',
      'detach thing',
      'delete',
      'revoke another',
      'detach policy',
      'detach thing',
      'delete',
      'state',
      'publish',
    ];

    it.each(EFFECTS.map((name, index) => [index + 1, name] as const))(
      'at effect %i (%s) a retry leaves only the acknowledged certificate',
      async (nth) => {
        const { old, device: middle } = await rotating();
        const device = { thing: old.thing, ...(await fleet.certificate(old.thing)) };
        const all = await fleet.allCertificates();
        const ports = fleet.ports();
        await expect(retireCertificates(ackOf(device), failing(ports, nth, how))).rejects.toThrow(
          how === 'crash' && [1, 10, 11].includes(nth) ? Crash : Error,
        );
        await retireCertificates(ackOf(device), ports);
        expect(await fleet.certificatesOf(device.thing)).toEqual([device.certificateId]);
        const gone = [...all].filter((id) => id !== old.certificateId && id !== middle.certificateId);
        expect(await fleet.allCertificates()).toEqual(new Set(gone));
        expect(await fleet.states.read(device.thing)).toMatchObject({
          state: { stage: 'completed', certificateId: device.certificateId },
          retiring: [],
        });
        expect(ports.published.at(-1)).toEqual({
          topic: topics.certificateDone(device.thing),
          message: { certificateArn: device.certificateArn },
        });
      },
    );
  });

  it('goes on with the others when one cannot be retired, and names it', async () => {
    const { old, device: middle } = await rotating();
    const device = { thing: old.thing, ...(await fleet.certificate(old.thing)) };
    const ports = fleet.ports();
    const [first = '', second = ''] = [old.certificateId, middle.certificateId].sort();
    const failure = retireCertificates(ackOf(device), failing(ports, 2, 'error'));
    await expect(failure).rejects.toThrow(RetirementError);
    await expect(failure).rejects.toThrow(first);
    expect(await fleet.certificatesOf(device.thing)).not.toContain(second);
    expect(ports.published).toEqual([]);
  });

  it('refuses whatever else it is sent', async () => {
    const { device } = await rotating();
    const all = await fleet.allCertificates();
    const part = (value: string) => fc.oneof(fc.constant(value), fc.string(), fc.anything());
    const event = fc.oneof(
      fc.anything(),
      fc.record({
        thing: part(device.thing),
        principal: part(device.certificateId),
        clientId: part(device.thing),
        certificateArn: fc.anything(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(event, async (value) => {
        expect(await retireCertificates(value, fleet.ports())).toMatchObject({ outcome: 'refused' });
      }),
      { numRuns: 30 },
    );
    expect(await fleet.allCertificates()).toEqual(all);
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { csr, type Fleet, openFleet } from './fleet.js';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet();
  vi.stubEnv('AWS_ENDPOINT_URL', fleet.cloud.endpointUrl);
  vi.stubEnv('AWS_REGION', fleet.cloud.region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('ROTATIONS_PER_SECOND', '3');
  vi.stubEnv('ROTATION_PATIENCE_SECONDS', '60');
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** Lines of the function's log. */
function captured(): () => unknown[] {
  const log = vi.spyOn(console, 'info').mockReturnValue();
  return () => log.mock.calls.map(([line]) => JSON.parse(String(line)));
}

const context = () => ({
  invokedFunctionArn: `arn:aws:lambda:${fleet.cloud.region}:${fleet.cloud.accountId}:function:GreengrassRotationRequest`,
  getRemainingTimeInMillis: () => 900_000,
});

describe('the handlers', () => {
  it('rotate the certificate of a device from end to end, with their own clients', async () => {
    const lines = captured();
    const device = await fleet.device();
    const { handler: request } = await import('../../src/request-rotation/index.js');
    const { handler: sign } = await import('../../src/sign-csr/index.js');
    const { handler: retire } = await import('../../src/retire-certificate/index.js');

    expect(await request({ things: [device.thing, 'nobody'] }, context())).toEqual({
      requested: [device.thing],
      refused: [{ thing: 'nobody', reason: 'there is no such thing' }],
    });
    const { thing, certificateId: principal } = device;
    expect((await fleet.states.read(thing)).state).toMatchObject({
      stage: 'requested',
      certificateId: principal,
    });

    await sign({
      thing,
      principal,
      clientId: thing,
      csr: await csr({ name: thing, challengePassword: principal }),
    });
    const { state } = await fleet.states.read(thing);
    expect(state?.stage).toBe('issued');
    const issued = await fleet.certificates.find(state?.certificateId ?? '');
    if (issued === undefined) throw new Error('no certificate was issued');

    await retire({ thing, principal: issued.id, clientId: `${thing}#2`, certificateArn: issued.arn });
    expect(await fleet.certificatesOf(thing)).toEqual([issued.id]);
    expect(await fleet.certificates.find(principal)).toBeUndefined();
    expect((await fleet.states.read(thing)).state).toMatchObject({
      stage: 'completed',
      certificateId: issued.id,
    });
    expect(lines()).toMatchObject([
      { event: 'rotation-requested', requested: 1, refused: 1 },
      { event: 'rotation-not-requested', thing: 'nobody' },
      { event: 'certificate-issued', thing, certificateId: issued.id },
      { event: 'certificate-deleted', thing, certificateId: principal },
      { event: 'certificate-acknowledged', thing, retired: [principal], kept: [] },
    ]);
  });

  it('write one line a event, however long and odd what a device sent', async () => {
    const log = vi.spyOn(console, 'info').mockReturnValue();
    const { handler } = await import('../../src/sign-csr/index.js');
    await handler({ thing: `a\n{"event":"x"}${'y'.repeat(10_000)}`, principal: 'p', clientId: '', csr: 7 });
    const [[line] = []] = log.mock.calls;
    expect(log).toHaveBeenCalledTimes(1);
    expect(String(line)).not.toContain('\n');
    expect(String(line).length).toBeLessThan(600);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/allowlist-hook/hook.js';

const LISTED = '1000000000000001';

/** The event as AWS IoT sends it. */
const eventOf = (parameters: unknown) => ({
  claimCertificateId: 'c0ffee',
  certificateId: 'beef',
  certificatePem: '-----BEGIN CERTIFICATE-----',
  templateArn: 'arn:aws:iot:eu-west-1:123456789012:provisioningtemplate/GreengrassFleetProvisioningTemplate',
  clientId: '0b6c1d3e-3c1f-4e0a-9f57-1f1d7a6f2c11',
  parameters,
});

async function ask(event: unknown, allowlist: string | Error) {
  const lines: string[] = [];
  const response = await decide(event, {
    readAllowlist: async () => {
      if (allowlist instanceof Error) throw allowlist;
      return allowlist;
    },
    log: (line) => lines.push(line),
  });
  return { ...response, lines };
}

/** An error as the S3 client throws it. */
const s3Error = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('decide', () => {
  it('allows a serial number that is listed', async () => {
    expect(await ask(eventOf({ SerialNumber: LISTED }), `# fleet\n${LISTED}\n1000000000000002\n`)).toEqual({
      allowProvisioning: true,
      lines: ['provisioning allowed: serial number "1000000000000001" is on the allowlist'],
    });
  });

  it.each<[string, unknown, string | Error, string]>([
    ['unknown serial', { SerialNumber: '1' }, LISTED, '"1": it is not on the allowlist'],
    [
      'serial that contains a listed one',
      { SerialNumber: `x-${LISTED}` },
      LISTED,
      'it is not on the allowlist',
    ],
    ['serial of a commented line', { SerialNumber: LISTED }, `# ${LISTED}\n1`, 'it is not on the allowlist'],
    ['serial in another case', { SerialNumber: 'abc' }, 'ABC', '"abc": it is not on the allowlist'],
    ['empty list', { SerialNumber: LISTED }, '', 'the allowlist is empty'],
    ['list of comments alone', { SerialNumber: LISTED }, '# nobody\n\n', 'the allowlist is empty'],
    [
      'malformed line',
      { SerialNumber: LISTED },
      `${LISTED}\nno serial\n`,
      'allowlist line 2: "no serial" is not a serial number',
    ],
    [
      'serial listed twice',
      { SerialNumber: LISTED },
      `${LISTED}\n${LISTED}`,
      'allowlist line 2: serial number 1000000000000001 is listed twice',
    ],
    [
      'missing object',
      { SerialNumber: LISTED },
      s3Error('NoSuchKey', 'The specified key does not exist.'),
      'the allowlist cannot be read: NoSuchKey: The specified key does not exist.',
    ],
    [
      'S3 that says no',
      { SerialNumber: LISTED },
      s3Error('AccessDenied', 'Access Denied'),
      'the allowlist cannot be read: AccessDenied: Access Denied (S3 says so of a missing object too)',
    ],
    [
      'S3 that does not answer',
      { SerialNumber: LISTED },
      s3Error('TimeoutError', 'timed out'),
      'cannot be read: TimeoutError',
    ],
    ['missing parameter', {}, LISTED, 'no serial number: the parameter SerialNumber is missing'],
    ['empty parameter', { SerialNumber: '' }, LISTED, 'the parameter SerialNumber is missing'],
    [
      'parameter that is no text',
      { SerialNumber: 7 },
      LISTED,
      'the request is not one of a pre-provisioning hook',
    ],
    ['no parameters', undefined, LISTED, 'the request is not one of a pre-provisioning hook'],
  ])('refuses: %s', async (_, parameters, allowlist, reason) => {
    const { allowProvisioning, lines } = await ask(eventOf(parameters), allowlist);
    expect(allowProvisioning).toBe(false);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('provisioning refused: ');
    expect(lines[0]).toContain(reason);
  });

  it('takes only the own property of the parameters for the serial number', async () => {
    const inherited: unknown = JSON.parse('{"__proto__": {"SerialNumber": "1"}}');
    expect((await ask(eventOf(inherited), '1')).allowProvisioning).toBe(false);
  });

  it('writes one line whatever a device calls itself', async () => {
    const { lines } = await ask(eventOf({ SerialNumber: 'a\nprovisioning allowed: "b"' }), LISTED);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('\n');
    expect((await ask(eventOf({ SerialNumber: 'x'.repeat(100_000) }), LISTED)).lines[0]?.length).toBeLessThan(
      250,
    );
  });

  it('never rejects and never allows what is not listed, whatever it is sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.string(), async (event, allowlist) => {
        expect((await ask(event, allowlist)).allowProvisioning).toBe(false);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (SerialNumber, allowlist) => {
        const { allowProvisioning } = await ask(eventOf({ SerialNumber }), allowlist);
        expect(
          !allowProvisioning || allowlist.split(/\r?\n/).some((line) => line.trim() === SerialNumber),
        ).toBe(true);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identify, readIssuedCertificate } from '../../certificate-rotator/src/issued-certificate.js';
import { newPrivateKey } from '../../certificate-rotator/src/keys.js';
import { CERTIFICATE, NOT_AFTER } from '../support/certificate.js';

const certificateId = identify(CERTIFICATE);
const certificateArn = `arn:aws:iot:eu-west-1:000000000000:cert/${certificateId}`;
const message = { certificateArn, certificateId, certificatePem: CERTIFICATE };
const read = (value: unknown, now = 0) => readIssuedCertificate(JSON.stringify(value), now);

describe('readIssuedCertificate', () => {
  it('takes a certificate with its id and its address, and knows a key that it is not for', async () => {
    const parsed = read(message);
    expect(parsed.ok && parsed.value.issued).toEqual({ certificateArn, certificateId });
    expect(parsed.ok && parsed.value.certificate.trim()).toBe(CERTIFICATE.trim());
    expect(parsed.ok && parsed.value.isFor(await newPrivateKey('EC-P256'))).toBe(false);
    expect(parsed.ok && parsed.value.isFor(await newPrivateKey('RSA-2048'))).toBe(false);
  });

  it.each([
    [
      'another id',
      { ...message, certificateId: '0'.repeat(64) },
      'certificateId is not that of certificatePem',
    ],
    [
      'another address',
      { ...message, certificateArn: 'arn:cert/1' },
      'certificateArn is not that of certificatePem',
    ],
    ['no certificate', { ...message, certificatePem: 'nothing' }, 'certificatePem is no certificate'],
    ['no message', [], 'expected object'],
  ])('refuses %s', (_what, value, problem) => {
    const parsed = read(value);
    expect(!parsed.ok && parsed.problem).toContain(problem);
  });

  it('refuses a certificate from the moment on when its time is over', () => {
    expect(read(message, NOT_AFTER - 1).ok).toBe(true);
    const late = read(message, NOT_AFTER);
    expect(!late.ok && late.problem).toContain('the certificate expired on');
  });

  it('answers to any bytes and any message, and throws for none', () => {
    const texts = fc.oneof(fc.string(), fc.constantFrom(certificateArn, certificateId, CERTIFICATE));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json(),
          fc
            .record({ certificateArn: texts, certificateId: texts, certificatePem: texts })
            .map((value) => JSON.stringify(value)),
        ),
        (payload) => {
          const parsed = readIssuedCertificate(payload, 0);
          if (parsed.ok) expect(parsed.value.issued).toEqual({ certificateArn, certificateId });
          else expect(parsed.problem).not.toBe('');
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSigningRequest, SigningRequestError } from '../../src/sign-csr/signing-request.js';
import { csr, newKeys, someCertificateId } from '../rotation/fleet.js';

const DEVICE = { thing: '1000000000000001', principal: someCertificateId('current') };
const read = (request: unknown) => readSigningRequest(request, DEVICE);
const RSA = (modulusLength: number, hash = 'SHA-256') => ({
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash,
});

let good: string;
beforeAll(async () => {
  good = await csr({ name: DEVICE.thing, challengePassword: DEVICE.principal });
});

describe('readSigningRequest', () => {
  it('takes a request of this device, and gives the same key the same id', async () => {
    const keys = await newKeys();
    const first = await read(await csr({ keys, name: DEVICE.thing, challengePassword: DEVICE.principal }));
    const second = await read(await csr({ keys }));
    expect(first.keyId).toBe(second.keyId);
    expect((await read(good)).keyId).not.toBe(first.keyId);
    expect(first.keyId).toMatch(/^[0-9a-f]{64}$/);
  });

  it('encodes anew what it checked', async () => {
    const { pem, keyId } = await read(`\r\n${good.replaceAll('\n', '\r\n')}\r\n`);
    expect(pem.trim()).toBe(good.trim());
    expect((await read(pem)).keyId).toBe(keyId);
  });

  it.each([['P-256'], ['P-384'], ['P-521']])('takes a key on %s', async (namedCurve) => {
    const keys = await newKeys({ name: 'ECDSA', namedCurve });
    const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-384' };
    await expect(read(await csr({ keys, signingAlgorithm }))).resolves.toBeDefined();
  });

  it('takes an RSA key of 2048 bits, and none that is smaller', async () => {
    const of = async (bits: number) => csr({ keys: await newKeys(RSA(bits)), signingAlgorithm: RSA(bits) });
    await expect(read(await of(2048))).resolves.toBeDefined();
    await expect(read(await of(1024))).rejects.toThrow('its RSA key has 1024 bits: 2048 are needed');
  });

  it('refuses what is not signed with SHA-256 or better', async () => {
    const request = csr({ signingAlgorithm: { name: 'ECDSA', hash: 'SHA-1' } });
    await expect(read(await request)).rejects.toThrow('its signature is made with SHA-1');
  });

  it('refuses a key that AWS IoT does not sign', async () => {
    const keys = await newKeys({ name: 'Ed25519' });
    await expect(read(await csr({ keys, signingAlgorithm: { name: 'Ed25519' } }))).rejects.toThrow(
      'its key is of type ed25519',
    );
  });

  it('refuses a broken signature', async () => {
    const [head = '', body = '', tail = ''] = good.split(/(?<=-----)\n|\n(?=-----END)/);
    const bytes = Buffer.from(body, 'base64');
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    await expect(read(`${head}\n${bytes.toString('base64')}\n${tail}`)).rejects.toThrow(
      'its signature was not made with the key that it names',
    );
  });

  it.each([
    ['the name of another thing', { name: '1000000000000002' }, /common name is not that of the thing/],
    ['another certificate', { challengePassword: someCertificateId('other') }, /challengePassword is not/],
    ['an empty challengePassword', { challengePassword: '' }, /challengePassword is not/],
  ])('refuses %s', async (_, options, message) => {
    await expect(read(await csr(options))).rejects.toThrow(message);
  });

  it('refuses two requests at once', async () => {
    await expect(read(`${good}\n${good}`)).rejects.toThrow('it is not one signing request in PEM');
  });

  it.each([undefined, null, 7, '', {}, [], 'x'.repeat(8193), '-----BEGIN CERTIFICATE REQUEST-----'])(
    'refuses %j',
    async (request) => {
      await expect(read(request)).rejects.toThrow(SigningRequestError);
    },
  );

  it('refuses whatever else it is sent, and throws nothing but refusals', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (request) => {
        await expect(read(request)).rejects.toThrow(SigningRequestError);
      }),
      { numRuns: 50 },
    );
    const der = Buffer.from(good.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const expected = (await read(good)).keyId;
    const position = fc.nat({ max: der.length - 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(position, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
        position,
        async (flips, end) => {
          const broken = Buffer.from(der);
          for (const [index, bits] of flips) broken[index] = (der[index] ?? 0) ^ bits;
          for (const bytes of [broken, der.subarray(0, end)]) {
            const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
            // What is not signed may be encoded in more than one way; the key is signed.
            const keyId = await read(pem).then(
              (request) => request.keyId,
              (error: unknown) => {
                expect(error).toBeInstanceOf(SigningRequestError);
              },
            );
            if (keyId !== undefined) expect(keyId).toBe(expected);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

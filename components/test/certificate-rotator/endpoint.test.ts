import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointOf } from '../../certificate-rotator/src/endpoint.js';
import { ComponentError } from '../../runtime/src/errors.js';

describe('endpointOf', () => {
  it.each([
    [{ iotDataEndpoint: 'a-ats.iot.eu-west-1.amazonaws.com' }, 'a-ats.iot.eu-west-1.amazonaws.com', 8_883],
    [{ iotDataEndpoint: '127.0.0.1:1883' }, '127.0.0.1', 1_883],
    [{ iotDataEndpoint: '[::1]:1883' }, '::1', 1_883],
    [{ iotDataEndpoint: 'localhost:1', mqtt: { port: '443' } }, 'localhost', 443],
    [{ iotDataEndpoint: 'localhost', mqtt: { port: 443 }, networkProxy: {} }, 'localhost', 443],
  ])('finds AWS IoT Core in %j', (nucleus, host, port) => {
    expect(endpointOf(nucleus)).toEqual({ host, port });
  });

  it.each([
    [{}, 'does not say where AWS IoT Core is'],
    [{ iotDataEndpoint: 'a b' }, 'does not say where AWS IoT Core is'],
    [{ iotDataEndpoint: 'host', networkProxy: { proxy: { url: 'http://proxy' } } }, 'uses a network proxy'],
  ])('says what is wrong with %j', (nucleus, problem) => {
    expect(() => endpointOf(nucleus)).toThrow(problem);
  });

  it('gives an endpoint or says why not, whatever the configuration is', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record({ iotDataEndpoint: fc.string(), mqtt: fc.anything() }),
    );
    fc.assert(
      fc.property(anything, (nucleus) => {
        try {
          const { host, port } = endpointOf(nucleus);
          expect(host).not.toBe('');
          expect(port >= 1 && port <= 65_535).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ComponentError);
        }
      }),
    );
  });
});

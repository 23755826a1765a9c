import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { corsHeaders, preflightHeaders } from '../../src/services/lambda/urls/cors.js';
import { isTextual, queryParameters, urlEvent } from '../../src/services/lambda/urls/event.js';
import { urlResponse } from '../../src/services/lambda/urls/response.js';

const origin = { urlId: 'id', region: 'eu-central-1', requestId: 'r', now: 1_583_348_638_390 };
const request = { method: 'POST', path: '/', rawQuery: '', headers: {}, sourceIp: '127.0.0.1' };

describe('events', () => {
  test('carry any body over', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom(undefined, 'image/png'),
        (bytes, type) => {
          const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
          const { body = '', isBase64Encoded } = urlEvent({ ...request, headers }, bytes, origin);
          expect(isBase64Encoded).toBe(bytes.length > 0);
          expect([...Buffer.from(body, 'base64')]).toEqual([...bytes]);
        },
      ),
    );
  });

  test('carry any query over', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (values) => {
        expect(queryParameters(new URLSearchParams(values).toString())).toEqual({ ...values });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (raw) => {
        queryParameters(raw);
      }),
    );
  });

  test('say when the request came as web servers do', () => {
    const { requestContext } = urlEvent(request, new Uint8Array(), origin);
    expect([requestContext.time, requestContext.timeEpoch]).toEqual([
      '04/Mar/2020:19:03:58 +0000',
      1_583_348_638_390,
    ]);
  });

  test.each([
    ['text/plain', true],
    ['application/json;charset=utf-8', true],
    ['application/problem+json', true],
    ['image/svg+xml', false],
    ['application/x-www-form-urlencoded', false],
    ['application/octet-stream', false],
    [undefined, false],
  ])('have bodies of %s as text: %s', (type, expected) => {
    expect(isTextual(type)).toBe(expected);
  });
});

describe('results', () => {
  test('without a status code are the body', () => {
    fc.assert(
      fc.property(fc.json(), (result) => {
        const value: unknown = JSON.parse(result);
        fc.pre(typeof value !== 'object' || value === null || !('statusCode' in value));
        expect(urlResponse(result)).toEqual({
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: result,
        });
      }),
    );
  });

  test('with one are a response that can be sent, or none', () => {
    const anything = fc.jsonValue();
    fc.assert(
      fc.property(
        fc.record(
          {
            statusCode: fc.oneof(fc.constant(200), anything),
            headers: fc.oneof(fc.dictionary(fc.string(), fc.string()), anything),
            cookies: fc.oneof(fc.array(fc.string()), anything),
            body: anything,
            isBase64Encoded: anything,
          },
          { requiredKeys: ['statusCode'] },
        ),
        (result) => {
          const response = urlResponse(JSON.stringify(result));
          if (!response) return;
          expect(response.status).toBeGreaterThanOrEqual(200);
          new Headers([
            ...Object.entries(response.headers),
            ...(response.cookies ?? []).map((cookie): [string, string] => ['set-cookie', cookie]),
          ]);
        },
      ),
    );
  });

  test.each([
    [{ statusCode: 99 }],
    [{ statusCode: 200, body: {} }],
    [{ statusCode: 200, headers: { 'x-a': 'b\r\nx-c: d' } }],
    [{ statusCode: 200, cookies: ['a\nb'] }],
  ])('that are no response: %j', (result) => {
    expect(urlResponse(JSON.stringify(result))).toBeUndefined();
  });

  test('lose headers that the server sends', () => {
    const result = {
      statusCode: '204',
      headers: { 'Content-Length': '9', 'Transfer-Encoding': 'chunked', A: 1 },
    };
    expect(urlResponse(JSON.stringify(result))).toEqual({
      status: 204,
      headers: { 'content-type': 'application/json', a: '1' },
      body: '',
    });
  });
});

describe('other origins', () => {
  const origins = fc.webUrl().map((url) => new URL(url).origin);

  test('are allowed when they are listed, and only then', () => {
    fc.assert(
      fc.property(fc.array(origins, { maxLength: 4 }), origins, (AllowOrigins, asking) => {
        const allowed = corsHeaders({ AllowOrigins, AllowMethods: ['*'] }, asking);
        expect(allowed['access-control-allow-origin']).toBe(
          AllowOrigins.includes(asking) ? asking : undefined,
        );
        expect(allowed.vary).toBe('Origin');
        expect(corsHeaders({ AllowOrigins: ['*'] }, asking)['access-control-allow-origin']).toBe('*');
        expect(corsHeaders({ AllowOrigins }, undefined)['access-control-allow-origin']).toBeUndefined();
      }),
    );
  });

  test('may send the headers that are listed, in any case', () => {
    const cors = { AllowOrigins: ['*'], AllowMethods: ['PUT'], AllowHeaders: ['X-One', 'x-two'] };
    const headers = { origin: 'https://a.test', 'access-control-request-method': 'PUT' };
    const allows = (names: string) =>
      'access-control-allow-origin' in
      preflightHeaders(cors, { ...headers, 'access-control-request-headers': names });
    expect(['x-one', 'X-TWO, x-one', '', ' , '].every(allows)).toBe(true);
    expect(['x-three', 'x-one,x-three', '*'].some(allows)).toBe(false);
  });
});

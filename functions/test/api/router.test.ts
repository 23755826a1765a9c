import { ApiProblem } from '@mooring/contracts';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { PageQuery, readNext, withToken, writeNext } from '../../src/api/next-token.js';
import { RequestProblem } from '../../src/api/problem.js';
import { route, urlHandler } from '../../src/api/router.js';
import { urlEvent } from './url-event.js';

const lines: Record<string, unknown>[] = [];
let failure: Error;
const handler = urlHandler(
  [
    route('GET', '/things/{thing}/logs', async ({ parameters, query, repeated, caller, requestId }) => ({
      ...parameters,
      next: query(PageQuery).next,
      tags: repeated('tag'),
      caller,
      requestId,
    })),
    route('POST', '/session', async ({ body }) => body(z.object({ token: z.string() }))),
    route('DELETE', '/things/{thing}/logs', async () => {
      throw failure;
    }),
  ],
  (event, fields) => lines.push({ event, ...fields }),
  10_000,
);

async function ask(...request: Parameters<typeof urlEvent>): Promise<{ status: number; body: unknown }> {
  const { statusCode, body, headers } = await handler(urlEvent(...request));
  expect(headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  return { status: statusCode, body: JSON.parse(body) };
}

describe('a request', () => {
  it('reaches its route with decoded parts, all values of a name, and who calls', async () => {
    const target = '/things/a%3Ab/logs?next=x&tag=1&tag=2&next=y';
    expect(await ask('GET', target, { userArn: 'arn:aws:sts::1:assumed-role/R/s' })).toEqual({
      status: 200,
      body: {
        thing: 'a:b',
        next: 'x',
        tags: ['1', '2'],
        caller: { arn: 'arn:aws:sts::1:assumed-role/R/s', accessKey: 'ASIAKEY' },
        requestId: 'request-1',
      },
    });
  });

  it.each([true, false])('has a JSON body, in base64 (%s) or not', async (base64) => {
    expect(await ask('POST', '/session', { body: '{"token":"t"}', base64 })).toEqual({
      status: 200,
      body: { token: 't' },
    });
  });

  it.each([
    ['GET', '/nothing', 404, 'NoSuchPath'],
    ['GET', '/things/a/logs/b', 404, 'NoSuchPath'],
    ['PUT', '/things/a/logs', 405, 'MethodNotAllowed'],
    ['GET', '/things/%E0%A4%A/logs', 400, 'BadRequest'],
    ['POST', '/session', 400, 'BadRequest'],
  ])('%s %s is answered with %i %s', async (method, target, status, code) => {
    expect(await ask(method, target)).toMatchObject({ status, body: { code } });
  });

  it('names what is wrong with its body', async () => {
    const { body } = await ask('POST', '/session', { body: '{"token":1}' });
    expect(body).toMatchObject({ message: expect.stringContaining('token in the body') });
  });

  it('of any kind is answered with a problem, never a rejection', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), fc.record({ rawPath: fc.string() })), async (event) => {
        const { statusCode, body } = await handler(event);
        expect(statusCode).toBe(400);
        ApiProblem.parse(JSON.parse(body));
      }),
    );
  });

  it('of any path and query is answered by its route, or told that there is none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.webQueryParameters(), async (path, query) => {
        expect([200, 400, 404]).toContain((await ask('GET', `${path}?${query}`)).status);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), async (thing) => {
        const { body } = await ask('GET', `/things/${encodeURIComponent(thing)}/logs`);
        expect(body).toMatchObject({ thing });
      }),
    );
  });
});

describe('a failure', () => {
  const named = (name: string) => Object.assign(new Error('of AWS'), { name });

  it.each([
    ['ThrottlingException', 503, 'Throttled'],
    ['TooManyRequestsException', 503, 'Throttled'],
    ['ProvisionedThroughputExceededException', 503, 'Throttled'],
    ['TimeoutError', 503, 'TookTooLong'],
    ['AbortError', 503, 'TookTooLong'],
    ['AccessDeniedException', 500, 'InternalError'],
  ])('%s is answered with %i %s, and logged with the request', async (name, status, code) => {
    failure = named(name);
    lines.length = 0;
    const answer = await ask('DELETE', '/things/a/logs');
    expect(answer).toMatchObject({ status, body: { code } });
    expect(JSON.stringify(answer.body)).not.toContain('of AWS');
    expect(lines).toEqual([
      { event: 'request-failed', requestId: 'request-1', status, reason: `${name}: of AWS` },
    ]);
  });

  it('that the caller can put right says how, and is not logged', async () => {
    failure = new RequestProblem(409, 'Busy', 'try again');
    lines.length = 0;
    expect(await ask('DELETE', '/things/a/logs')).toEqual({
      status: 409,
      body: { code: 'Busy', message: 'try again' },
    });
    expect(lines).toEqual([]);
  });
});

describe('the next of a page', () => {
  const Position = z.object({ day: z.string(), token: z.string().optional() });

  test('leads back to its position', () => {
    fc.assert(
      fc.property(fc.record({ day: fc.string(), token: fc.string() }), (position) => {
        const next = writeNext(position);
        expect(next).toMatch(/^[\w-]+$/);
        expect(readNext(Position, next)).toEqual(position);
      }),
    );
    expect(readNext(Position, undefined)).toBeUndefined();
  });

  test('of any other text is refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => Buffer.from(json).toString('base64url')),
        ),
        (next) => {
          try {
            expect(Position.safeParse(readNext(Position, next)).success).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ status: 400, code: 'BadNext' });
          }
        },
      ),
    );
  });

  test('that AWS does not take is refused as one, and nothing else is', async () => {
    const refusing = () => Promise.reject(Object.assign(new Error(), { name: 'InvalidRequestException' }));
    await expect(withToken('t', refusing)).rejects.toMatchObject({ code: 'BadNext' });
    await expect(withToken(undefined, refusing)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });
});

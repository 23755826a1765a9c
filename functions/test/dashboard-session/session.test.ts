import { expect, test } from 'vitest';
import { openSession, RefusedTokenError } from '../../src/dashboard-session/session.js';

const signal = new AbortController().signal;

function ports(identityOf: () => Promise<string>) {
  const attached: string[] = [];
  const lines: Record<string, unknown>[] = [];
  return {
    attached,
    lines,
    ports: {
      identityOf,
      attachPolicy: async (identityId: string) => {
        attached.push(identityId);
      },
      log: (event: string, fields?: object) => lines.push({ event, ...fields }),
    },
  };
}

test('the policy is attached to the identity that the token belongs to', async () => {
  const { ports: surroundings, attached, lines } = ports(async () => 'eu-west-1:id');
  expect(await openSession('token', surroundings, signal)).toEqual({ identityId: 'eu-west-1:id' });
  expect(attached).toEqual(['eu-west-1:id']);
  expect(lines).toEqual([{ event: 'session-opened', identityId: 'eu-west-1:id' }]);
});

test('nothing is attached for a token that is refused, and the token is not logged', async () => {
  const {
    ports: surroundings,
    attached,
    lines,
  } = ports(async () => {
    throw new RefusedTokenError('Invalid login token.');
  });
  await expect(openSession('secret-token', surroundings, signal)).rejects.toMatchObject({
    status: 401,
    code: 'TokenRefused',
  });
  expect(attached).toEqual([]);
  expect(JSON.stringify(lines)).not.toContain('secret-token');
});

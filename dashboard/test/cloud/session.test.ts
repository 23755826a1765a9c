import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Api } from '../../src/cloud/api.js';
import { Session } from '../../src/cloud/session.js';
import { testClock } from '../support/test-clock.js';
import { TestCloud } from '../support/test-cloud.js';

const cloud = new TestCloud(3);
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());
beforeEach(() => {
  cloud.guests = true;
  cloud.calls.length = 0;
});

function tab() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

/** Time is the real one, as the cloud's tokens have it, and can be moved on. */
function clockFromNow() {
  const clock = testClock();
  clock.advance(Date.now() - clock.now());
  return clock;
}

test('guests have credentials: one identity, asked for once, and new credentials before they expire', async () => {
  const clock = clockFromNow();
  const storage = tab();
  const session = new Session(cloud.config(), storage, clock);
  await session.start();
  expect(session.visitor.value).toEqual({ kind: 'guest' });
  await Promise.all([session.credentials(), session.credentials()]);
  await session.credentials();
  expect(cloud.calls).toEqual(['GetId', 'GetCredentialsForIdentity']);
  clock.advance(56 * 60_000);
  await session.credentials();
  expect(cloud.calls).toEqual(['GetId', 'GetCredentialsForIdentity', 'GetCredentialsForIdentity']);
});

test('nobody looks where guests may not', async () => {
  cloud.guests = false;
  const session = new Session(cloud.config(), tab(), clockFromNow());
  await session.start();
  expect(session.visitor.value).toEqual({ kind: 'nobody' });
  await expect(session.credentials()).rejects.toThrow('sign in first');
});

test('a user: in, renewed before the token expires, kept for the tab alone, and out', async () => {
  const clock = clockFromNow();
  const storage = tab();
  const session = new Session(cloud.config(), storage, clock);
  await session.start();
  await expect(session.signIn('ada', 'wrong')).rejects.toThrow('Incorrect username or password.');
  expect(await session.signIn('ada', 'right')).toBeUndefined();
  expect(session.visitor.value).toEqual({ kind: 'user', name: 'ada', operator: true });
  await session.credentials();
  expect([...storage.kept.values()]).toEqual(['refresh']);
  clock.advance(56 * 60_000);
  cloud.calls.length = 0;
  await session.credentials();
  expect(cloud.calls).toEqual(['InitiateAuth REFRESH_TOKEN_AUTH', 'GetId', 'GetCredentialsForIdentity']);

  const reloaded = new Session(cloud.config(), storage, clock);
  await reloaded.start();
  expect(reloaded.visitor.value).toMatchObject({ kind: 'user', operator: true });
  await reloaded.signOut();
  expect(reloaded.visitor.value).toEqual({ kind: 'guest' });
  expect(storage.kept.size).toBe(0);
  expect(cloud.calls).toContain('RevokeToken');
});

test('a session that has ended in the cloud ends here, and says so', async () => {
  const clock = clockFromNow();
  const storage = tab();
  const session = new Session(cloud.config(), storage, clock);
  await session.signIn('ada', 'right');
  await session.credentials();
  cloud.revoked = true;
  clock.advance(56 * 60_000);
  await expect(session.credentials()).rejects.toThrow('Refresh Token has been revoked');
  cloud.revoked = false;
  expect(session.visitor.value).toMatchObject({
    kind: 'nobody',
    problem: expect.stringContaining('has ended'),
  });
  expect(storage.kept.size).toBe(0);
});

test('the API tells what the cloud said, and whether it answered at all', async () => {
  const clock = clockFromNow();
  const session = new Session(cloud.config(), tab(), clock);
  await session.start();
  const heard: boolean[] = [];
  const api = new Api(cloud.config(), session, clock, (answered) => heard.push(answered));
  expect((await api.fleet()).devices).toHaveLength(3);
  await expect(api.deployment('a b')).rejects.toThrow('there is no deployment a b');
  await expect(api.rotate('nobody')).rejects.toMatchObject({ code: 'NoSuchDevice', status: 404 });
  cloud.fail();
  await expect(api.fleet()).rejects.toThrow('does not answer');
  cloud.recover();
  expect(heard).toEqual([true, true, true, false]);
});

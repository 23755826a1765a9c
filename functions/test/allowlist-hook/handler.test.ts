import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

/** Answers GetObject for path-style requests, as S3 does, and 404 for what it does not have. */
const objects = new Map<string, string>();
const server = createServer((request, response) => {
  const text = objects.get(new URL(request.url ?? '/', 'http://s3').pathname);
  if (text !== undefined) {
    response.end(text);
    return;
  }
  response.writeHead(404, { 'content-type': 'application/xml' });
  response.end(
    '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>',
  );
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('ALLOWLIST_BUCKET', 'provisioning');
  vi.stubEnv('ALLOWLIST_KEY', 'allowlist.txt');
});
afterEach(() => {
  objects.clear();
  vi.restoreAllMocks();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function invoke() {
  const log = vi.spyOn(console, 'info').mockReturnValue();
  const { handler } = await import('../../src/allowlist-hook/index.js');
  const response = await handler({ parameters: { SerialNumber: '1' } });
  return { ...response, line: String(log.mock.calls[0]?.[0]) };
}

describe('handler', () => {
  it('reads the allowlist from S3, anew for each device', async () => {
    objects.set('/provisioning/allowlist.txt', '2\n');
    expect(await invoke()).toMatchObject({ allowProvisioning: false });
    objects.set('/provisioning/allowlist.txt', '2\n1\n');
    expect(await invoke()).toMatchObject({ allowProvisioning: true });
  });

  it('refuses when the object is missing', async () => {
    expect(await invoke()).toEqual({
      allowProvisioning: false,
      line: 'provisioning refused: serial number "1": the allowlist cannot be read: NoSuchKey: The specified key does not exist.',
    });
  });

  it('refuses and names the variable when its environment is incomplete', async () => {
    vi.stubEnv('ALLOWLIST_KEY', '');
    const { allowProvisioning, line } = await invoke();
    vi.stubEnv('ALLOWLIST_KEY', 'allowlist.txt');
    expect(allowProvisioning).toBe(false);
    expect(line).toContain('the environment variable ALLOWLIST_KEY is not set');
  });
});

import type { Clock } from '../../src/clock.js';
import { systemClock } from '../../src/clock.js';
import { front } from '../../src/http/front.js';
import { listenHttp } from '../../src/http/listener.js';
import type { CredentialsLookup } from '../../src/http/sigv4.js';
import type { Service } from '../../src/service.js';
import { atEnd } from './at-end.js';

/** Serves one service alone; returns what an AWS SDK client needs to reach it. */
export async function serve(
  service: Service,
  options: { credentials?: CredentialsLookup; clock?: Clock; unsigned?: boolean } = {},
) {
  const handler = front({
    services: [service],
    credentials: options.credentials ?? (() => undefined),
    accountId: '000000000000',
    clock: options.clock ?? systemClock,
    ...(options.unsigned ? { unsigned: service } : {}),
  });
  const listener = await listenHttp(handler, '127.0.0.1', 0);
  atEnd(() => listener.close());
  return {
    endpoint: `http://127.0.0.1:${listener.port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
}

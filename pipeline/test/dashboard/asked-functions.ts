import { Sha256 } from '@aws-crypto/sha256-js';
import { GetFunctionUrlConfigCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { names } from '@mooring/contracts';
import { SignatureV4 } from '@smithy/signature-v4';
import type { z } from 'zod';
import { clientConfig, type Target } from '../../src/target.js';

/** An answer of a function, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Asks the functions behind the dashboard by their URLs, with signed requests. */
export function askedFunctions(target: Target) {
  const signer = new SignatureV4({
    service: 'lambda',
    region: target.region,
    credentials: target.credentials,
    sha256: Sha256,
  });
  const urls = new Map<string, string>();

  async function urlOf(FunctionName: string): Promise<string> {
    const known = urls.get(FunctionName);
    if (known !== undefined) return known;
    const lambda = new LambdaClient(clientConfig(target));
    const { FunctionUrl = '' } = await lambda.send(new GetFunctionUrlConfigCommand({ FunctionName }));
    lambda.destroy();
    urls.set(FunctionName, FunctionUrl);
    return FunctionUrl;
  }

  async function ask(name: string, method: string, path: string, body?: object): Promise<Answer> {
    const url = new URL(`.${path}`, await urlOf(name));
    const query: Record<string, string[]> = {};
    for (const [key, value] of url.searchParams) query[key] = [...(query[key] ?? []), value];
    const text = body === undefined ? undefined : JSON.stringify(body);
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query,
      headers: { host: url.host, ...(text !== undefined && { 'content-type': 'application/json' }) },
      ...(text !== undefined && { body: text }),
    });
    const answer = await fetch(url, { method, headers, ...(text !== undefined && { body: text }) });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  return {
    session: (body: object) => ask(names.dashboardSession, 'POST', '/session', body),
    operate: (method: string, path: string) => ask(names.dashboardOperator, method, path),
    tryReading: (path: string) => ask(names.dashboardReader, 'GET', path),
    /** Reads what must be there, as the page reads it. */
    async read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
      const { status, body } = await ask(names.dashboardReader, 'GET', path);
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
      return schema.parse(body);
    },
  };
}

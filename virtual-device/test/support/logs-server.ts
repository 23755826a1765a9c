import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, vi } from 'vitest';

interface Request {
  readonly logGroupName: string;
  readonly logStreamName?: string;
  readonly logEvents?: { message: string }[];
}

/**
 * What a client needs of CloudWatch Logs: groups and streams that must be made first, and events. While the test
 * runs it is what AWS SDKs find.
 */
export class LogsServer {
  readonly streams = new Set<string>();
  readonly received: { operation: string; authorization: string; token: string; request: Request }[] = [];
  /** Answers the next requests to put events with this error, if any. */
  refusal: { status: number; type: string } | undefined;
  #heard: (() => void)[] = [];

  static async start(): Promise<LogsServer> {
    const logs = new LogsServer();
    const server = createServer((request, response) => void logs.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    return logs;
  }

  get messages(): string[] {
    return this.received.flatMap(({ operation, request }) =>
      operation === 'PutLogEvents' ? (request.logEvents ?? []).map(({ message }) => message) : [],
    );
  }

  async heard(fits: () => boolean): Promise<void> {
    while (!fits()) await new Promise<void>((resolve) => this.#heard.push(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const parsed = JSON.parse(body) as Request;
    const error = this.#errorFor(operation, parsed);
    response.writeHead(error?.status ?? 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(error ? { __type: error.type, message: 'refused' } : {}));
    if (!error) {
      this.received.push({
        operation,
        authorization: request.headers.authorization ?? '',
        token: String(request.headers['x-amz-security-token']),
        request: parsed,
      });
    }
    for (const wake of this.#heard.splice(0)) wake();
  }

  #errorFor(operation: string, { logGroupName, logStreamName }: Request) {
    const stream = `${logGroupName} ${logStreamName}`;
    if (operation === 'CreateLogStream') this.streams.add(stream);
    if (operation !== 'PutLogEvents') return undefined;
    if (!this.streams.has(stream)) return { status: 400, type: 'ResourceNotFoundException' };
    return this.refusal;
  }
}

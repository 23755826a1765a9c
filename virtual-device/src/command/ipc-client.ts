import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { DeviceError, messageOf } from '../errors.js';
import { EventStreamDecoder } from '../ipc/event-stream.js';
import {
  encodeRpcMessage,
  jsonHeaders,
  jsonPayload,
  MessageFlag,
  MessageType,
  PROTOCOL_VERSION,
  parseRpcMessage,
  type RpcMessage,
} from '../ipc/rpc-message.js';
import { layoutOf } from '../layout.js';

/** What the agent leaves in `cli_ipc_info` for its user. */
const CliIpcInfo = z.object({ cli_auth_token: z.string(), domain_socket_path: z.string() });

const Failure = z.object({
  _message: z.string().optional(),
  message: z.string().optional(),
  _errorCode: z.string().optional(),
});

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** A device on this machine answers at once; milliseconds. */
const ANSWER_TIMEOUT = 30_000;

/** A connection to the agent of a root, as the Greengrass CLI makes one. */
export class CliIpcClient {
  #streamId = 0;
  readonly #waiting = new Map<number, { resolve(message: RpcMessage): void; reject(error: Error): void }>();

  private constructor(private readonly socket: Socket) {
    const decoder = new EventStreamDecoder(MAX_MESSAGE_BYTES);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of decoder.feed(chunk)) {
          const parsed = parseRpcMessage(message);
          this.#waiting.get(parsed.streamId)?.resolve(parsed);
        }
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values())
        reject(new DeviceError('NOT_RUNNING', 'The device hung up.'));
    });
  }

  /**
   * Connects with the token of `cli_ipc_info`.
   *
   * @throws DeviceError NOT_RUNNING when no device runs in the root
   */
  static async open(root: string): Promise<CliIpcClient> {
    const layout = layoutOf(root);
    const notRunning = () =>
      new DeviceError('NOT_RUNNING', `No device is running in ${layout.root}; start it first.`);
    const [file] = existsSync(layout.cliIpcInfo) ? readdirSync(layout.cliIpcInfo) : [];
    if (file === undefined) throw notRunning();
    const info = CliIpcInfo.parse(JSON.parse(readFileSync(join(layout.cliIpcInfo, file), 'utf8')));
    const socket = connect(info.domain_socket_path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', () => reject(notRunning()));
    });
    const client = new CliIpcClient(socket);
    const ack = await client.#exchange({
      type: MessageType.Connect,
      flags: MessageFlag.None,
      streamId: 0,
      headers: new Map([[':version', { type: 'string', value: PROTOCOL_VERSION }]]),
      payload: jsonPayload({ authToken: info.cli_auth_token }),
    });
    if (ack.type !== MessageType.ConnectAck || (ack.flags & MessageFlag.ConnectionAccepted) === 0) {
      client.close();
      throw new DeviceError('NOT_RUNNING', `The device in ${layout.root} does not take this user's token.`);
    }
    return client;
  }

  /**
   * Calls an operation of `aws.greengrass#GreengrassCoreIPC`.
   *
   * @param operation without namespace
   * @throws DeviceError REQUEST_REFUSED with the device's words
   */
  async call(operation: string, request: unknown): Promise<unknown> {
    this.#streamId += 1;
    const answer = await this.#exchange({
      type: MessageType.ApplicationMessage,
      flags: MessageFlag.None,
      streamId: this.#streamId,
      headers: new Map([
        ...jsonHeaders(`aws.greengrass#${operation}Request`),
        ['operation', { type: 'string', value: `aws.greengrass#${operation}` }],
      ]),
      payload: jsonPayload(request),
    });
    const body: unknown = JSON.parse(Buffer.from(answer.payload).toString('utf8') || '{}');
    if (answer.type === MessageType.ApplicationMessage) return body;
    const failure = Failure.safeParse(body).data;
    const words = failure?._message ?? failure?.message ?? 'no reason given';
    throw new DeviceError('REQUEST_REFUSED', `${operation} is refused: ${words}`);
  }

  close(): void {
    this.socket.destroy();
  }

  async #exchange(message: RpcMessage): Promise<RpcMessage> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<RpcMessage>((resolve, reject) => {
        this.#waiting.set(message.streamId, { resolve, reject });
        timer = setTimeout(
          () =>
            reject(
              new DeviceError('NOT_RUNNING', `The device does not answer within ${ANSWER_TIMEOUT / 1000} s.`),
            ),
          ANSWER_TIMEOUT,
        );
        this.socket.write(
          encodeRpcMessage(message),
          (error) => error && reject(new DeviceError('NOT_RUNNING', messageOf(error))),
        );
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(message.streamId);
    }
  }
}

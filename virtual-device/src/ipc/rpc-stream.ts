/** One stream of a connection: a single call of an operation, from its request to its end. */
import { IpcError, type IpcErrorCode, type IpcLog, type IpcPrincipal } from './capabilities.js';
import {
  MODEL_NAMESPACE,
  type Operation,
  type OperationCall,
  principalName,
  SERVICE_NAME,
  type ShapeBody,
} from './operation.js';
import { jsonHeaders, jsonPayload, MessageFlag, MessageType, type RpcMessage } from './rpc-message.js';

export type SendOnStream = (message: Omit<RpcMessage, 'streamId'>) => void;

export class RpcStream implements OperationCall {
  readonly operation: string;
  #state: 'handling' | 'open' | 'closed' = 'handling';
  readonly #releases: (() => void)[] = [];
  /** Events that came before the response: a client takes the first message for the response. */
  readonly #heldBack: ShapeBody[] = [];

  /** @param onClosed told once, whoever ends the stream */
  constructor(
    readonly principal: IpcPrincipal,
    private readonly definition: Operation,
    private readonly send: SendOnStream,
    private readonly log: IpcLog,
    private readonly onStreamClosed: () => void,
  ) {
    this.operation = MODEL_NAMESPACE + definition.name;
  }

  /** Handles the request that opened the stream; synchronous up to the handler's first wait. */
  async run(payload: Uint8Array): Promise<void> {
    try {
      this.#respond(await this.definition.handle(parseRequest(payload), this));
    } catch (error) {
      this.#refuse(error);
    }
  }

  emit(event: ShapeBody): void {
    if (this.#state === 'handling') this.#heldBack.push(event);
    else if (this.#state === 'open') this.#sendShape(this.definition.eventShape, event, MessageFlag.None);
  }

  onClosed(release: () => void): void {
    if (this.#state === 'closed') this.#release(release);
    else this.#releases.push(release);
  }

  /** The client ended the stream, or its connection is gone: nothing is sent any more. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.onStreamClosed();
    for (const release of this.#releases.splice(0)) this.#release(release);
    this.#heldBack.length = 0;
  }

  #respond(response: ShapeBody): void {
    if (this.#state === 'closed') return;
    const shape = `${this.definition.name}Response`;
    if (this.definition.eventShape === undefined) {
      this.#sendShape(shape, response, MessageFlag.TerminateStream);
      this.close();
      return;
    }
    this.#sendShape(shape, response, MessageFlag.None);
    this.#state = 'open';
    for (const event of this.#heldBack.splice(0)) this.emit(event);
  }

  #refuse(error: unknown): void {
    if (this.#state === 'closed') return;
    let refusal = error;
    if (!(refusal instanceof IpcError)) {
      const who = principalName(this.principal);
      this.log('error', `${this.operation} called by ${who} failed: ${String(error)}`, { principal: who });
      refusal = new IpcError('ServiceError', `${this.operation} failed; the device's log says why.`);
    }
    if (refusal instanceof IpcError) {
      this.send({
        type: MessageType.ApplicationError,
        flags: MessageFlag.TerminateStream,
        headers: jsonHeaders(MODEL_NAMESPACE + refusal.code),
        payload: jsonPayload(errorBody(refusal.code, refusal)),
      });
    }
    this.close();
  }

  #sendShape(shape: string | undefined, body: ShapeBody, flags: number): void {
    this.send({
      type: MessageType.ApplicationMessage,
      flags,
      headers: jsonHeaders(MODEL_NAMESPACE + shape),
      payload: jsonPayload(body),
    });
  }

  #release(release: () => void): void {
    try {
      release();
    } catch (error) {
      this.log('error', `Ending a stream of ${this.operation} failed: ${String(error)}`);
    }
  }
}

/** Clients read `message`, the Java and C ones `_message` and `_errorCode`. */
function errorBody(code: IpcErrorCode, error: IpcError): ShapeBody {
  return {
    _service: SERVICE_NAME,
    _message: error.message,
    _errorCode: code,
    message: error.message,
    resourceType: error.resource?.type,
    resourceName: error.resource?.name,
  };
}

function parseRequest(payload: Uint8Array): unknown {
  if (payload.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw new IpcError('InvalidArgumentsError', 'The request is not JSON in UTF-8.');
  }
}

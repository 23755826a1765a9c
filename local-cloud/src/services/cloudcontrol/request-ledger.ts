import { createHash, randomUUID } from 'node:crypto';
import {
  ClientTokenConflictException,
  type HandlerErrorCode,
  type Operation,
  OperationStatus,
  type ProgressEvent,
  RequestTokenNotFoundException,
} from '@aws-sdk/client-cloudcontrol';
import type { Base } from '../../plugin.js';
import type { ResourceProperties } from '../../resource-type.js';
import { key } from '../../store/store.js';

/** A resource operation that was asked for, from its acceptance to seven days after. */
export interface ResourceRequest {
  readonly token: string;
  readonly typeName: string;
  readonly operation: Operation;
  /** The account of Cloud Control's requests in order of their time. */
  readonly acceptedAt: number;
  identifier?: string;
  /** The state to reach, for as long as the operation is under way. */
  desired?: ResourceProperties;
  status: OperationStatus;
  /** Whether the resource's handler was called: from then on the resource may have been touched. */
  begun: boolean;
  eventTime: number;
  statusMessage?: string;
  errorCode?: HandlerErrorCode;
  /** The resource as it was when the operation succeeded, as JSON. */
  resourceModel?: string;
}

/** Keeps the requests, so that their tokens mean the same after a restart. */
export interface RequestLedger {
  /**
   * The request that was accepted before with the same client token and the same input.
   *
   * @throws ClientTokenConflictException when the input was another one.
   */
  repeated(clientToken: string | undefined, input: object): ResourceRequest | undefined;
  /** Accepts a request; it is kept when this returns. */
  accept(
    request: Pick<ResourceRequest, 'typeName' | 'operation' | 'identifier' | 'desired'>,
    clientToken: string | undefined,
    input: object,
  ): ResourceRequest;
  /** @throws RequestTokenNotFoundException */
  get(token: string): ResourceRequest;
  save(request: ResourceRequest): void;
  /** All requests, the latest first; behind the one with the token `after` when it is given. */
  latestFirst(after?: string): Iterable<ResourceRequest>;
}

interface ClientToken {
  requestToken: string;
  inputHash: string;
  usedAt: number;
}

const HOUR = 3_600_000;
/** How long a client token stands for its request. */
const CLIENT_TOKEN_VALIDITY = 36 * HOUR;
/** How long the status of a request can be asked for. */
const REQUEST_RETENTION = 7 * 24 * HOUR;

export function requestLedger({ store, clock }: Base): RequestLedger {
  const requests = store.table<ResourceRequest>('cloudcontrol.requests');
  const byTime = store.table<string>('cloudcontrol.requestsByTime');
  const clientTokens = store.table<ClientToken>('cloudcontrol.clientTokens');
  const timeKey = ({ acceptedAt, token }: ResourceRequest) =>
    key(String(acceptedAt).padStart(15, '0'), token);

  function forgetOld(): void {
    const oldest = String(clock.now() - REQUEST_RETENTION).padStart(15, '0');
    for (const [time, token] of byTime.entries({ limit: 100 })) {
      if (time >= oldest) break;
      byTime.delete(time);
      requests.delete(token);
    }
    for (const [token, { usedAt }] of clientTokens.entries()) {
      if (usedAt <= clock.now() - CLIENT_TOKEN_VALIDITY) clientTokens.delete(token);
    }
  }

  return {
    repeated(clientToken, input) {
      const known = clientToken === undefined ? undefined : clientTokens.get(clientToken);
      if (!known || known.usedAt <= clock.now() - CLIENT_TOKEN_VALIDITY) return undefined;
      if (known.inputHash !== hashOf(input)) {
        throw new ClientTokenConflictException({
          message: 'The specified client token has already been used in another resource request.',
          $metadata: {},
        });
      }
      return requests.get(known.requestToken);
    },
    accept(wanted, clientToken, input) {
      const now = clock.now();
      const request: ResourceRequest = {
        ...wanted,
        token: randomUUID(),
        acceptedAt: now,
        status: OperationStatus.IN_PROGRESS,
        begun: false,
        eventTime: now,
      };
      store.transaction(() => {
        forgetOld();
        requests.put(request.token, request);
        byTime.put(timeKey(request), request.token);
        if (clientToken !== undefined) {
          const used = { requestToken: request.token, inputHash: hashOf(input), usedAt: now };
          clientTokens.put(clientToken, used);
        }
      });
      return request;
    },
    get(token) {
      const request = requests.get(token);
      if (request) return request;
      throw new RequestTokenNotFoundException({
        message: `Request with token ${token} was not found`,
        $metadata: {},
      });
    },
    save(request) {
      request.eventTime = clock.now();
      requests.put(request.token, request);
    },
    *latestFirst(after) {
      const tokens = [...byTime.entries()].map(([, token]) => token).reverse();
      for (const token of tokens.slice(after === undefined ? 0 : tokens.indexOf(after) + 1)) {
        const request = requests.get(token);
        if (request) yield request;
      }
    },
  };
}

/** What the API tells of a request. */
export function progressEvent(request: ResourceRequest): ProgressEvent {
  return {
    TypeName: request.typeName,
    Identifier: request.identifier,
    RequestToken: request.token,
    Operation: request.operation,
    OperationStatus: request.status,
    EventTime: new Date(request.eventTime),
    ResourceModel: request.resourceModel,
    StatusMessage: request.statusMessage,
    ErrorCode: request.errorCode,
  };
}

/** A digest of an input, the same for the same members in any order. */
function hashOf(input: object): string {
  const members = Object.entries(input).filter(
    ([name, value]) => name !== 'ClientToken' && value !== undefined,
  );
  return createHash('sha256')
    .update(JSON.stringify(members.sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex');
}

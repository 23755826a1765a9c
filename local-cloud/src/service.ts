import type { Readable } from 'node:stream';
import { reportDefect } from './defects.js';
import { AwsError } from './errors.js';
import type { HttpRequest, HttpResponse } from './http/messages.js';
import {
  type ErrorModel,
  type OperationModel,
  requiredMembers,
  type ServiceModel,
} from './protocol/model.js';
import type { ServerProtocol, WireError } from './protocol/protocols.js';

/** Who makes a call. */
export type Principal =
  /** The account's own access key, or any key that was not issued here. */
  | { kind: 'account'; arn: string }
  /** A session of a role, with credentials that were issued here. */
  | { kind: 'role'; arn: string; roleName: string; sessionName: string; identity?: CognitoIdentity }
  /** A device, by the certificate of its TLS connection. */
  | { kind: 'certificate'; arn: string; certificateId: string }
  | { kind: 'anonymous'; arn: '' };

/** For whom Amazon Cognito got the credentials of a role. */
export interface CognitoIdentity {
  readonly identityId: string;
  readonly identityPoolId: string;
  /** Whether somebody vouches for who it is; false for guests. */
  readonly authenticated: boolean;
}

/** The account itself. @param accountId twelve digits. */
export function accountPrincipal(accountId: string): Principal & { kind: 'account' } {
  return { kind: 'account', arn: `arn:aws:iam::${accountId}:root` };
}

/** What an operation may know of the call besides its input. */
export interface Call {
  readonly requestId: string;
  readonly region: string;
  readonly accountId: string;
  readonly principal: Principal;
  readonly request: HttpRequest;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** One AWS service: what the HTTP front hands requests to. */
export interface Service {
  /** The service's name, as its SDK package spells it: `iot`, `iot-data-plane`, `s3`. */
  readonly name: string;
  /** Names that SigV4 credential scopes give it. */
  readonly scopes: readonly string[];
  handle(request: HttpRequest, call: Call): Promise<HttpResponse>;
  /** An error of the front (signature, unknown scope) in this service's own shape. */
  refuse(error: AwsError, requestId: string, request: HttpRequest): HttpResponse;
  /**
   * What the header `X-Amz-Target` of requests for this service begins with, if it has callers without credentials:
   * browsers, which may come from any origin.
   */
  readonly unsignedTarget?: string | undefined;
  /** Names of the operations that this service answers; all others of its model are refused by name. */
  readonly supported: readonly string[];
}

type CommandOf<Sdk, Name> = Name extends string ? Sdk[`${Name}Command` & keyof Sdk] : never;
type InputOf<Command> = Command extends { new (...input: never[]): { readonly input: infer Input } }
  ? Input
  : never;
type OutputOf<Command> = Command extends { new (...input: never[]): infer Instance }
  ? Instance extends {
      resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: infer Output }>;
    }
    ? ServerOutput<Output>
    : never
  : never;
/** An output without what the client adds to it; streams are plain ones. */
type ServerOutput<Output> = {
  [Member in keyof Output as Member extends '$metadata' ? never : Member]: Output[Member] extends
    | { transformToString(): unknown }
    | undefined
    ? Readable | Uint8Array | undefined
    : Output[Member];
};

type OperationName<Sdk> = {
  [Name in keyof Sdk]: Name extends `${infer Operation}Command` ? Operation : never;
}[keyof Sdk];

/**
 * The operations of a service that are built, typed by its AWS SDK package: what the client sends is what a
 * handler gets, what it returns is what the client receives. Handlers throw the package's modelled
 * exceptions, or {@link AwsError} for codes without a model.
 */
export type Operations<Sdk> = {
  [Name in OperationName<Sdk>]?: (
    input: InputOf<CommandOf<Sdk, Name>>,
    call: Call,
  ) => OutputOf<CommandOf<Sdk, Name>> | Promise<OutputOf<CommandOf<Sdk, Name>>>;
};

export interface ServiceDefinition<Sdk> {
  name: string;
  scopes: readonly string[];
  model: ServiceModel;
  protocol: ServerProtocol;
  operations: Operations<Sdk>;
  /**
   * Throws the service's error of denied access when the caller may not do this; without it every caller may
   * do everything.
   */
  authorize?: Authorize;
  /** See {@link Service.unsignedTarget}. */
  unsignedTarget?: string;
  /** Code and status that this service gives to input which misses a required member or has a wrong type. */
  validationError?: { code: string; status?: number };
}

/** Decides whether a call may go on; runs before the operation's handler, with its input. */
export type Authorize = (operation: string, input: Readonly<Record<string, unknown>>, call: Call) => void;

type Handler = (input: Record<string, unknown>, call: Call) => unknown;

/** Makes a service out of its operations. */
export function defineService<Sdk>(definition: ServiceDefinition<Sdk>): Service {
  const { model, protocol, operations, name } = definition;
  const handlers = operations as Record<string, Handler | undefined>;
  const validation = { code: 'ValidationException', status: 400, ...definition.validationError };

  async function answer(request: HttpRequest, call: Call): Promise<HttpResponse> {
    const match = protocol.route(request);
    if (!match) {
      throw new AwsError(
        'UnknownOperationException',
        `${name} has no operation for ${request.method} ${request.path}`,
        404,
      );
    }
    const handler = handlers[match.operation.name];
    if (!handler) {
      throw new AwsError(
        'NotImplementedException',
        `The operation ${match.operation.name} of ${name} is not built in the local cloud`,
        501,
      );
    }
    const input = await readInput(match, request);
    definition.authorize?.(match.operation.name, input, call);
    const output = await handler(input, call);
    return protocol.writeOutput(match.operation, (output ?? {}) as Record<string, unknown>, call.requestId);
  }

  async function readInput(
    match: { operation: OperationModel; labels: Readonly<Record<string, string>> },
    request: HttpRequest,
  ) {
    try {
      const input = await protocol.readInput(match, request);
      const missing = requiredMembers(match.operation.input).filter((member) => input[member] === undefined);
      if (missing.length === 0) return input;
      const problems = missing.map(
        (member) => `Value null at '${member}' failed to satisfy constraint: Member must not be null`,
      );
      throw new AwsError(
        validation.code,
        `${missing.length} validation error${missing.length > 1 ? 's' : ''} detected: ${problems.join('; ')}`,
        validation.status,
      );
    } catch (error) {
      if (error instanceof AwsError && error.code === 'SerializationException') {
        throw new AwsError(validation.code, error.message, validation.status);
      }
      // Shapes that contain themselves are read by recursion; the stack ends before a hostile body does.
      if (error instanceof RangeError) {
        throw new AwsError(validation.code, 'The request is nested too deeply', validation.status);
      }
      throw error;
    }
  }

  return {
    name,
    scopes: definition.scopes,
    unsignedTarget: definition.unsignedTarget,
    supported: Object.keys(handlers),
    refuse: (error, requestId) => {
      const own = protocol.refusal?.(error) ?? error;
      return withRequestId(protocol.writeError(wireError(own, model), requestId), requestId);
    },
    async handle(request, call) {
      try {
        return withRequestId(await answer(request, call), call.requestId);
      } catch (error) {
        return withRequestId(protocol.writeError(wireError(error, model), call.requestId), call.requestId);
      }
    },
  };
}

function withRequestId(response: HttpResponse, requestId: string): HttpResponse {
  return {
    ...response,
    headers: { 'x-amzn-requestid': requestId, 'x-amz-request-id': requestId, ...response.headers },
  };
}

/** Turns what a handler threw into what goes on the wire; defects become InternalFailure, without a stack. */
function wireError(error: unknown, model: ServiceModel): WireError {
  if (error instanceof AwsError) {
    const { code, message, status } = error;
    return {
      code,
      message,
      status,
      fault: status < 500 ? 'client' : 'server',
      members: { ...error.details },
    };
  }
  if (error instanceof Error) {
    const modelled: ErrorModel | undefined = model.errors.get(error.name);
    if (modelled) {
      const members = { ...error, message: error.message };
      return { ...modelled, message: error.message, model: modelled, members };
    }
  }
  reportDefect(error);
  return {
    code: 'InternalFailure',
    message: 'The request processing has failed because of an unknown error, exception or failure',
    status: 500,
    fault: 'server',
    members: {},
  };
}

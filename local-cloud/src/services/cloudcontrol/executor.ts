import { HandlerErrorCode, Operation, OperationStatus } from '@aws-sdk/client-cloudcontrol';
import { reportDefect } from '../../defects.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { type HandlerFailure, handlerFailure } from './handler-errors.js';
import { identifierOf, withoutPaths } from './property-paths.js';
import type { RequestLedger, ResourceRequest } from './request-ledger.js';

/** Carries out the accepted requests, each on its own, and writes down how they end. */
export interface Executor {
  /** Starts a request; it goes on after this returns. */
  start(request: ResourceRequest): void;
  /** Whether an operation on this resource is under way. */
  isBusy(typeName: string, identifier: string): boolean;
  /** Takes up what a process before this one left unfinished. */
  resume(): void;
  /** Waits for the operations that are under way; those not begun yet are left to the next process. */
  close(): Promise<void>;
}

/** An operation that ended without success, for a reason that is not the handler's. */
class OperationFailure extends Error {
  constructor(readonly failure: HandlerFailure) {
    super(failure.message);
  }
}

export function executor(types: ReadonlyMap<string, ResourceType>, ledger: RequestLedger): Executor {
  const busy = new Map<string, string>();
  const running = new Set<Promise<void>>();
  let closed = false;
  const nameOf = (typeName: string, identifier: string) => `${typeName}|${identifier}`;

  function start(request: ResourceRequest): void {
    const name = request.identifier === undefined ? undefined : nameOf(request.typeName, request.identifier);
    if (name !== undefined) busy.set(name, request.token);
    const work = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => run(request.token))
      // It could not be written down how the request ended: it is taken up by the next process.
      .catch(reportDefect)
      .finally(() => {
        if (name !== undefined) busy.delete(name);
        running.delete(work);
      });
    running.add(work);
  }

  async function run(token: string): Promise<void> {
    const request = ledger.get(token);
    if (closed || request.status !== OperationStatus.IN_PROGRESS) return;
    const end: Partial<ResourceRequest> = { desired: undefined };
    try {
      const type = types.get(request.typeName);
      if (!type) throw failed(HandlerErrorCode.NOT_FOUND, `There is no resource type ${request.typeName}`);
      const identifier = await carryOut(type, request);
      const model = request.operation === Operation.DELETE ? undefined : await type.read(identifier);
      Object.assign(end, {
        identifier,
        status: OperationStatus.SUCCESS,
        ...(model && { resourceModel: JSON.stringify(withoutPaths(model, type.schema.writeOnlyProperties)) }),
      });
    } catch (error) {
      const { code, message } = error instanceof OperationFailure ? error.failure : handlerFailure(error);
      Object.assign(end, { status: OperationStatus.FAILED, errorCode: code, statusMessage: message });
    }
    const latest = ledger.get(token);
    if (latest.status === OperationStatus.IN_PROGRESS) ledger.save({ ...latest, ...end });
  }

  /** Calls the handler; returns the resource's identifier. */
  async function carryOut(type: ResourceType, request: ResourceRequest): Promise<string> {
    switch (request.operation) {
      case Operation.CREATE:
        return create(type, request);
      case Operation.UPDATE: {
        const { identifier = '', desired = {} } = request;
        const current = await type.read(identifier);
        if (!current) throw absent(type, identifier);
        begin(request);
        await type.update(identifier, desired, current);
        return identifier;
      }
      default: {
        const { identifier = '', begun } = request;
        if (!(await type.read(identifier))) {
          // A deletion that was cut off by the end of the process has done its work.
          if (begun) return identifier;
          throw absent(type, identifier);
        }
        begin(request);
        await type.delete(identifier);
        return identifier;
      }
    }
  }

  async function create(type: ResourceType, request: ResourceRequest): Promise<string> {
    const { desired = {} } = request;
    const identifier = identifierOf(type.schema, desired);
    const existing = identifier === undefined ? undefined : await type.read(identifier);
    if (request.begun) return resumeCreation(type, desired, identifier, existing);
    if (existing) {
      throw failed(
        HandlerErrorCode.ALREADY_EXISTS,
        `Resource of type '${type.typeName}' with identifier '${identifier}' already exists.`,
      );
    }
    begin(request);
    return type.create(desired);
  }

  /** Ends a creation that was cut off: makes what is not there, completes what is. */
  async function resumeCreation(
    type: ResourceType,
    desired: ResourceProperties,
    identifier: string | undefined,
    existing: ResourceProperties | undefined,
  ): Promise<string> {
    if (identifier === undefined) {
      throw failed(
        HandlerErrorCode.INTERNAL_FAILURE,
        `The local cloud was stopped while it created the resource, and as ${type.typeName} gets its identifier from the service, it cannot know whether the resource exists; look for it, then ask again`,
      );
    }
    if (!existing) return type.create(desired);
    if (type.schema.handlers === undefined || Object.hasOwn(Object(type.schema.handlers), 'update')) {
      await type.update(identifier, desired, existing);
    }
    return identifier;
  }

  function begin(request: ResourceRequest): void {
    const latest = ledger.get(request.token);
    if (latest.status === OperationStatus.CANCEL_COMPLETE) {
      throw failed(HandlerErrorCode.GENERAL_SERVICE_EXCEPTION, 'The request was cancelled');
    }
    ledger.save({ ...latest, begun: true });
  }

  return {
    start,
    isBusy: (typeName, identifier) => busy.has(nameOf(typeName, identifier)),
    resume() {
      for (const request of ledger.latestFirst()) {
        if (request.status === OperationStatus.IN_PROGRESS) start(request);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(running);
    },
  };
}

function failed(code: HandlerErrorCode, message: string): OperationFailure {
  return new OperationFailure({ code, message });
}

function absent(type: ResourceType, identifier: string): OperationFailure {
  return failed(HandlerErrorCode.NOT_FOUND, notFoundMessage(type.typeName, identifier));
}

/** AWS's words for a resource that is not there. */
export function notFoundMessage(typeName: string, identifier: string): string {
  return `Resource of type '${typeName}' with identifier '${identifier}' was not found.`;
}

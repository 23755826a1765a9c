/** What an operation of the service is to the RPC server: a name, a request's shape, and a handler. */
import type { z } from 'zod';
import { IpcError, type IpcPrincipal, type JsonValue } from './capabilities.js';

/** The namespace of the service model, and the service's own name in it. */
export const MODEL_NAMESPACE = 'aws.greengrass#';
export const SERVICE_NAME = `${MODEL_NAMESPACE}GreengrassCoreIPC`;

/** A response's or event's JSON; undefined members are left out. */
export type ShapeBody = { readonly [member: string]: ShapeMember };
type ShapeMember = JsonValue | undefined | ShapeBody | readonly ShapeBody[] | readonly string[];

/** One call under way: who calls, and the stream it came on. */
export interface OperationCall {
  readonly principal: IpcPrincipal;
  /** The operation's name with its namespace, as in policies. */
  readonly operation: string;
  /** Sends an event on the stream; held back until the response has gone out, dropped once it is closed. */
  emit(event: ShapeBody): void;
  /** Runs when the stream closes, at once when it is closed already. */
  onClosed(release: () => void): void;
}

export interface Operation {
  /** Without namespace: `PublishToTopic`. */
  readonly name: string;
  /** The shape of its events; undefined when the stream ends with the response. */
  readonly eventShape?: string;
  /** @throws IpcError for the client to see */
  handle(request: unknown, call: OperationCall): ShapeBody | Promise<ShapeBody>;
}

/** Ties a handler to the schema of its request: what does not fit is answered `InvalidArgumentsError`. */
export function defineOperation<Request>(definition: {
  readonly name: string;
  readonly request: z.ZodType<Request>;
  readonly eventShape?: string;
  handle(request: Request, call: OperationCall): ShapeBody | Promise<ShapeBody>;
}): Operation {
  return {
    name: definition.name,
    eventShape: definition.eventShape,
    handle(request, call) {
      const parsed = definition.request.safeParse(request);
      if (!parsed.success) {
        const problems = parsed.error.issues.map(
          (issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`,
        );
        throw new IpcError(
          'InvalidArgumentsError',
          `Invalid ${definition.name}Request: ${problems.join('; ')}`,
        );
      }
      return definition.handle(parsed.data, call);
    },
  };
}

/** How a principal is named in messages and logs. */
export function principalName(principal: IpcPrincipal): string {
  return 'componentName' in principal ? principal.componentName : 'greengrass-cli';
}

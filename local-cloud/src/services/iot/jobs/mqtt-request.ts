import { z } from 'zod';
import { DeviceJobError } from './device-jobs.js';

/** What a topic below `$aws/things/{thing}/jobs/` asks for. */
export type JobTopic =
  | { readonly operation: 'pending' | 'start-next'; readonly namespaceId: undefined }
  | {
      readonly operation: 'describe' | 'update';
      /** `$next` may be described. */
      readonly jobId: string;
      readonly namespaceId: string | undefined;
    };

const OF_JOB = /^([a-zA-Z0-9_-]{1,64}|\$next)(?:\/namespace-([a-zA-Z0-9_-]{1,64}))?\/(get|update)$/;

/** Reads a topic behind `jobs/`; undefined when it is none of a request. */
export function parseJobTopic(topic: string): JobTopic | undefined {
  if (topic === 'get') return { operation: 'pending', namespaceId: undefined };
  if (topic === 'start-next') return { operation: 'start-next', namespaceId: undefined };
  const [, jobId, namespaceId, verb] = OF_JOB.exec(topic) ?? [];
  if (jobId === undefined) return undefined;
  return { operation: verb === 'get' ? 'describe' : 'update', jobId, namespaceId };
}

/** Numbers may come as text: the developer guide's own examples of `expectedVersion` do. */
const whole = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);

const request = z.object({
  clientToken: z.string().nullish(),
  status: z.string().nullish(),
  statusDetails: z.record(z.string(), z.string()).nullish(),
  expectedVersion: whole.nullish(),
  executionNumber: whole.nullish(),
  includeJobExecutionState: z.boolean().nullish(),
  includeJobDocument: z.boolean().nullish(),
  stepTimeoutInMinutes: whole.nullish(),
});

/** A request's payload; members that it need not have are undefined. */
export type JobRequestPayload = {
  readonly [Member in keyof z.infer<typeof request>]:
    | NonNullable<z.infer<typeof request>[Member]>
    | undefined;
};

/**
 * Reads a payload as JSON; an empty one is an empty request.
 *
 * @throws DeviceJobError `InvalidJson`
 */
export function parsePayload(payload: Uint8Array): unknown {
  if (payload.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(payload));
  } catch {
    throw new DeviceJobError('InvalidJson', 'The payload is not UTF-8 encoded JSON.');
  }
}

/** @throws DeviceJobError `InvalidRequest` */
export function parseRequest(data: unknown): JobRequestPayload {
  const { success, data: parsed, error } = request.safeParse(data);
  if (success) {
    const members = Object.entries(parsed).map(([name, value]) => [name, value ?? undefined]);
    return Object.fromEntries(members) as JobRequestPayload;
  }
  const [issue] = error.issues;
  const member = issue?.path.map(String).join('.') ?? '';
  throw new DeviceJobError(
    'InvalidRequest',
    member === '' ? 'The payload is not a JSON object.' : `${member.slice(0, 200)}: ${issue?.message}`,
  );
}

/** The client token of a request that may be wrong otherwise. */
export function clientTokenOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('clientToken' in data)) return undefined;
  return typeof data.clientToken === 'string' ? data.clientToken : undefined;
}

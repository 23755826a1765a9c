import { z } from 'zod';
import { MooringError } from '../errors.js';
import { JsonObject } from './json.js';

const Pending = z.discriminatedUnion('operation', [
  z.object({ operation: z.literal('create'), token: z.string() }),
  z.object({
    operation: z.literal('update'),
    token: z.string(),
    /** What is being written, to become the resource's inputs. */
    inputs: JsonObject,
    patch: z.string(),
  }),
  z.object({ operation: z.literal('delete'), token: z.string() }),
]);

const StoredResource = z.object({
  key: z.string(),
  name: z.string(),
  type: z.string(),
  /** The primary identifier; absent until the cloud has told it. */
  identifier: z.string().optional(),
  /** The CloudFormation properties that were asked for last. */
  inputs: JsonObject,
  /** The CloudFormation properties that the cloud has told last. */
  properties: JsonObject,
  dependencies: z.array(z.string()),
  retainOnDelete: z.boolean().optional(),
  protect: z.boolean().optional(),
  /** Replaced by a resource of the same key, to be deleted at the end. */
  condemned: z.boolean().optional(),
  /** An operation that was begun and whose end is not recorded: its client token finds it again. */
  pending: Pending.optional(),
});
export type StoredResource = z.infer<typeof StoredResource>;
export type PendingOperation = z.infer<typeof Pending>;

const StackState = z.object({
  version: z.literal(1),
  stack: z.string(),
  resources: z.array(StoredResource),
});

/** What a deployment remembers of a stack, in the order in which resources were created. */
export type StackState = z.infer<typeof StackState>;

export function emptyState(stack: string): StackState {
  return { version: 1, stack, resources: [] };
}

/**
 * Parses a stored state.
 *
 * @throws MooringError `StateMalformed` when it is not one, or one of a newer version.
 */
export function parseState(stack: string, text: string): StackState {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const version = z.object({ version: z.number() }).safeParse(json);
  if (version.success && version.data.version > 1) {
    throw new MooringError(
      'StateMalformed',
      `The state of stack ${stack} is of version ${version.data.version}, written by a newer mooring: update this one`,
    );
  }
  const parsed = StackState.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MooringError(
      'StateMalformed',
      `The state of stack ${stack} is damaged (${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}): restore an older version of the object`,
    );
  }
  return parsed.data;
}

import {
  ConflictException,
  GetThingShadowCommand,
  type IoTDataPlaneClient,
  ResourceNotFoundException,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane';
import { names, RotationState } from '@mooring/contracts';
import { z } from 'zod';

/**
 * What the functions note about a rotation for themselves, beside {@link RotationState}, before they do something
 * that nothing else would tell a retry about.
 */
const Notes = z.object({
  /** There is a shadow, whose version tells of changes. */
  opened: z.literal(true).nullish(),
  /** The state `requested` was written, but perhaps the device was not asked. */
  unsent: z.literal(true).nullish(),
  /** A certificate is being made. */
  signing: z
    .object({
      /** SHA-256 of the public key, as {@link publicKeyId} has it. */
      key: z.string(),
      /** Milliseconds since 1970. */
      since: z.number(),
    })
    .nullish(),
  /** Ids of certificates that are being deleted. */
  retiring: z.record(z.string(), z.literal(true).nullable()).nullish(),
});
type Notes = z.infer<typeof Notes>;

/** What is known of a thing's rotation. */
export interface KnownRotation {
  readonly state: RotationState | undefined;
  readonly unsent: boolean;
  readonly signing: { readonly key: string; readonly since: number } | undefined;
  readonly retiring: readonly string[];
  /** Of the shadow; undefined when there is none. */
  readonly version: number | undefined;
}

/** The state of each thing's rotation. */
export interface RotationStates {
  read(thing: string): Promise<KnownRotation>;
  /**
   * Replaces the state, if one is given, and merges the notes; null takes a note away.
   *
   * @param version what the caller has read; undefined writes in any case.
   * @returns the version that it has now.
   * @throws StateChangedError when somebody else has written since that version.
   */
  write(
    thing: string,
    change: Notes & { readonly state?: RotationState },
    version?: number,
  ): Promise<number | undefined>;
}

/** Somebody else wrote the state of this thing meanwhile. */
export class StateChangedError extends Error {
  override readonly name = 'StateChangedError';
  constructor(thing: string, options?: ErrorOptions) {
    super(`the rotation of ${thing} went on meanwhile`, options);
  }
}

/** How often work on a thing starts over because its state was changed meanwhile. */
const ATTEMPTS = 4;

/** Does `work`, which reads the state first, and again from the start when it was changed before it wrote. */
export async function onCurrentState<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StateChangedError) || attempt === ATTEMPTS) throw error;
    }
  }
}

const Document = z.object({
  version: z.number().optional(),
  state: z.object({ reported: z.unknown() }).optional(),
});

/** {@link RotationStates} in a named shadow of each thing. */
export function shadowStates(data: IoTDataPlaneClient): RotationStates {
  return {
    async read(thingName) {
      try {
        const { payload } = await data.send(
          new GetThingShadowCommand({ thingName, shadowName: names.rotationShadow }),
        );
        return knownRotation(payload);
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return knownRotation(undefined);
        throw error;
      }
    },
    async write(thingName, { state, ...notes }, version) {
      const reported = {
        ...notes,
        // A shadow merges: what the new state does not have must not stay of the old one.
        ...(state && { certificateId: null, reason: null, ...state }),
      };
      try {
        const { payload } = await data.send(
          new UpdateThingShadowCommand({
            thingName,
            shadowName: names.rotationShadow,
            payload: Buffer.from(JSON.stringify({ state: { reported }, version })),
          }),
        );
        return knownRotation(payload).version;
      } catch (error) {
        if (error instanceof ConflictException) throw new StateChangedError(thingName, { cause: error });
        throw error;
      }
    },
  };
}

/** Reads a shadow document. What it does not understand of it, it does not know. */
export function knownRotation(document: Uint8Array | undefined): KnownRotation {
  const { version, state } = parsed(Document, textOf(document)) ?? {};
  const notes = Notes.safeParse(state?.reported).data;
  return {
    state: RotationState.safeParse(state?.reported).data,
    unsent: notes?.unsent === true,
    signing: notes?.signing ?? undefined,
    retiring: Object.keys(notes?.retiring ?? {}),
    version,
  };
}

function textOf(document: Uint8Array | undefined): string {
  return document === undefined ? '' : Buffer.from(document).toString('utf8');
}

function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

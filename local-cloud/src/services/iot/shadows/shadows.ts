import type { JsonObject } from './json.js';

/** What a shadow holds, as a client that asks for it is told (AWS IoT developer guide, "Device Shadow service documents"). */
export interface ShadowDocument {
  /** Sections that hold nothing are left out; `delta` is what is desired and not reported. */
  readonly state: {
    readonly desired?: JsonObject;
    readonly reported?: JsonObject;
    readonly delta?: JsonObject;
  };
  /** For each leaf of a section the time it was last set: `{ "timestamp": seconds since 1970 }`. */
  readonly metadata: { readonly desired?: JsonObject; readonly reported?: JsonObject };
  readonly version: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** Sections to merge into a shadow: null removes a member, or the whole section. */
export interface StateUpdate {
  readonly desired?: JsonObject | null;
  readonly reported?: JsonObject | null;
}

/** A shadow that was changed. */
export interface ShadowUpdate {
  readonly thingName: string;
  readonly shadowName: string | undefined;
  readonly document: ShadowDocument;
}

/** The shadows of things, for other services of AWS; `shadowName` undefined means the classic shadow. */
export interface Shadows {
  /**
   * As a client's update, but by AWS itself: publishes accepted, delta and documents alike. Returns the new version.
   *
   * @throws ShadowError when the state is too large or nested too deeply, or a name is malformed.
   */
  update(thingName: string, shadowName: string | undefined, state: StateUpdate): number;
  get(thingName: string, shadowName: string | undefined): ShadowDocument | undefined;
  /** Returns whether there was such a shadow; tells subscribers as a client's deletion does. */
  delete(thingName: string, shadowName: string | undefined): boolean;
  /** Called after each update by anyone. */
  onUpdate(listener: (update: ShadowUpdate) => void): void;
}

import type { RotationState } from '@mooring/contracts';

/** A device whose certificate is to be replaced. */
export interface ExpectedRotation {
  readonly thing: string;
  /** Ids of the certificates that it has now. */
  readonly old: readonly string[];
  /** What was written of it up to then, in milliseconds since 1970, is of an earlier rotation. */
  readonly after: number;
}

/** How far a device is: `waiting` until something is heard of its rotation. */
export type Stage = 'waiting' | RotationState['stage'];

interface Device extends ExpectedRotation {
  /** The latest that was heard. */
  state: RotationState | undefined;
}

/**
 * How far the rotations of many devices are, from what is heard of them: in any order, more than once, also of
 * earlier rotations and of other devices.
 */
export class RotationProgress {
  readonly #devices: ReadonlyMap<string, Device>;
  readonly #stages: Readonly<Record<Stage, Set<string>>>;

  constructor(expected: readonly ExpectedRotation[]) {
    this.#devices = new Map(expected.map((one) => [one.thing, { ...one, state: undefined }]));
    this.#stages = {
      waiting: new Set(this.#devices.keys()),
      requested: new Set(),
      issued: new Set(),
      completed: new Set(),
      refused: new Set(),
    };
  }

  /** Takes what was written of a device; returns whether that is news. */
  take(thing: string, state: RotationState): boolean {
    const device = this.#devices.get(thing);
    if (!device || !isOfThis(device, state)) return false;
    const { state: known } = device;
    if (known && (known.stage === 'completed' || known.at > state.at || isSame(known, state))) return false;
    this.#stages[this.stageOf(thing)].delete(thing);
    device.state = state;
    this.#stages[state.stage].add(thing);
    return true;
  }

  get size(): number {
    return this.#devices.size;
  }

  stageOf(thing: string): Stage {
    return this.stateOf(thing)?.stage ?? 'waiting';
  }

  stateOf(thing: string): RotationState | undefined {
    return this.#devices.get(thing)?.state;
  }

  count(stage: Stage): number {
    return this.#stages[stage].size;
  }

  /** Devices that are in one of these stages. */
  thingsIn(...stages: readonly Stage[]): string[] {
    return stages.flatMap((stage) => [...this.#stages[stage]]);
  }

  /** Whether of no device anything is still to come. */
  get isOver(): boolean {
    return this.count('completed') + this.count('refused') === this.size;
  }

  /** Devices of which something is still to come. */
  get pending(): string[] {
    return this.thingsIn('waiting', 'requested', 'issued');
  }

  /** `612 of 1000 rotated, 3 refused, 300 requested, 85 waiting` */
  get text(): string {
    const counts = (['refused', 'issued', 'requested', 'waiting'] as const)
      .filter((stage) => this.count(stage) > 0)
      .map((stage) => `${this.count(stage)} ${stage}`);
    return [`${this.count('completed')} of ${this.size} rotated`, ...counts].join(', ');
  }
}

/** Whether a state is of the rotation that is waited for. */
function isOfThis({ old, after }: ExpectedRotation, { stage, at, certificateId }: RotationState): boolean {
  if (stage !== 'completed') return at > after;
  // No earlier rotation can have ended with a certificate that the device did not have before this one.
  if (certificateId != null && !old.includes(certificateId)) return true;
  // One that was under way already, with the new certificate beside the old one, is as good as one that begins.
  return old.length > 1 && at > after;
}

function isSame(a: RotationState, b: RotationState): boolean {
  return a.stage === b.stage && a.at === b.at && a.certificateId === b.certificateId;
}

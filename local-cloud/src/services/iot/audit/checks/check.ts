import type { RelatedResource, ResourceIdentifier, ResourceType } from '@aws-sdk/client-iot';
import type { AuditTask } from '../records.js';

/** What is wrong with a resource. */
export interface Fault {
  readonly resourceType: ResourceType;
  readonly identifier: ResourceIdentifier;
  readonly info?: Record<string, string>;
  readonly related?: RelatedResource[];
  readonly reasonCode: string;
  readonly reason: string;
}

/** What one part of a check came to. */
export interface Part {
  /** Resources that the check is about. */
  readonly total: number;
  /** Faults by resource; a resource may have several. */
  readonly faults: readonly (readonly Fault[])[];
  /** Resources that could not be decided on. */
  readonly undecided?: number;
  /** Key of the resource that was looked at last; undefined when none is left. */
  readonly after: string | undefined;
}

/** An audit check that is decided here, in parts, so that nobody else waits for long. */
export interface Evaluation {
  /** Looks at some of the resources behind `after`, or at the first ones. */
  next(after: string | undefined, task: AuditTask): Part;
  /** Why resources could not be decided on, in a sentence without the full stop. */
  readonly undecidedBecause?: string;
}

/** A check whose resources are few enough for one part. */
export function whole(evaluate: (task: AuditTask) => Omit<Part, 'after'>): Evaluation {
  return { next: (_after, task) => ({ ...evaluate(task), after: undefined }) };
}

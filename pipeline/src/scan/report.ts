/** The scans there are, in the order in which they are told. */
export const scans = ['static', 'dependencies', 'secrets'] as const;
export type ScanName = (typeof scans)[number];

/** Something that a scan does not let pass. */
export interface Finding {
  /** A file and its line, or a package. */
  readonly where: string;
  readonly what: string;
}

/** What a scan came to. */
export interface ScanReport {
  readonly scan: ScanName;
  /** What was looked at, such as `120 files`. */
  readonly looked: string;
  readonly findings: readonly Finding[];
  /** Why the scan says nothing, when whom it asks does not answer. */
  readonly unavailable?: string;
}

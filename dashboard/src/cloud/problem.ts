/** Something that went wrong and that the visitor can read: a sentence, and the cloud's own code where there is one. */
export class CloudProblem extends Error {
  override readonly name = 'CloudProblem';

  /**
   * @param code the cloud's name of it, such as `NotAuthorizedException`; `Unreachable` when there was no answer.
   * @param status of the HTTP answer, if there was one.
   */
  constructor(
    readonly code: string,
    message: string,
    readonly status?: number,
  ) {
    super(message);
  }

  /** Whether the cloud understood, and said no. */
  get refused(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** One sentence on what went wrong, for the visitor. */
export function sentenceOf(error: unknown): string {
  if (error instanceof CloudProblem && error.refused) return `refused by the cloud: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

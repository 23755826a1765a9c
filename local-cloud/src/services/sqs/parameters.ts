import { refuse } from './errors.js';

/** A whole number from a request, in its bounds. @throws AwsError `InvalidParameterValue`. */
export function whole(
  name: string,
  value: number | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return value;
  throw refuse.invalid(
    `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${least} and ${most}, if provided.`,
  );
}

/** A parameter that has to be there. @throws AwsError `MissingParameter`. */
export function given<T>(name: string, value: T | undefined): T {
  if (value === undefined || value === '') throw refuse.missing(name);
  return value;
}

/** Members that ask for what is not built. @throws UnsupportedOperation that names them. */
export function refuseMembers(input: object, names: readonly string[], why: string): void {
  const asked = names.filter((name) => (input as Record<string, unknown>)[name] !== undefined);
  if (asked.length > 0) throw refuse.unbuilt(`${why} (${asked.join(', ')})`);
}

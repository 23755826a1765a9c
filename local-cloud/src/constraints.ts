/** What AWS says of a value that the API's model does not allow, whatever error the service puts it in. */
export function violation(value: unknown, member: string, constraint: string): string {
  return `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`;
}

/** The same for a pattern. */
export function patternViolation(value: string, member: string, pattern: string): string {
  return violation(value, member, `Member must satisfy regular expression pattern: ${pattern}`);
}

/** The same for a value that is to be one of some; undefined when it is, or is not given. */
export function enumViolation(
  value: string | undefined,
  member: string,
  allowed: readonly string[],
): string | undefined {
  if (value === undefined || allowed.includes(value)) return undefined;
  return violation(value, member, `Member must satisfy enum value set: [${allowed.join(', ')}]`);
}

/** The same for a whole number that is to be from `least` to `most`; undefined when it is. */
export function rangeViolation(
  value: number,
  member: string,
  least: number,
  most: number,
): string | undefined {
  if (!Number.isInteger(value) || value < least) {
    return violation(value, member, `Member must have value greater than or equal to ${least}`);
  }
  if (value <= most) return undefined;
  return violation(value, member, `Member must have value less than or equal to ${most}`);
}

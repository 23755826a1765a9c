/**
 * @returns the value of an environment variable of the function.
 * @throws Error when it is not set: the function was deployed wrongly, whatever it is sent.
 */
export function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '') throw new Error(`the environment variable ${variable} is not set`);
  return value;
}

/**
 * @returns the value of an environment variable that is a positive number.
 * @throws Error when it is not set, or is anything else.
 */
export function requiredNumber(variable: string): number {
  const value = Number(required(variable));
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new Error(`the environment variable ${variable} is not a positive number`);
  }
  return value;
}

/** What the program is told about the artifacts that were uploaded before it runs. */
export interface ProgramInputs {
  /** SHA-256 in hexadecimal of each function's bundle in the bootstrap bucket, by the function's name. */
  readonly functionBundles: Readonly<Record<string, string>>;
  /** ARN of the managed policy that the account has for the roles of this program to be bounded by, if it has. */
  readonly permissionsBoundary?: string;
}

/** The environment variable that carries `ProgramInputs.functionBundles` as JSON to the Pulumi command. */
export const FUNCTION_BUNDLES_VARIABLE = 'MOORING_FUNCTION_BUNDLES';

/** The environment variable that carries `ProgramInputs.permissionsBoundary` to the Pulumi command. */
export const PERMISSIONS_BOUNDARY_VARIABLE = 'MOORING_PERMISSIONS_BOUNDARY';

/** The program was started without an input that it needs, or with a malformed one. */
export class ProgramInputError extends Error {
  override readonly name = 'ProgramInputError';
  readonly code = 'ProgramInput';
}

/**
 * Reads the inputs that `mooring deploy` hands over in the environment.
 *
 * @throws ProgramInputError when they are missing, as when `pulumi up` is run by itself.
 */
export function inputsFromEnvironment(env: NodeJS.ProcessEnv): ProgramInputs {
  const text = env[FUNCTION_BUNDLES_VARIABLE];
  if (text === undefined) {
    throw new ProgramInputError(
      `${FUNCTION_BUNDLES_VARIABLE} is not set: run "mooring deploy --stack <stack>", which uploads the functions first`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProgramInputError(`${FUNCTION_BUNDLES_VARIABLE} is not a JSON object`);
  }
  const functionBundles: Record<string, string> = {};
  for (const [name, sha256] of Object.entries(value)) {
    if (typeof sha256 !== 'string') {
      throw new ProgramInputError(`${FUNCTION_BUNDLES_VARIABLE}: ${name} is not a string`);
    }
    functionBundles[name] = sha256;
  }
  const permissionsBoundary = env[PERMISSIONS_BOUNDARY_VARIABLE];
  return { functionBundles, ...(permissionsBoundary && { permissionsBoundary }) };
}

/**
 * @returns the SHA-256 of a function's bundle.
 * @throws ProgramInputError when it is not there or not a SHA-256.
 */
export function bundleSha256(inputs: ProgramInputs, functionName: string): string {
  const sha256 = inputs.functionBundles[functionName];
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new ProgramInputError(
      `the function bundles name no SHA-256 for ${functionName}: upload the functions first`,
    );
  }
  return sha256;
}

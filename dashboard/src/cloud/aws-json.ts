import { z } from 'zod';
import { CloudProblem } from './problem.js';

/** An error of AWS's JSON protocols: the name in `__type`, perhaps with a namespace before it. */
const AwsError = z.object({
  __type: z.string().optional(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

/**
 * Calls an operation of an AWS API that speaks JSON 1.1 and takes it without a signature, as Cognito does for what
 * visitors call before they have credentials.
 *
 * @param target such as `AWSCognitoIdentityService.GetId`.
 * @throws CloudProblem with the service's error code, or `Unreachable`.
 */
export async function callAwsJson<T>(
  url: string,
  target: string,
  input: object,
  output: z.ZodType<T>,
): Promise<T> {
  let answer: Response;
  let body: unknown;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
      body: JSON.stringify(input),
    });
    body = await answer.json().catch(() => ({}));
  } catch {
    throw new CloudProblem('Unreachable', `${new URL(url).host} does not answer`);
  }
  if (!answer.ok) {
    const error = AwsError.catch({}).parse(body);
    const code = error.__type?.split('#').at(-1) ?? `Status${answer.status}`;
    throw new CloudProblem(code, error.message ?? error.Message ?? code, answer.status);
  }
  const parsed = output.safeParse(body);
  if (!parsed.success) throw new CloudProblem('BadAnswer', `${target} answered something unexpected`);
  return parsed.data;
}

import { z } from 'zod';
import type { Clock } from '../../../clock.js';
import type { FunctionInvoker } from '../../lambda/invoker.js';

/** What a pre-provisioning hook is asked (AWS IoT developer guide, "Pre-provisioning hooks"). */
export interface HookRequest {
  readonly claimCertificateId: string;
  readonly certificateId: string;
  readonly certificatePem: string;
  readonly templateArn: string;
  readonly clientId: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export type HookAnswer =
  | { readonly allowed: true; readonly parameterOverrides: Readonly<Record<string, string>> }
  /** `because` is for the log; the device is only told that access is denied. */
  | { readonly allowed: false; readonly because: string };

/** In which a hook has to answer. */
const TIMEOUT = 5000;

const answerSchema = z.object({
  allowProvisioning: z.unknown(),
  parameterOverrides: z.record(z.string(), z.string()).nullish(),
});

/** Asks a hook; whatever goes wrong on the way is a refusal. */
export async function askHook(
  invoker: FunctionInvoker | undefined,
  clock: Clock,
  functionArn: string,
  request: HookRequest,
): Promise<HookAnswer> {
  if (!invoker) return refused(`there is no Lambda to run the pre-provisioning hook ${functionArn}`);
  const payload = new TextEncoder().encode(JSON.stringify(request));
  const caller = { service: 'iot.amazonaws.com', sourceArn: request.templateArn };
  let ring: (late: 'timeout') => void = () => {};
  const timeout = new Promise<'timeout'>((resolve) => {
    ring = resolve;
  });
  const timer = clock.after(TIMEOUT, () => ring('timeout'));
  try {
    const result = await Promise.race([invoker.invoke(functionArn, payload, caller), timeout]);
    if (result === 'timeout')
      return refused(`the pre-provisioning hook did not answer in ${TIMEOUT / 1000} seconds`);
    const text = new TextDecoder().decode(result.payload);
    if (result.functionError) return refused(`the pre-provisioning hook failed: ${text}`);
    return readAnswer(text);
  } catch (error) {
    return refused(`the pre-provisioning hook could not be invoked: ${String(error)}`);
  } finally {
    timer.cancel();
  }
}

function readAnswer(text: string): HookAnswer {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return refused('the pre-provisioning hook answered no JSON');
  }
  const answer = answerSchema.safeParse(data);
  if (!answer.success) {
    return refused(`the pre-provisioning hook answered something else than allowProvisioning: ${text}`);
  }
  const { allowProvisioning, parameterOverrides } = answer.data;
  if (allowProvisioning !== true && allowProvisioning !== 'true') {
    return refused('the pre-provisioning hook did not allow it');
  }
  return { allowed: true, parameterOverrides: parameterOverrides ?? {} };
}

function refused(because: string): HookAnswer {
  return { allowed: false, because };
}

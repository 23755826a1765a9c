import { MooringError } from '../errors.js';
import type { ImagePlan } from './layers-builder.js';
import type { Descriptor } from './oci.js';

export async function buildxAnswers(): Promise<{ usable: true } | { usable: false; why: string }> {
  return { usable: false, why: 'it is not built yet' };
}

export async function buildWithBuildx(
  plan: ImagePlan,
  _options: { text: string; epoch: number; signal: AbortSignal | undefined },
): Promise<Descriptor> {
  throw new MooringError('NotBuilt', `Building ${plan.name} with buildx is not built yet`);
}

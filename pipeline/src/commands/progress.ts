import { type DeployProgress, renderPlan, renderProgress } from '../deploy/index.js';
import type { Output } from '../output.js';

/** Tells people of a deployment: the plan when it changes something, then each step. */
export function progressTeller(out: Output): (progress: DeployProgress) => void {
  return (progress) => {
    if (progress.kind === 'planned') {
      if (progress.plan.changes) out.line(renderPlan(progress.plan, out.style));
      return;
    }
    const line = renderProgress(progress);
    if (line !== undefined) out.progress(line);
  };
}

export { deployAws, destroyAws, planAws } from './aws.js';
export type { DeployCounts, Deployment } from './engine.js';
export type { DeployProgress, Plan } from './engine-ports.js';
export { deployLocal, destroyLocal, loadAhead, planLocal } from './fleet-stack.js';
export {
  changeCounts,
  deploymentJson,
  planJson,
  renderPlan,
  renderProgress,
  renderResult,
} from './render.js';

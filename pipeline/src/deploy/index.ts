export { type AwsStack, deployAws, planAws } from './aws.js';
export { DeployError, type StepFailure } from './deploy-error.js';
export type { DeployCounts, Deployment } from './engine.js';
export type { DeployProgress, Plan } from './engine-ports.js';
export { deployLocal, destroyLocal, planLocal, warmUp } from './fleet-stack.js';
export type { Step } from './plan.js';
export { PrerequisiteError } from './prerequisites.js';
export {
  type DeploymentJson,
  deploymentJson,
  type PlanJson,
  planJson,
  renderPlan,
  renderProgress,
  renderResult,
} from './render.js';
